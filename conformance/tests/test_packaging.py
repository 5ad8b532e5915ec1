"""What is installed is what was tested: the wheel holds the packages, the vectors and the reference's adapter."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    target = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(ROOT)],
        check=True,
        capture_output=True,
    )
    [path] = target.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.mark.parametrize(
    "name",
    [
        "datawal_spec/clauses/wire.toml",
        "datawal_spec/py.typed",
        "datawal/py.typed",
        "datawal_conformance/py.typed",
        "datawal_conformance/cli.py",
        "datawal_conformance/adapters/python/adapter.py",
        "datawal_conformance/report/report.schema.json",
        "datawal_conformance/report/page.css",
        "datawal_conformance/report/page.js",
        "datawal_conformance/templates/repro.py",
        "datawal_conformance/templates/python/adapter.py",
        "datawal_conformance/vectors/schema/case.schema.json",
    ],
)
def test_wheel_holds(wheel: zipfile.ZipFile, name: str):
    assert name in wheel.namelist()


def test_wheel_holds_every_case_file(wheel: zipfile.ZipFile):
    cases = {f"datawal_conformance/{path.relative_to(ROOT)}" for path in (ROOT / "vectors/cases").rglob("*.json")}
    assert cases
    assert cases <= set(wheel.namelist())


def test_wheel_holds_no_tests_and_nothing_else(wheel: zipfile.ZipFile):
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"datawal_spec", "datawal", "datawal_conformance"}
    assert not [name for name in wheel.namelist() if "/tests/" in name]
