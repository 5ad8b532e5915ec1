"""The report for people: a line a profile, the likely cause, failures by clause, what is left out, the verdict last."""

from collections.abc import Iterator

from datawal_conformance.exitcodes import ExitCode, exit_code
from datawal_conformance.report._common import command_text, counted, one_line, reservation, totals, words
from datawal_conformance.report._facts import fact_lines
from datawal_conformance.report._groups import ClauseGroup, failures_by_clause
from datawal_conformance.report._notes import cause_lines, notes
from datawal_conformance.terminal import Paint, stderr_excerpt
from datawal_conformance.verdict import CaseResult, RunRecord, Standing

MOST_CLAUSES = 4
"""Clauses whose failures are shown; the others are counted."""

MOST_CASES = 3
"""Failures shown in full for each clause when few clauses are broken; one each when many are, to fit a screen."""

_FEW_CLAUSES = 2

_MOST_NAMED = 8
"""Further clauses that are named."""

MOST_STALE = 40
"""Stale lines of a deviations file that are shown."""

_STDERR_LINES = 6
_WIDTH = 100

_STYLE = {
    Standing.CONFORMANT: ("green",),
    Standing.PARTLY_CLAIMED: ("yellow",),
    Standing.DEVIATES: ("yellow",),
    Standing.STALE: ("yellow",),
    Standing.INCOMPLETE: ("dim",),
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
        standing = paint(f"{verdict.standing.value:<16}", *_STYLE[verdict.standing])
        yield f"{verdict.profile:<12} {standing} {counted(verdict.counts)}"
    yield ""
    yield from _causes(record, paint)
    yield from _failures(record, paint)
    yield from _incidents(record, paint)
    yield from _stale(record, paint)
    yield from _notes(record)
    code = exit_code(record)
    style = ("green", "bold") if code is ExitCode.CONFORMANT else ("red", "bold")
    word = _LAST_LINE[code] + (reservation(record) if code is ExitCode.CONFORMANT else "")
    rate = len(record.results) / record.seconds if record.seconds else 0
    yield f"{paint(word, *style)}: {totals(record)} in {record.seconds:.1f} s ({rate:.0f} cases a second)"


def _causes(record: RunRecord, paint: Paint) -> Iterator[str]:
    causes = cause_lines(record)
    if causes:
        yield paint("Likely common cause" if len(causes) == 1 else "Likely common causes", "bold")
        for cause in causes:
            yield f"  {cause}"
        yield ""


def _failures(record: RunRecord, paint: Paint) -> Iterator[str]:
    groups = failures_by_clause(record)
    most = MOST_CASES if len(groups) <= _FEW_CLAUSES else 1
    for group in groups[:MOST_CLAUSES]:
        yield paint(group.title, "red", "bold")
        if group.text:
            yield f"  {group.text}"
        if group.also:
            yield f"  {group.also_line}"
        for result in group.results[:most]:
            yield from _failure(record, result, paint)
        if len(group.results) > most:
            yield f"  ... and {len(group.results) - most} more"
        yield ""
    if len(groups) > MOST_CLAUSES:
        yield from _hidden(record, groups[MOST_CLAUSES:])


def _hidden(record: RunRecord, groups: list[ClauseGroup]) -> Iterator[str]:
    """How many failures are not shown, and how to see them."""
    count = sum(len(group.results) for group in groups)
    names = ", ".join(group.clause for group in groups[:_MOST_NAMED])
    more = ", ..." if len(groups) > _MOST_NAMED else ""
    clauses = "1 more clause" if len(groups) == 1 else f"{len(groups)} more clauses"
    yield f"{count} more {'failure' if count == 1 else 'failures'} under {clauses}: {names}{more}"
    command = command_text(record)
    if groups[0].level:
        yield f"  one clause: datawal-conformance run --clause {groups[0].clause} -- {command}"
    yield f"  everything: datawal-conformance run --report html:report.html -- {command}"
    yield ""


def _failure(record: RunRecord, result: CaseResult, paint: Paint) -> Iterator[str]:
    yield f"  {paint(result.case_id, 'bold')}  {words(result.outcome)}"
    *found, repeat = fact_lines(record, result)
    for line in found:
        yield f"    {line}"
    for line in stderr_excerpt(result.stderr, _STDERR_LINES):
        yield f"    stderr | {one_line(line, _WIDTH)}"
    yield paint(f"    {repeat}", "dim")


def _notes(record: RunRecord) -> Iterator[str]:
    found = notes(record)
    yield from found
    if found:
        yield ""


def _incidents(record: RunRecord, paint: Paint) -> Iterator[str]:
    for incident in record.incidents:
        yield paint("The adapter broke, and no single case explains it", "red", "bold")
        yield f"  {one_line(incident.message)}"
        if incident.case_ids:
            yield f"  in flight: {one_line(', '.join(incident.case_ids), 300)}"
        for line in stderr_excerpt(incident.stderr, _STDERR_LINES):
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
