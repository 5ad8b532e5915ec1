"""Records made by hand for the tests of the reports, one for every way a run can end; and what holds for all forms."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datawal_conformance.exitcodes import ExitCode, exit_code
from datawal_conformance.mismatch import Mismatch, files_differ
from datawal_conformance.protocol import Hello
from datawal_conformance.report import FORMATS
from datawal_conformance.sandbox import Entry
from datawal_conformance.verdict import CaseResult, Incident, Outcome, RunRecord
from datawal_spec import all_clauses, all_profiles, build_frame

HOSTILE = "\x1b[31m\x00]]><script>alert(1)</script>\"'`|\u202e\ud800\ufffe\n---\n...\r@team #1 &amp; \\ | x"
"""A text with something in it for every format."""

FOREIGN = st.one_of(
    st.just(HOSTILE),
    st.text(st.characters(), max_size=60),
    st.text(
        st.sampled_from("<>&\"'`|@#\\\n\r\t -.:*_[]()~\x00\x1b\x85\u2028\u202e\ud800\ufffe\U0001fffe"), max_size=60
    ),
)
"""Texts an adapter could bring: anything, lone surrogates included."""


def make_result(case_id: str = "recovery.hand@n=1", outcome: Outcome = Outcome.PASSED, **members: Any) -> CaseResult:
    profile = case_id.partition(".")[0]
    profile = profile if profile in all_profiles() else "recovery"
    clause = next(clause.id for clause in all_clauses().values() if clause.profile.name == profile)
    return replace(CaseResult(case_id, profile, (clause,), outcome, 0.002), **members)


def make_failure(number: int = 1, outcome: Outcome = Outcome.FAILED, **members: Any) -> CaseResult:
    mismatch = members.get("mismatch")
    message = f"step 2 scan: {mismatch.text}" if mismatch else "the adapter was ended by signal 6"
    return make_result(f"recovery.hand@n={number}", outcome, **{"message": message, **members})


def make_record(*results: CaseResult, **members: Any) -> RunRecord:
    hello = Hello("mylog", "1.4.2", "zig", frozenset({"log", "kv", "reader", "typed-errors"}))
    record = RunRecord(
        command=("./adapter", "--log dir"),
        hello=hello,
        kit_version="0.1.0",
        vectors_digest="0123456789abcdef",
        machine="Linux x86_64, 2 cores, Python 3.11.9",
        started="2026-01-02T03:04:05+00:00",
        filtered=False,
        results=list(results),
        seconds=1.25,
    )
    return replace(record, **members)


def bytes_differ() -> Mismatch:
    """A segment of two frames whose second has another crc than expected."""
    want = build_frame(1, 1, b"", b"first") + build_frame(1, 2, b"", b"second")
    have = want[:-4] + bytes(4)
    return files_differ(b"00000001.dwal", Entry("file", want), Entry("file", have))


def answers_differ() -> Mismatch:
    return Mismatch("ok.report.records_replayed", "1", "2")


def every_record() -> dict[str, RunRecord]:
    """A record for every way a run can end, by name."""
    passed = make_result("wire.hand@n=1")
    failed = make_failure(2, mismatch=bytes_differ(), step=2, step_title="scan log")
    known = make_failure(
        3, Outcome.KNOWN_DEVIATION, mismatch=answers_differ(), step=1, step_title="open", reason="by intent"
    )
    unexpected = make_result("recovery.hand@n=4", Outcome.UNEXPECTEDLY_PASSED, reason="was wrong once")
    return {
        "passed": make_record(passed),
        "failed": make_record(passed, failed),
        "crashed": make_record(passed, make_failure(2, Outcome.CRASHED, stderr="panic: index out of range\n")),
        "timed out": make_record(passed, make_failure(2, Outcome.TIMED_OUT, message="no answer in time (10 s)")),
        "protocol error": make_record(passed, make_failure(2, Outcome.PROTOCOL_ERROR, message="NaN is not JSON")),
        "unsupported": make_record(make_result("kv.hand@n=1", Outcome.UNSUPPORTED, message="needs kv")),
        "known deviation": make_record(passed, known),
        "stale": make_record(
            passed, unexpected, stale_deviations=["recovery.hand@n=4: passed; remove it from the file"]
        ),
        "incident": make_record(passed, incidents=[Incident("died with 3 in flight", ("wire.hand@n=1",), "oops\n")]),
        "gave up": make_record(failed, gave_up="the adapter broke in 20 cases in a row"),
        "interrupted": make_record(passed, interrupted=True),
        "filtered": make_record(passed, filtered=True),
        "one of many": make_record(passed, filtered=True, available={"wire": 781, "recovery": 3}),
        "ended early": make_record(passed, failed, chosen=9),
        "nothing": make_record(),
        "hostile": hostile_record(HOSTILE),
    }


def hostile_record(text: str) -> RunRecord:
    """A record with the text wherever foreign text may stand."""
    word = text or "x"
    mismatch = Mismatch(text, text, text, 3, word, text.encode("utf-8", "surrogatepass"), b"")
    return make_record(
        make_result(f"wire.{text}"),
        make_failure(2, mismatch=mismatch, step=1, step_title=word, stderr=text),
        make_failure(3, Outcome.CRASHED, message=text, stderr=text),
        make_failure(4, Outcome.KNOWN_DEVIATION, message=text, reason=text),
        make_result("kv.hand@n=1", Outcome.UNSUPPORTED, message=text),
        make_result("kv.hand@n=2", Outcome.UNEXPECTEDLY_PASSED, reason=text),
        command=("adapter", text),
        hello=Hello(word, word, word, frozenset({"log"})),
        machine=text,
        gave_up=text,
        stale_deviations=[word],
        incidents=[Incident(text, (text,), text)],
    )


RECORDS = every_record()


def for_any_text(test: Callable[..., None]) -> Callable[..., None]:
    """Give a test any foreign text; no deadline, since a busy machine is no fault of the report."""
    return settings(deadline=None)(given(FOREIGN)(test))


per_record = pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
per_format = pytest.mark.parametrize("report", FORMATS.values(), ids=FORMATS)


def test_records_cover_every_outcome_and_exit_code():
    assert {result.outcome for record in RECORDS.values() for result in record.results} == set(Outcome)
    assert {exit_code(record) for record in RECORDS.values()} == set(ExitCode) - {ExitCode.USAGE, ExitCode.KIT_FAILED}


@per_format
@per_record
def test_report_ends_with_a_line_end_and_is_encodable(report: Callable[[RunRecord], str], record: RunRecord):
    text = report(record)
    assert text.endswith("\n")
    text.encode()


@pytest.mark.parametrize("name", sorted(FORMATS.keys() - {"badge"}))
@pytest.mark.parametrize("part", ["0.1.0", "0123456789abcdef", "mylog", "1.4.2", "zig", "x86_64", "--log dir"])
def test_report_says_what_it_was_made_with(name: str, part: str):
    if name == "text" and part in {"0123456789abcdef", "x86_64", "--log dir", "0.1.0"}:
        pytest.skip("the text goes to the screen of who gave the command")
    assert part in FORMATS[name](RECORDS["passed"])


_PRINT_ALL = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("records", sys.argv[1])
module = sys.modules["records"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
for name, report in module.FORMATS.items():
    for record in module.RECORDS.values():
        print(name, ascii(report(record)))
"""


def test_reports_do_not_depend_on_the_order_of_sets():
    """Sets are ordered by their hashes, so interpreters with other seeds must agree."""
    command = [sys.executable, "-c", _PRINT_ALL, __file__]
    found = {
        subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2", "3")
    }
    assert len(found) == 1
