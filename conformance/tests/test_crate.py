"""The published crate, built by cargo from its registry, is judged for real."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from datawal_conformance.exitcodes import ExitCode

ADAPTER = Path(__file__).parents[1] / "adapters" / "rust"

pytestmark = pytest.mark.toolchain("cargo")

# What the crate is known to lose or falsify, by the clause that says how it should be.
KNOWN_LOSSES = {
    "S1": "SAFE-1",
    "S2": "SAFE-2",
    "S3": "SAFE-3",
    "S4": "SAFE-4",
    "S5": "SAFE-5",
    "S6": "SAFE-6",
    "S7": "SAFE-7",
    "S8": "SAFE-8",
    "S10": "SAFE-10",
    "S13": "SAFE-13",
    "S14": "SAFE-14",
}


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    target = tmp_path_factory.getbasetemp().parent / "datawal-adapter-target"
    subprocess.run(
        ["cargo", "build", "--release", "--locked", "--quiet", "--manifest-path", ADAPTER / "Cargo.toml",
         "--target-dir", target],
        check=True,
    )  # fmt: skip
    return [str(target / "release" / "datawal-adapter")]


def judge(command: list[str], tmp_path: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    report = tmp_path / "report.json"
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "datawal_conformance",
            "run",
            "--timeout",
            "5",
            "--report",
            f"json:{report}",
            *options,
            "--",
            *command,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, json.loads(report.read_text()), run.stdout


def test_crate_agrees_but_for_its_explained_deviations(command: list[str], tmp_path: Path):
    code, report, out = judge(command, tmp_path, "--deviations", str(ADAPTER / "deviations.toml"))
    assert code == ExitCode.CONFORMANT, out
    assert report["counts"]["passed"] > 1000


def test_crate_without_its_deviations_file_is_not_conformant(command: list[str], tmp_path: Path):
    code, report, _out = judge(command, tmp_path)
    assert code == ExitCode.NOT_CONFORMANT
    failed = {clause for item in report["cases"] if item["outcome"] != "passed" for clause in item["clauses"]}
    missed = [name for name, clause in KNOWN_LOSSES.items() if clause not in failed]
    assert missed == []


def test_verdict_in_the_readme_is_the_one_the_crate_gets(command: list[str]):
    readme = (ADAPTER.parents[2] / "README.md").read_text()
    [shown] = re.findall(r"```console\n\$ datawal-conformance run (.*?) -- \S+\n(.*?)```", readme, re.DOTALL)
    options, verdict = shlex.split(shown[0]), shown[1]
    run = subprocess.run(
        [sys.executable, "-m", "datawal_conformance", "run", *options, "--", *command],
        capture_output=True,
        text=True,
        check=False,
    )

    def settled(text: str) -> str:
        text = text.replace(command[0], "conformance/adapters/rust/target/release/datawal-adapter")
        text = re.sub(r" in [\d.]+ s \(\d+ cases a second\)", "", text)
        # What the crate writes through the link is its process id, of however many digits.
        text = re.sub(r"found    a file of \d+ bytes", "found    a file of N bytes", text)
        return re.sub(r"found    [0-9a-f]+ at byte 0 \(\d+ bytes", "found    PID at byte 0 (N bytes", text)

    assert settled(run.stdout) == settled(verdict)
