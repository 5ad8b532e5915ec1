"""What is told of one failure, for every format alike: where, expected, found, the first differing byte, and more."""

import re
from collections.abc import Iterator

from datawal_conformance.report._common import one_line, place, repeat_line
from datawal_conformance.verdict import CaseResult, RunRecord

_NEAREST = re.compile(r" \[nearest permitted outcome: (.+)\]$")
_LABEL_WIDTH = len("expected")


def facts(result: CaseResult) -> Iterator[tuple[str, str]]:
    """Names and texts, fit to print on one line each. Of a case without a mismatch its message is all there is."""
    mismatch = result.mismatch
    if mismatch is None:
        yield "found", one_line(result.message)
        return
    yield "at", f"{place(result)}, {one_line(mismatch.where)}"
    yield "expected", one_line(mismatch.expected)
    yield "found", one_line(mismatch.found)
    if mismatch.byte is not None:
        field = f", field {one_line(mismatch.field)}" if mismatch.field else ""
        yield "first differing byte", f"{mismatch.byte}{field}"
    if nearest := _NEAREST.search(result.message):
        yield "permitted", f"one of several outcomes; nearest: {one_line(nearest[1])}"


def fact_lines(record: RunRecord, result: CaseResult) -> Iterator[str]:
    """The facts as lines, their names aligned as far as they are short, and last the command that repeats the case."""
    for name, text in facts(result):
        yield f"{name:<{_LABEL_WIDTH}} {text}"
    yield f"repeat: {repeat_line(record, result.case_id)}"
