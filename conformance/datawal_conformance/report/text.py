"""The report for people: a line a profile, the likely cause, failures by clause, worst first, the verdict last."""

from collections.abc import Iterator

from datawal_conformance.diagnosis import diagnose
from datawal_conformance.exitcodes import ExitCode, exit_code
from datawal_conformance.report._common import failures_by_clause, one_line, place, repeat_line, totals
from datawal_conformance.terminal import Paint
from datawal_conformance.verdict import CaseResult, Outcome, RunRecord, Standing

MOST_CAUSES = 3
"""Likely common causes that are told."""

MOST_CLAUSES = 4
"""Clauses whose failures are shown; the others are counted."""

MOST_CASES = 3
"""Failures shown in full for each clause when few clauses are broken; one each when many are, to fit a screen."""

_FEW_CLAUSES = 2

MOST_STALE = 40
"""Stale lines of a deviations file that are shown."""

_STDERR_LINES = 6
_WIDTH = 100

_STYLE = {
    Standing.CONFORMANT: ("green",),
    Standing.DEVIATES: ("yellow",),
    Standing.NOT_CONFORMANT: ("red", "bold"),
    Standing.NOT_CLAIMED: ("dim",),
}

_LAST_LINE = {
    ExitCode.CONFORMANT: "CONFORMANT",
    ExitCode.NOT_CONFORMANT: "NOT CONFORMANT",
    ExitCode.ADAPTER_BROKEN: "NO VERDICT: the adapter is broken",
    ExitCode.DEVIATIONS_STALE: "DEVIATIONS FILE STALE",
    ExitCode.NOTHING_RAN: "NO VERDICT: nothing ran",
    ExitCode.INTERRUPTED: "INTERRUPTED: this covers only what ran",
}


def text_report(record: RunRecord, paint: Paint | None = None) -> str:
    """The run as text for a screen."""
    return "\n".join(_lines(record, paint or Paint(enabled=False))) + "\n"


def _lines(record: RunRecord, paint: Paint) -> Iterator[str]:
    hello = record.hello
    yield paint(f"{one_line(hello.implementation)} {one_line(hello.version)} ({one_line(hello.language)})", "bold")
    yield ""
    for verdict in record.verdicts:
        counts = ", ".join(
            f"{number} {outcome.value.replace('_', ' ')}" for outcome, number in sorted(verdict.counts.items())
        )
        yield f"{verdict.profile:<12} {paint(f'{verdict.standing.value:<16}', *_STYLE[verdict.standing])} {counts}"
    yield ""
    yield from _causes(record, paint)
    yield from _failures(record, paint)
    yield from _incidents(record, paint)
    yield from _stale(record, paint)
    code = exit_code(record)
    style = ("green", "bold") if code is ExitCode.CONFORMANT else ("red", "bold")
    known = record.counts[Outcome.KNOWN_DEVIATION]
    word = _LAST_LINE[code] + (f", apart from {known} known deviations" if known and not code else "")
    rate = len(record.results) / record.seconds if record.seconds else 0
    yield f"{paint(word, *style)}: {totals(record)} in {record.seconds:.1f} s ({rate:.0f} cases a second)"


def _causes(record: RunRecord, paint: Paint) -> Iterator[str]:
    causes = diagnose(record.results)
    if causes:
        yield paint("Likely common cause" if len(causes) == 1 else "Likely common causes", "bold")
        for cause in causes[:MOST_CAUSES]:
            yield f"  {one_line(cause)}"
        yield ""


def _failures(record: RunRecord, paint: Paint) -> Iterator[str]:
    groups = failures_by_clause(record)
    most = MOST_CASES if len(groups) <= _FEW_CLAUSES else 1
    for group in groups[:MOST_CLAUSES]:
        yield paint(group.title, "red", "bold")
        if group.text:
            yield f"  {group.text}"
        for result in group.results[:most]:
            yield from _failure(record, result, paint)
        if len(group.results) > most:
            yield f"  ... and {len(group.results) - most} more"
        yield ""
    if len(groups) > MOST_CLAUSES:
        hidden = groups[MOST_CLAUSES:]
        count = sum(len(group.results) for group in hidden)
        names = ", ".join(group.clause for group in hidden)
        yield f"{count} more failures under {len(hidden)} more clauses: {names}"
        yield ""


def _failure(record: RunRecord, result: CaseResult, paint: Paint) -> Iterator[str]:
    word = result.outcome.value.replace("_", " ")
    yield f"  {paint(result.case_id, 'bold')}  {word}"
    if result.mismatch is None:
        yield f"    {one_line(result.message)}"
    else:
        mismatch = result.mismatch
        yield f"    at       {place(result)}, {one_line(mismatch.where)}"
        yield f"    expected {one_line(mismatch.expected)}"
        yield f"    found    {one_line(mismatch.found)}"
        if mismatch.byte is not None:
            field = f", field {one_line(mismatch.field)}" if mismatch.field else ""
            yield f"    first differing byte {mismatch.byte}{field}"
    lines = result.stderr.splitlines()[-_STDERR_LINES:]
    for line in lines:
        yield f"    stderr | {one_line(line, _WIDTH)}"
    yield paint(f"    repeat: {repeat_line(record, result.case_id)}", "dim")


def _incidents(record: RunRecord, paint: Paint) -> Iterator[str]:
    for incident in record.incidents:
        yield paint("The adapter broke, and no single case explains it", "red", "bold")
        yield f"  {one_line(incident.message)}"
        if incident.case_ids:
            yield f"  in flight: {one_line(', '.join(incident.case_ids), 300)}"
        for line in incident.stderr.splitlines()[-_STDERR_LINES:]:
            yield f"  stderr | {one_line(line, _WIDTH)}"
        yield ""
    if record.gave_up:
        yield paint(f"Gave up: {one_line(record.gave_up)}", "red", "bold")
        yield ""


def _stale(record: RunRecord, paint: Paint) -> Iterator[str]:
    if record.stale_deviations:
        yield paint("The deviations file is stale; change these lines:", "red", "bold")
        for line in record.stale_deviations[:MOST_STALE]:
            yield f"  {one_line(line, 300)}"
        if len(record.stale_deviations) > MOST_STALE:
            yield f"  ... and {len(record.stale_deviations) - MOST_STALE} more"
        yield ""
