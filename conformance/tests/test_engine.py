"""Cases of several requests, several processes, and files changed between requests."""

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from datawal_conformance.case import Case
from datawal_conformance.engine import MOST_BROKEN_IN_A_ROW, Engine
from datawal_conformance.engine_options import EngineOptions
from datawal_conformance.report import text_report
from datawal_conformance.run import RunOptions, run_cases
from datawal_conformance.verdict import CaseResult, Outcome, Standing

from .conftest import make_case, run_adapter, zoo_command

# Answers each step with the requests of its process so far and the content of `seen`, so that a case can state
# what the runner did between requests.
RECORDER = """
import json, sys, pathlib
requests = []
for line in sys.stdin:
    message = json.loads(line)
    if "hello" in message:
        answer = {"hello": {"protocol": 1, "implementation": "recorder", "version": "1", "language": "python",
                            "capabilities": ["log"]}}
    else:
        requests.append([[step["op"] for step in message["steps"]], message.get("more", False)])
        file = pathlib.Path(message["dir"], "seen")
        seen = file.read_bytes().hex() if file.exists() else None
        results = [{"ok": {"requests": requests, "seen": seen}} for step in message["steps"]]
        answer = {"id": message["id"], "results": results}
    print(json.dumps(answer), flush=True)
"""


def run_recorder(tmp_path: Path, *cases: Case, isolate: bool = False) -> list[CaseResult]:
    return run_adapter([sys.executable, "-c", RECORDER], cases, tmp_path, isolate=isolate).results


@pytest.mark.parametrize("isolate", [False, True])
def test_runner_acts_between_requests(tmp_path: Path, isolate: bool):  # noqa: FBT001
    case = make_case(
        "recovery.acts",
        given={"seen": "0102"},
        steps=[
            {"op": "scan", "expect": {"ok": {"seen": "0102", "requests": [[["scan"], True]]}}},
            {"do": "overwrite", "path": "seen", "offset": 1, "bytes": "ff"},
            {"op": "fsync", "expect": {"ok": {"seen": "01ff"}}},
            {"op": "rotate", "expect": {"ok": {"requests": [[["scan"], True], [["fsync", "rotate"], True]]}}},
            {"do": "truncate", "path": "seen", "len": 1},
            {"do": "append_bytes", "path": "seen", "bytes": "aa"},
            {"do": "check", "files": {"seen": "01aa"}},
            {"op": "close", "expect": {"ok": {"seen": "01aa"}}},
        ],
        then={"files": "unchanged"},
    )
    [result] = run_recorder(tmp_path, case, isolate=isolate)
    assert result.outcome is Outcome.PASSED, result.message


def test_last_request_of_a_process_says_so(tmp_path: Path):
    case = make_case(
        "recovery.last",
        steps=[
            {"op": "scan", "expect": {"ok": {"requests": [[["scan"], True]]}}},
            {"do": "check", "files": {}},
            {"op": "close", "expect": {"ok": {"requests": [[["scan"], True], [["close"], False]]}}},
            {"do": "check", "files": {}},
        ],
    )
    [result] = run_recorder(tmp_path, case)
    assert result.outcome is Outcome.PASSED, result.message


def test_check_that_disagrees_fails_the_case(tmp_path: Path):
    case = make_case("recovery.check", given={"seen": "01"}, steps=[{"do": "check", "files": {"seen": "02"}}])
    [result] = run_recorder(tmp_path, case)
    assert result.outcome is Outcome.FAILED
    assert result.message.startswith("step 1 check: seen: expected 02 at byte 0")


def test_action_on_a_file_that_was_never_made_fails_the_case(tmp_path: Path):
    case = make_case(
        "recovery.absent", steps=[{"op": "scan"}, {"do": "truncate", "path": "seen", "len": 0}, {"op": "close"}]
    )
    [result] = run_recorder(tmp_path, case)
    assert result.outcome is Outcome.FAILED
    assert "expected a file the implementation made, found No such file" in result.message


def test_named_processes_are_processes_of_their_own(tmp_path: Path):
    case = make_case(
        "lock.two",
        steps=[
            {"op": "scan", "expect": {"ok": {"requests": [[["scan"], True]]}}},
            {"op": "fsync", "process": "other", "expect": {"ok": {"requests": [[["fsync"], False]]}}},
            {"op": "close", "expect": {"ok": {"requests": [[["scan"], True], [["close"], False]]}}},
        ],
    )
    [result] = run_recorder(tmp_path, case)
    assert result.outcome is Outcome.PASSED, result.message


@pytest.mark.parametrize("how", ["kill", "exit"])
def test_ended_process_starts_anew(tmp_path: Path, how: str):
    case = make_case(
        "lock.ended",
        steps=[
            {"op": "scan", "process": "other", "expect": {"ok": {"requests": [[["scan"], True]]}}},
            {"do": how, "process": "other"},
            {"op": "scan", "expect": {"ok": {"requests": [[["scan"], True]]}}},
            {"do": how, "process": "main"},
            {"op": "close", "expect": {"ok": {"requests": [[["close"], False]]}}},
        ],
    )
    [result] = run_recorder(tmp_path, case)
    assert result.outcome is Outcome.PASSED, result.message


def test_alternatives_bind_across_the_case(tmp_path: Path):
    def case(case_id: str, first: str, second: str) -> Case:
        return make_case(
            case_id,
            given={"seen": "00"},
            steps=[
                {"op": "scan", "expect": {"one_of": {"a": {"ok": {"seen": first}}, "b": {"ok": {"seen": "99"}}}}},
                {"op": "scan", "expect": {"one_of": {"a": {"ok": {"seen": second}}, "b": {"ok": {"seen": "00"}}}}},
            ],
        )

    results = run_recorder(tmp_path, case("recovery.a", "00", "00"), case("recovery.b", "00", "77"))
    assert [result.outcome for result in results] == [Outcome.PASSED, Outcome.FAILED]
    assert "[nearest permitted outcome: a]" in results[1].message


def test_case_without_its_capability_is_unsupported(tmp_path: Path):
    [result] = run_recorder(tmp_path, make_case("kv.x", requires=["log", "kv"]))
    assert result.outcome is Outcome.UNSUPPORTED
    assert result.message == "needs kv, which the adapter does not name"


def test_big_request_and_answer_pass_the_pipe(tmp_path: Path):
    payload = "61" * 3_000_000
    case = make_case(
        "wire.big",
        given={"seen": payload},
        steps=[{"op": "append", "payload": payload, "expect": {"ok": {"seen": payload}}}],
    )
    small = [make_case(f"wire.{number}", steps=[{"op": "scan"}]) for number in range(9)]
    results = run_recorder(tmp_path, case, *small)
    assert {result.outcome for result in results} == {Outcome.PASSED}


def test_recorder_sees_only_protocol_members(tmp_path: Path):
    trace: list[bytes] = []
    work = tmp_path / "work"
    work.mkdir()
    options = EngineOptions(
        [sys.executable, "-c", RECORDER], str(work), trace=lambda _direction, line: trace.append(line)
    )
    case = make_case("recovery.x", steps=[{"op": "scan", "expect": {"ok": {}}}])
    with Engine(options, [case], [], lambda _result: None) as engine:
        engine.run()
    hello, _answer, request, _results = map(json.loads, trace)
    assert hello == {"hello": {"protocol": 1}}
    assert request == {"id": "recovery.x", "dir": str(work / "1"), "steps": [{"op": "scan"}]}


def test_profile_whose_cases_break_the_adapter_in_a_row_is_left_out_and_the_others_are_judged(workdir: Path):
    good = [make_case(f"recovery.good/{number}") for number in range(5)]
    bad = [make_case(f"kv.bad/{number}", profile="kv") for number in range(MOST_BROKEN_IN_A_ROW + 12)]
    after = [make_case(f"wire.good/{number}", profile="wire") for number in range(5)]
    cases = [*good, *bad, *after]
    available = Counter(case.profile for case in cases)
    options = RunOptions(zoo_command("dies_in_case"), workdir=workdir, available=available)
    record = run_cases(cases, options, [], "", lambda _result: None)
    assert record.gave_up == ""
    assert record.left_out == {"kv": 12}
    assert {verdict.profile: verdict.standing for verdict in record.verdicts} == {
        "wire": Standing.CONFORMANT,
        "recovery": Standing.CONFORMANT,
        "kv": Standing.NOT_CONFORMANT,
    }
    assert "Not run: 12 cases of kv, because too many before them, in a row, broke the adapter" in text_report(record)
