"""Ctrl-C at any moment: a report of what ran, exit 130, nothing left behind."""

import json
import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from datawal_conformance.case import SCHEMA as SCHEMA_PATH
from datawal_conformance.case import VALIDATED, file_digest
from datawal_conformance.exitcodes import ExitCode
from datawal_conformance.interruption import SIGNALS, noted_interruption

from .conftest import SCHEMA, case, write_cases, zoo_command

INTERRUPT_AT = Path(__file__).parent / "interrupt_at.py"
MOMENTS = 16
CASES = 200
MARK = "DATAWAL_TEST_OF_INTERRUPTION"


def run_interrupted(folder: Path, phase: str, at: int, *options: str) -> subprocess.CompletedProcess[str]:
    root = folder / "vectors"
    if not root.exists():
        (root / "schema").mkdir(parents=True)
        (root / "schema/case.schema.json").write_text(SCHEMA)
        (root / "cases/recovery").mkdir(parents=True)
        write_cases(root, [case(f"recovery.hand@n={number}") for number in range(CASES)])
        # Compiling the schema would take most of the moments.
        note = {
            "schema": file_digest(root / SCHEMA_PATH),
            "files": {"": file_digest(root / "cases/recovery/hand.json")},
        }
        (root / "registry").mkdir()
        (root / VALIDATED).write_text(json.dumps(note))
    (folder / "work").mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, str(INTERRUPT_AT), phase, str(at),
         "run", "--vectors", str(root), "--workdir", str(folder / "work"), *options, "--", *zoo_command("honest")],
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
        timeout=120,
        env={**os.environ, MARK: str(folder)},
    )  # fmt: skip


def processes_left(folder: Path) -> list[str]:
    mark = f"{MARK}={folder}".encode()
    left = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes():
                left.append((entry / "cmdline").read_bytes().decode())
        except OSError:
            pass
    return left


@cache
def calls_of_a_whole_run(folder: Path, jobs: str) -> int:
    whole = run_interrupted(folder, "running", 0, "--jobs", jobs)
    assert whole.returncode == ExitCode.CONFORMANT, whole.stderr
    return int(whole.stderr.splitlines()[-1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("interruption")


def test_first_interrupt_is_noted_and_a_second_ends_at_once():
    with noted_interruption() as interruption:
        assert not interruption()
        signal.raise_signal(signal.SIGINT)
        assert interruption()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_handlers_are_put_back():
    before = [signal.getsignal(number) for number in SIGNALS]
    with noted_interruption():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before


def assert_ended_cleanly(folder: Path, result: subprocess.CompletedProcess[str]) -> None:
    assert result.returncode == ExitCode.INTERRUPTED, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    assert list((folder / "work").iterdir()) == []
    assert processes_left(folder) == []


@pytest.mark.parametrize("moment", range(1, 4))
def test_interrupt_while_the_kit_loads_says_that_nothing_ran(folder: Path, moment: int):
    result = run_interrupted(folder, "loading", 40_000 * moment // 4, "--jobs", "1")
    assert_ended_cleanly(folder, result)
    assert "interrupted before there was anything to report" in result.stderr


@pytest.mark.parametrize("moment", range(1, MOMENTS))
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_interrupt_at_any_moment_of_a_run_reports_what_ran(folder: Path, jobs: str, moment: int):
    at = calls_of_a_whole_run(folder, jobs) * moment // MOMENTS
    result = run_interrupted(folder, "running", at, "--jobs", jobs)
    assert_ended_cleanly(folder, result)
    whole_or_part = "INTERRUPTED" in result.stdout or f"{CASES} passed" in result.stdout
    # Well before the last third the adapter has said hello, and from then on there is something to report.
    early = moment < 2 * MOMENTS // 3 and "interrupted before there was anything to report" in result.stderr
    assert whole_or_part or early, result.stderr
