"""The vectors are usable without the runner, and packed the same way every time."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from datawal_conformance.archive import make_archive

VECTORS = Path(__file__).parents[2] / "vectors"
EXAMPLES = VECTORS / "examples"

LOOPS = [
    pytest.param([sys.executable, str(EXAMPLES / "read_only.py")], id="python"),
    pytest.param(["node", str(EXAMPLES / "read_only.mjs")], id="javascript", marks=pytest.mark.toolchain("node")),
]


@pytest.mark.parametrize("loop", LOOPS)
def test_example_loop_passes_every_read_only_case(loop: list[str]):
    result = subprocess.run(loop, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-2000:]
    passed = re.fullmatch(r"(\d+) passed, 0 failed\n", result.stdout)
    assert passed is not None
    assert int(passed[1]) > 4000


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"txid":1,', '"txid":2,'),
        ('"kind":"bad_magic"', '"kind":"truncated"'),
        ('"tail_truncated":1', '"tail_truncated":0'),
    ],
)
def test_example_loop_notices_a_wrong_expectation(loop: list[str], tmp_path: Path, old: str, new: str):
    source = VECTORS / "cases/wire" if "magic" in old else VECTORS / "cases/recovery"
    for path in source.glob("*last.json"):
        (tmp_path / path.name).write_text(path.read_text().replace(old, new, 1))
    result = subprocess.run([*loop, tmp_path], capture_output=True, text=True, check=False)
    assert result.returncode == 1, (old, result.stdout)


@pytest.mark.parametrize("loop", LOOPS)
def test_example_loop_without_cases_is_no_pass(loop: list[str], tmp_path: Path):
    assert subprocess.run([*loop, tmp_path], capture_output=True, check=False).returncode == 1


def test_archive_is_the_same_from_another_place(tmp_path: Path):
    copy = tmp_path / "elsewhere" / "vectors"
    shutil.copytree(VECTORS, copy)
    for path in copy.rglob("*.json"):
        path.touch()
    make_archive(VECTORS, tmp_path / "a.tar.gz")
    make_archive(copy, tmp_path / "b.tar.gz")
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()


def test_archive_holds_every_file_with_its_sum(tmp_path: Path):
    make_archive(VECTORS, tmp_path / "vectors.tar.gz")
    with tarfile.open(tmp_path / "vectors.tar.gz") as archive:
        archive.extractall(tmp_path / "out", filter="data")
    top = tmp_path / "out/datawal-vectors"
    manifest = json.loads((top / "MANIFEST.json").read_text())
    assert {entry["path"] for entry in manifest["files"]} == {
        path.relative_to(VECTORS).as_posix()
        for path in VECTORS.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    for entry in manifest["files"]:
        assert hashlib.sha256((top / entry["path"]).read_bytes()).hexdigest() == entry["sha256"]
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=top, check=True)
    subprocess.run(["sha256sum", "--check", "--quiet", "vectors.tar.gz.sha256"], cwd=tmp_path, check=True)


def test_vectors_stay_below_20_mib():
    assert sum(path.stat().st_size for path in VECTORS.rglob("*") if path.is_file()) < 20 * 1024 * 1024
