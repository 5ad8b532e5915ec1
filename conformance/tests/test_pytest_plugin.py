"""`pytest --datawal-adapter`: one test a case, with the case's outcome."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import zoo_command


def judge(vectors: Path, name: str, *options: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-p", "no:xdist"]
    result = subprocess.run(
        [*command, "--rootdir", str(vectors), "--datawal-adapter", shlex.join(zoo_command(name)),
         "--datawal-vectors", str(vectors), *options, str(vectors)],
        capture_output=True,
        text=True,
        check=False,
        cwd=vectors,
    )  # fmt: skip
    return result.returncode, result.stdout


def test_every_case_is_a_test_with_its_id(vectors: Path):
    code, out = judge(vectors, "honest", "--collect-only")
    assert code == 0
    assert out.splitlines()[:3] == [f"datawal::{name}" for name in case_ids()]


def case_ids() -> list[str]:
    return ["recovery.hand@n=1", "recovery.hand@n=2", "recovery.bad@n=3"]


def test_conformant_adapter_passes(vectors: Path):
    code, out = judge(vectors, "honest")
    assert code == 0
    assert "3 passed" in out


def test_failure_tells_clause_outcome_and_the_command_to_repeat(vectors: Path):
    code, out = judge(vectors, "dies_in_case")
    assert code == 1
    assert "1 failed, 2 passed" in out
    assert "recovery.bad@n=3: crashed" in out
    assert "REC-1: " in out
    assert "repeat: datawal-conformance run --id recovery.bad@n=3 -- " in out


def test_what_the_adapter_does_not_support_is_skipped(vectors: Path):
    code, out = judge(vectors, "names_no_capability")
    assert code == 0
    assert "3 skipped" in out
    assert "needs log" in out


def test_choice_of_tests_is_a_choice_of_cases(vectors: Path):
    code, out = judge(vectors, "dies_in_case", "-k", "hand")
    assert code == 0
    assert "2 passed, 1 deselected" in out


@pytest.mark.parametrize("name", ["dies_at_start", "hello_not_json"])
def test_adapter_that_cannot_be_greeted_ends_the_session(vectors: Path, name: str):
    code, out = judge(vectors, name)
    assert code == 3
    assert "is broken" in out
    assert "passed" not in out


def test_adapter_that_never_answers_fails_every_test(vectors: Path):
    code, out = judge(vectors, "dies_in_every_case")
    assert code == 1
    assert "3 failed" in out
