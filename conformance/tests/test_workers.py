"""Engines side by side in processes of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

from datawal_conformance.errors import HelloError, RunnerError
from datawal_conformance.exitcodes import ExitCode
from datawal_conformance.run import RunOptions, run_cases
from datawal_conformance.verdict import AGAINST, CaseResult, Outcome, RunRecord

from .conftest import make_case, run, run_adapter, zoo_command

CASES = [make_case(f"recovery.{'bad' if number % 50 == 7 else 'good'}/{number}") for number in range(200)]


def results(record: RunRecord) -> list[tuple[str, Outcome]]:
    return [(result.case_id, result.outcome) for result in record.results]


@pytest.mark.parametrize("name", ["honest", "dies_in_case", "declares_and_refuses"])
def test_results_do_not_depend_on_the_number_of_jobs(tmp_path: Path, name: str):
    alone = run_adapter(zoo_command(name), CASES, tmp_path)
    together = run_adapter(zoo_command(name), CASES, tmp_path, jobs=3)
    assert results(together) == results(alone)
    assert len(alone.results) == len(CASES)
    assert list(tmp_path.iterdir()) == []


def test_cases_of_several_processes_run_in_workers_too(tmp_path: Path):
    steps = [{"op": "scan", "process": name, "expect": {"ok": {}}} for name in ("main", "other")]
    cases = [make_case(f"lock.two/{number}", steps=steps) for number in range(6)]
    record = run_adapter(zoo_command("honest"), cases, tmp_path, jobs=2)
    assert {outcome for _id, outcome in results(record)} == {Outcome.PASSED}
    assert len(record.results) == len(cases)


def test_adapter_that_cannot_be_greeted_is_told_once(tmp_path: Path):
    with pytest.raises(HelloError, match="no answer to hello"):
        run_adapter(zoo_command("dies_in_hello"), CASES, tmp_path, jobs=2)
    assert list(tmp_path.iterdir()) == []


def test_incidents_of_all_workers_are_kept(tmp_path: Path):
    record = run_adapter(zoo_command("speaks_after_the_end"), CASES, tmp_path, jobs=2)
    assert len(record.incidents) == 2


def test_worker_that_dies_is_an_error_of_the_kit_and_leaves_nothing(tmp_path: Path):
    with pytest.raises(RunnerError, match="ended early, with status -9"):
        run_adapter(zoo_command("ends_its_worker"), CASES, tmp_path, jobs=2)
    assert list(tmp_path.iterdir()) == []


def test_run_ends_after_as_many_failures_as_wanted(tmp_path: Path):
    options = RunOptions(zoo_command("dies_in_case"), workdir=tmp_path, jobs=2, max_failures=1)
    seen: list[CaseResult] = []
    record = run_cases(CASES, options, [], "", seen.append)
    assert [result.outcome in AGAINST for result in record.results].count(True) == 1
    assert len(record.results) < len(CASES)


def test_trace_of_workers_holds_every_line(vectors: Path, tmp_path: Path):
    path = tmp_path / "trace"
    code, _out, _err = run(vectors, "honest", "--jobs", 2, "--trace", path)
    lines = path.read_bytes().splitlines()
    assert code is ExitCode.CONFORMANT
    assert sum(line.startswith(b'> {"id"') for line in lines) == 3
    assert sum(line.startswith(b'< {"id"') for line in lines) == 3


def test_failure_of_the_kit_itself_has_an_exit_code_of_its_own():
    broken = (
        "import datawal_conformance.commands.list as command\n"
        "command.execute = lambda context: 1 // 0\n"
        "from datawal_conformance.__main__ import entry_point\n"
        "import sys; sys.argv[1:] = ['list']; entry_point()"
    )
    result = subprocess.run([sys.executable, "-c", broken], capture_output=True, text=True, check=False)
    assert result.returncode == ExitCode.KIT_FAILED
    assert "ZeroDivisionError" in result.stderr
    assert "the kit itself failed" in result.stderr
