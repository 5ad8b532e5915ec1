"""Every way an adapter can be broken has its outcome, and the run goes on."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from datawal_conformance._resources import vectors_dir
from datawal_conformance.case import load_cases
from datawal_conformance.errors import AdapterStartError, HelloError
from datawal_conformance.exitcodes import ExitCode, exit_code
from datawal_conformance.verdict import Outcome, RunRecord, Standing

from .conftest import make_case, run_adapter

RunZoo = Callable[..., RunRecord]

IN_ONE_CASE = {
    "dies_in_case": (Outcome.CRASHED, "ended by signal 6"),
    "exits_in_case": (Outcome.CRASHED, "exited with status 0"),
    "answers_half_a_line_and_dies": (Outcome.CRASHED, "in the middle of a line"),
    "answers_twice": (Outcome.PROTOCOL_ERROR, "expected one answer, found 2|nobody asked for"),
    "answers_with_wrong_id": (Outcome.PROTOCOL_ERROR, "found 'somebody.else'"),
    "answers_without_id": (Outcome.PROTOCOL_ERROR, "found 'None'"),
    "answers_binary": (Outcome.PROTOCOL_ERROR, "one JSON object a line"),
    "answers_invalid_utf8": (Outcome.PROTOCOL_ERROR, "can't decode byte 0xff"),
    "answers_nan": (Outcome.PROTOCOL_ERROR, "NaN is not JSON"),
    "answers_empty_lines": (Outcome.PROTOCOL_ERROR, "one JSON object a line"),
    "answers_a_list": (Outcome.PROTOCOL_ERROR, "expected a JSON object"),
    "answers_too_few_results": (Outcome.PROTOCOL_ERROR, "expected 1 results"),
    "answers_no_results": (Outcome.PROTOCOL_ERROR, "expected a list in 'results'"),
    "answers_unknown_kind": (Outcome.PROTOCOL_ERROR, "unknown error kind 'oops'"),
    "answers_ok_and_error": (Outcome.PROTOCOL_ERROR, "exactly one of"),
    "answers_deeply_nested": (Outcome.PROTOCOL_ERROR, "one JSON object a line"),
    "answers_a_gigabyte": (Outcome.PROTOCOL_ERROR, "grew beyond"),
    "closes_stdout_and_lives_on": (Outcome.CRASHED, "closed its stdout but lives on"),
    "floods_stderr": (Outcome.FAILED, "flooded"),
    "declares_and_refuses": (Outcome.FAILED, "capability was declared"),
}

SILENT_IN_ONE_CASE = {
    "hangs_in_case": "no answer within",
    "answers_without_newline": "no answer within",
}


def outcomes(record: RunRecord) -> dict[str, Outcome]:
    return {result.case_id: result.outcome for result in record.results}


def assert_only_the_bad_case(record: RunRecord, outcome: Outcome, message: str) -> None:
    for result in record.results:
        expected = outcome if "bad" in result.case_id else Outcome.PASSED
        assert result.outcome is expected, result
    [bad] = [result for result in record.results if "bad" in result.case_id]
    assert any(part in bad.message for part in message.split("|")), bad.message
    assert len(record.results) == 10
    assert record.incidents == []
    assert exit_code(record) is ExitCode.NOT_CONFORMANT


@pytest.mark.parametrize("name", IN_ONE_CASE)
def test_breakage_is_blamed_on_its_case_and_the_run_goes_on(run_zoo: RunZoo, name: str):
    assert_only_the_bad_case(run_zoo(name), *IN_ONE_CASE[name])


@pytest.mark.parametrize("name", SILENT_IN_ONE_CASE)
def test_silence_is_blamed_on_its_case_and_the_run_goes_on(run_zoo: RunZoo, name: str):
    assert_only_the_bad_case(run_zoo(name, timeout=1.5), Outcome.TIMED_OUT, SILENT_IN_ONE_CASE[name])


@pytest.mark.parametrize("name", [name for name in IN_ONE_CASE if name != "floods_stderr"])
def test_isolation_gives_the_same_outcome(run_zoo: RunZoo, name: str):
    cases = [make_case("recovery.good/1"), make_case("recovery.bad/2")]
    assert list(outcomes(run_zoo(name, cases, isolate=True)).values()) == [Outcome.PASSED, IN_ONE_CASE[name][0]]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dies_at_start", "exited with status 7"),
        ("dies_in_hello", "ended by signal 9"),
        ("hello_not_json", "one JSON object a line"),
        ("hello_of_another_protocol", "expected protocol 1, found 2"),
        ("hello_names_unknown_capability", "unknown capabilities ['time-travel']"),
        ("hello_twice", "expected one line in answer to hello"),
    ],
)
def test_broken_hello_is_an_error_of_the_adapter(run_zoo: RunZoo, name: str, message: str):
    with pytest.raises(HelloError) as caught:
        run_zoo(name)
    assert message in str(caught.value)


def test_silent_hello_is_an_error_of_the_adapter(run_zoo: RunZoo):
    with pytest.raises(HelloError, match=r"no answer to hello within 0\.5 s"):
        run_zoo("silent_in_hello", timeout=0.5)


def test_start_failure_shows_stderr(run_zoo: RunZoo):
    with pytest.raises(HelloError) as caught:
        run_zoo("dies_at_start")
    assert "shared library" in caught.value.stderr


def test_command_that_does_not_exist_is_named(tmp_path: Path):
    with pytest.raises(AdapterStartError, match="no-such-adapter"):
        run_adapter(["/no-such-adapter"], [make_case("recovery.good/1")], tmp_path)


def test_honest_adapter_passes(run_zoo: RunZoo):
    record = run_zoo("honest")
    assert set(outcomes(record).values()) == {Outcome.PASSED}
    assert exit_code(record) is ExitCode.CONFORMANT


def test_answers_out_of_order_are_fine(run_zoo: RunZoo):
    assert set(outcomes(run_zoo("answers_out_of_order")).values()) == {Outcome.PASSED}


def test_crash_that_no_single_case_explains_breaks_the_verdict(run_zoo: RunZoo):
    record = run_zoo("dies_every_third_case")
    assert record.incidents
    assert exit_code(record) is ExitCode.ADAPTER_BROKEN


@pytest.mark.parametrize("name", ["dies_in_every_case", "hangs_in_every_case"])
def test_adapter_that_never_answers_is_given_up(run_zoo: RunZoo, name: str):
    cases = [make_case(f"recovery.good/{number}") for number in range(40)]
    record = run_zoo(name, cases, timeout=0.6)
    assert record.gave_up
    assert len(record.results) < 40
    assert Outcome.PASSED not in outcomes(record).values()
    assert exit_code(record) is ExitCode.ADAPTER_BROKEN


def test_line_after_the_end_breaks_the_verdict(run_zoo: RunZoo):
    record = run_zoo("speaks_after_the_end")
    assert "nobody asked for" in record.incidents[0].message
    assert exit_code(record) is ExitCode.ADAPTER_BROKEN


def test_flood_on_stderr_is_kept_to_its_tail(run_zoo: RunZoo):
    record = run_zoo("dies_in_case")
    [bad] = [result for result in record.results if "bad" in result.case_id]
    assert bad.stderr == "panic: index out of range\n"


@pytest.mark.parametrize(("name", "seconds"), [("leaves_children", b"300"), ("leaves_a_daemon", b"301")])
def test_children_of_an_adapter_do_not_outlive_it(run_zoo: RunZoo, name: str, seconds: bytes):
    before = _sleepers(seconds)
    run_zoo(name)
    assert _sleepers(seconds) <= before


def test_adapter_that_does_not_leave_is_ended_and_told(run_zoo: RunZoo):
    record = run_zoo("ignores_sigterm_and_end_of_input")
    assert "did not exit within" in record.incidents[0].message
    assert exit_code(record) is ExitCode.ADAPTER_BROKEN


def test_flood_of_files_is_bounded_and_removed(run_zoo: RunZoo):
    cases = [make_case("recovery.bad/1", then={"files": "unchanged"})]
    assert [result.outcome for result in run_zoo("makes_many_files", cases).results] == [Outcome.FAILED]


def _sleepers(seconds: bytes) -> set[str]:
    found = set()
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if (entry / "cmdline").read_bytes() == b"sleep\x00" + seconds + b"\x00":
                found.add(entry.name)
    return found


def test_no_descriptor_is_left_open(run_zoo: RunZoo):
    before = len(list(Path("/proc/self/fd").iterdir()))
    run_zoo("dies_in_case")
    run_zoo("answers_twice")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_litter_beside_the_log_is_noticed(run_zoo: RunZoo):
    cases = [make_case("recovery.bad/1", then={"files": "unchanged"})]
    [result] = run_zoo("writes_outside_its_files", cases).results
    assert result.outcome is Outcome.FAILED
    assert result.message == "files afterwards: litter.tmp: expected nothing there, found a file of 1 bytes"


@pytest.mark.parametrize("name", ["rejects_all", "unsupports_all"])
def test_null_adapters_earn_nothing(run_zoo: RunZoo, name: str):
    [verdict] = run_zoo(name).verdicts
    assert verdict.standing is Standing.NOT_CONFORMANT


def test_adapter_without_capabilities_earns_nothing(run_zoo: RunZoo):
    record = run_zoo("names_no_capability")
    assert [verdict.standing for verdict in record.verdicts] == [Standing.NOT_CLAIMED]
    assert exit_code(record) is ExitCode.NOTHING_RAN


@pytest.mark.parametrize("name", ["rejects_all", "echoes", "accepts_all", "unsupports_all"])
def test_null_adapters_earn_no_profile_of_the_real_vectors(run_zoo: RunZoo, name: str):
    cases = [case for case in load_cases(vectors_dir()) if case.data_len < 1 << 20 and not case.isolated]
    record = run_zoo(name, cases)
    assert record.gave_up == ""
    assert len(record.results) == len(cases)
    assert {verdict.standing for verdict in record.verdicts} == {Standing.NOT_CONFORMANT}
