"""The report for people: verdicts first, then the failures by clause, the worst clause first."""

import shlex
from collections import defaultdict
from collections.abc import Iterator

from datawal_conformance.exitcodes import ExitCode, exit_code
from datawal_conformance.terminal import Paint, harmless
from datawal_conformance.verdict import AGAINST, CaseResult, Outcome, RunRecord, Standing
from datawal_spec import all_clauses

MOST_CLAUSES = 6
"""Clauses whose failures are shown; the others are counted."""

MOST_CASES = 2
"""Failures shown in full for each clause."""

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


def repeat_command(record: RunRecord, case_id: str) -> str:
    """The command that runs one case again."""
    return f"datawal-conformance run --id {shlex.quote(case_id)} -- {shlex.join(record.command)}"


def _lines(record: RunRecord, paint: Paint) -> Iterator[str]:
    hello = record.hello
    yield paint(f"{harmless(hello.implementation)} {harmless(hello.version)} ({harmless(hello.language)})", "bold")
    yield ""
    yield from _failures(record, paint)
    yield from _incidents(record, paint)
    yield from _stale(record, paint)
    for verdict in record.verdicts:
        counts = ", ".join(
            f"{number} {outcome.value.replace('_', ' ')}" for outcome, number in sorted(verdict.counts.items())
        )
        yield f"{verdict.profile:<12} {paint(f'{verdict.standing.value:<16}', *_STYLE[verdict.standing])} {counts}"
    yield ""
    code = exit_code(record)
    style = ("green", "bold") if code is ExitCode.CONFORMANT else ("red", "bold")
    known = record.counts[Outcome.KNOWN_DEVIATION]
    word = _LAST_LINE[code] + (f", apart from {known} known deviations" if known and not code else "")
    rate = len(record.results) / record.seconds if record.seconds else 0
    yield f"{paint(word, *style)}: {_total(record)} in {record.seconds:.1f} s ({rate:.0f} cases a second)"


def _total(record: RunRecord) -> str:
    counts = record.counts
    parts = [f"{counts[outcome]} {outcome.value.replace('_', ' ')}" for outcome in Outcome if counts[outcome]]
    return ", ".join(parts) or "0 cases"


def _failures(record: RunRecord, paint: Paint) -> Iterator[str]:
    by_clause: dict[str, list[CaseResult]] = defaultdict(list)
    for result in record.results:
        if result.outcome in AGAINST:
            by_clause[next(iter(result.clauses))].append(result)
    ranked = sorted(by_clause.items(), key=lambda item: -len(item[1]))
    for clause_id, results in ranked[:MOST_CLAUSES]:
        clause = all_clauses()[clause_id]
        plural = "case fails" if len(results) == 1 else "cases fail"
        yield paint(f"{clause_id} ({clause.level}): {len(results)} {plural}", "red", "bold")
        yield f"  {clause.text}"
        for result in results[:MOST_CASES]:
            yield from _failure(record, result, paint)
        if len(results) > MOST_CASES:
            yield f"  ... and {len(results) - MOST_CASES} more"
        yield ""
    if len(ranked) > MOST_CLAUSES:
        hidden = ranked[MOST_CLAUSES:]
        count = sum(len(results) for _clause, results in hidden)
        yield f"{count} more failures under {len(hidden)} more clauses: {', '.join(name for name, _ in hidden)}"
        yield ""


def _failure(record: RunRecord, result: CaseResult, paint: Paint) -> Iterator[str]:
    word = result.outcome.value.replace("_", " ")
    yield f"  {paint(result.case_id, 'bold')}  {word}"
    if result.mismatch is None:
        yield f"    {harmless(result.message)}"
    else:
        mismatch = result.mismatch
        place = f"step {result.step} {result.step_title}" if result.step else "files afterwards"
        yield f"    at       {harmless(place)}, {harmless(mismatch.where)}"
        yield f"    expected {harmless(mismatch.expected)}"
        yield f"    found    {harmless(mismatch.found)}"
        if mismatch.byte is not None:
            field = f", field {mismatch.field}" if mismatch.field else ""
            yield f"    first differing byte {mismatch.byte}{field}"
    lines = result.stderr.splitlines()[-_STDERR_LINES:]
    for line in lines:
        yield f"    stderr | {harmless(line, _WIDTH)}"
    yield paint(f"    repeat: {harmless(repeat_command(record, result.case_id))}", "dim")


def _incidents(record: RunRecord, paint: Paint) -> Iterator[str]:
    for incident in record.incidents:
        yield paint("The adapter broke, and no single case explains it", "red", "bold")
        yield f"  {harmless(incident.message)}"
        if incident.case_ids:
            yield f"  in flight: {harmless(', '.join(incident.case_ids), 300)}"
        for line in incident.stderr.splitlines()[-_STDERR_LINES:]:
            yield f"  stderr | {harmless(line, _WIDTH)}"
        yield ""
    if record.gave_up:
        yield paint(f"Gave up: {harmless(record.gave_up)}", "red", "bold")
        yield ""


def _stale(record: RunRecord, paint: Paint) -> Iterator[str]:
    if record.stale_deviations:
        yield paint("The deviations file is stale; change these lines:", "red", "bold")
        for line in record.stale_deviations[:MOST_STALE]:
            yield f"  {harmless(line, 300)}"
        if len(record.stale_deviations) > MOST_STALE:
            yield f"  ... and {len(record.stale_deviations) - MOST_STALE} more"
        yield ""
