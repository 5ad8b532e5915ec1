"""The report for TAP harnesses: TAP version 14 (https://testanything.org/tap-version-14-specification.html).

One test point a case. Unsupported cases are skipped; known deviations are `not ok` with TODO, as TAP means it. What
is wrong with the run itself is a test point behind the cases, so that a harness goes red whenever the exit code is
not 0. Diagnostics are YAML whose every text is a JSON string, which YAML 1.2 includes.
"""

import json
from collections.abc import Iterator

from datawal_conformance.report._common import (
    block,
    headline,
    one_line,
    place,
    problems_of_the_run,
    repeat_line,
    run_facts,
)
from datawal_conformance.verdict import AGAINST, CaseResult, Outcome, RunRecord


def tap_report(record: RunRecord) -> str:
    """The run as TAP version 14."""
    return "\n".join(_lines(record)) + "\n"


def _lines(record: RunRecord) -> Iterator[str]:
    problems = problems_of_the_run(record)
    yield "TAP version 14"
    yield f"1..{len(record.results) + len(problems)}"
    for name, value in [("verdict", headline(record).word), *run_facts(record)]:
        yield f"# {name}: {value}"
    for verdict in record.verdicts:
        yield f"# profile {verdict.profile}: {verdict.standing.value}"
    for number, result in enumerate(record.results, 1):
        yield from _point(record, number, result)
    for number, (name, details) in enumerate(problems, len(record.results) + 1):
        yield f"not ok {number} - run: {_description(name)}"
        yield from _diagnostics({"details": details})
    if record.gave_up:
        yield f"Bail out! {one_line(record.gave_up)}"
    elif record.interrupted:
        yield "Bail out! interrupted"


def _point(record: RunRecord, number: int, result: CaseResult) -> Iterator[str]:
    name = _description(result.case_id)
    if result.outcome is Outcome.PASSED:
        yield f"ok {number} - {name}"
    elif result.outcome is Outcome.UNSUPPORTED:
        yield f"ok {number} - {name} # SKIP {one_line(result.message)}"
    elif result.outcome is Outcome.UNEXPECTEDLY_PASSED:
        yield f"ok {number} - {name} # TODO {one_line(result.reason)}"
    elif result.outcome is Outcome.KNOWN_DEVIATION:
        yield f"not ok {number} - {name} # TODO {one_line(result.reason)}"
    else:
        yield f"not ok {number} - {name}"
    if result.outcome in AGAINST or result.outcome is Outcome.KNOWN_DEVIATION:
        yield from _diagnostics(_details(record, result))


def _description(text: str) -> str:
    """A description in which nothing is taken for a directive."""
    return one_line(text).replace("\\", "\\\\").replace("#", "\\#")


def _details(record: RunRecord, result: CaseResult) -> dict[str, object]:
    details: dict[str, object] = {
        "outcome": result.outcome.value,
        "profile": result.profile,
        "clauses": [one_line(clause) for clause in result.clauses],
        "message": one_line(result.message),
    }
    if result.mismatch is not None:
        mismatch = result.mismatch
        details |= {
            "at": f"{place(result)}, {one_line(mismatch.where)}",
            "expected": one_line(mismatch.expected),
            "found": one_line(mismatch.found),
        }
        if mismatch.byte is not None:
            details["first_differing_byte"] = mismatch.byte
        if mismatch.field is not None:
            details["field"] = one_line(mismatch.field)
    if result.stderr:
        details["stderr"] = block(result.stderr)
    details["repeat"] = repeat_line(record, result.case_id)
    return details


def _diagnostics(details: dict[str, object]) -> Iterator[str]:
    yield "  ---"
    for name, value in details.items():
        yield f"  {name}: {json.dumps(value, ensure_ascii=False)}"
    yield "  ..."
