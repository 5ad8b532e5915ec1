"""Shared pieces: small cases made by hand, and a run of them through an adapter of the zoo."""

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from datawal_conformance.case import Case, parse_case
from datawal_conformance.cli import main
from datawal_conformance.exitcodes import ExitCode
from datawal_conformance.run import RunOptions, run_cases
from datawal_conformance.sandbox import memory_dir
from datawal_conformance.verdict import RunRecord
from datawal_spec import build_frame

REFERENCE = [sys.executable, str(Path(__file__).parents[1] / "adapters/python/adapter.py")]
FRAME = build_frame(0, 1, b"", b"alpha").hex()
ZOO = Path(__file__).parent / "zoo" / "adapters.py"


def make_case(case_id: str, **members: Any) -> Case:
    source: dict[str, Any] = {
        "id": case_id,
        "title": "made by hand",
        "profile": "recovery",
        "clauses": {"REC-1": "0" * 12},
        "requires": ["log"],
        "given": {},
        "steps": [{"op": "fsync", "expect": {"ok": {}}}],
    }
    return parse_case(source | members)


def zoo_command(name: str) -> list[str]:
    return [sys.executable, str(ZOO), name]


def run_adapter(
    command: Sequence[str],
    cases: Sequence[Case],
    workdir: Path,
    *,
    timeout: float = 20.0,
    isolate: bool = False,
    jobs: int = 1,
) -> RunRecord:
    options = RunOptions(command, timeout, isolate=isolate, workdir=workdir, jobs=jobs)
    return run_cases(cases, options, [], "digest", lambda _result: None)


@pytest.fixture
def workdir() -> Iterator[Path]:
    """An empty directory in memory, where the machine has such a place: thousands of cases take long on a disk."""
    with tempfile.TemporaryDirectory(dir=memory_dir()) as name:
        yield Path(name)


@pytest.fixture
def run_zoo(workdir: Path) -> Callable[..., RunRecord]:
    """Run an adapter of the zoo over ten cases, the fifth of which is bad; leave nothing behind."""

    def run(name: str, cases: Sequence[Case] | None = None, **options: Any) -> RunRecord:
        if cases is None:
            cases = [make_case(f"recovery.{'bad' if number == 5 else 'good'}/{number}") for number in range(1, 11)]
        record = run_adapter(zoo_command(name), cases, workdir, **options)
        assert list(workdir.iterdir()) == [], "the run left case directories behind"
        return record

    return run


VECTORS = Path(__file__).parents[2] / "vectors"
SCHEMA = (VECTORS / "schema" / "case.schema.json").read_text()


def case(case_id: str, **members: object) -> dict[str, object]:
    return {
        "id": case_id,
        "title": "made by hand",
        "profile": "recovery",
        "clauses": {"REC-1": "0" * 12},
        "requires": ["log"],
        "given": {},
        "steps": [{"op": "fsync", "expect": {"ok": {}}}],
    } | members


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    """A folder of vectors with three cases, one of them called bad."""
    root = tmp_path / "vectors"
    (root / "schema").mkdir(parents=True)
    (root / "schema/case.schema.json").write_text(SCHEMA)
    (root / "cases/recovery").mkdir(parents=True)
    write_cases(root, [case("recovery.hand@n=1"), case("recovery.hand@n=2"), case("recovery.bad@n=3")])
    return root


def write_cases(root: Path, cases: list[dict[str, object]]) -> None:
    document = {"family": "recovery.hand", "about": "made by hand", "cases": cases}
    (root / "cases/recovery/hand.json").write_text(json.dumps(document))


def cli(*arguments: object) -> tuple[ExitCode, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = main([str(argument) for argument in arguments], out, err)
    return code, out.getvalue(), err.getvalue()


def run(vectors: Path, name: str, *arguments: object) -> tuple[ExitCode, str, str]:
    return cli("run", "--vectors", vectors, *arguments, "--", *zoo_command(name))


def report_of(vectors: Path, name: str, target: Path) -> Path:
    run(vectors, name, "--report", f"json:{target}")
    return target


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose toolchain is missing, before its fixtures use it; where CI is set it must be there."""
    for marker in item.iter_markers("toolchain"):
        [name] = marker.args
        if not _works(name):
            if os.environ.get("CI"):
                pytest.fail(f"{name} is not installed or does not start, and CI must run this test")
            pytest.skip(f"{name} is not installed or does not start")


@cache
def _works(program: str) -> bool:
    """Whether a program is there and starts: a shim without its toolchain is as good as none."""
    if shutil.which(program) is None:
        return False
    return subprocess.run([program, "--version"], capture_output=True, check=False).returncode == 0
