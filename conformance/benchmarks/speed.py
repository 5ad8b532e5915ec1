"""Cases a second, beside toml-test on the same machine in the same minutes.

Builds toml-test and its decoder with go (a new process for every case, both in Go), then runs it and this kit in turns
and prints medians and ratios. Only the ratios mean anything: machines differ, and are noisy.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "bench"
ROUNDS = 5
JUDGING = "once started"
"""What a rate is called that leaves out start-up and the reading of the vectors."""
GO_PROGRAMS = (
    "github.com/toml-lang/toml-test/v2/cmd/toml-test@v2.2.0",
    "github.com/BurntSushi/toml/cmd/toml-test-decoder@v1.5.0",
)
PROFILES = [part for name in ("wire", "segments", "recovery", "writer", "reader", "kv") for part in ("--profile", name)]
"""Left out: locks, which start processes, and safety, where the published crate hangs until the timeout."""

ADAPTERS = {
    "reference (Python)": [sys.executable, str(ROOT / "conformance/adapters/python/adapter.py")],
    "published crate (Rust)": [str(ROOT / "conformance/adapters/rust/target/release/datawal-adapter")],
}


def toml_test() -> float:
    """Cases a second of one toml-test run."""
    started = time.perf_counter()
    result = subprocess.run(
        [BUILD / "toml-test", "test", "-decoder", BUILD / "toml-test-decoder"],
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    counts = re.findall(r"(\d+) passed,\s+(\d+) failed", result.stdout)
    return sum(int(number) for pair in counts for number in pair) / seconds


def kit(command: list[str]) -> tuple[float, float]:
    """Cases a second of one run of this kit: start-up and reading of the vectors included, and without them."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        started = time.perf_counter()
        subprocess.run(
            [
                sys.executable,
                "-m",
                "datawal_conformance",
                "run",
                "--no-big",
                *PROFILES,
                "--report",
                f"json:{report}",
                "--",
                *command,
            ],
            capture_output=True,
            check=False,
        )
        seconds = time.perf_counter() - started
        document = json.loads(report.read_text())
        cases = len(document["cases"])
        return cases / seconds, cases / document["seconds"]


def main() -> None:
    """Measure in turns and print a table."""
    if shutil.which("go") is None:
        sys.exit("this benchmark compares with toml-test, which needs go; go is not installed")
    BUILD.mkdir(parents=True, exist_ok=True)
    for program in GO_PROGRAMS:
        subprocess.run(["go", "install", program], check=True, env={**os.environ, "GOBIN": str(BUILD)})
    subjects = {name: command for name, command in ADAPTERS.items() if Path(command[0]).exists()}
    for name in ADAPTERS.keys() - subjects.keys():
        print(f"left out: {name} (not built; make conformance-crate builds it)")
    rates: dict[str, list[float]] = {"toml-test": []}
    for _ in range(ROUNDS):
        rates["toml-test"].append(toml_test())
        for name, command in subjects.items():
            whole, judging = kit(command)
            rates.setdefault(name, []).append(whole)
            rates.setdefault(f"{name}, {JUDGING}", []).append(judging)
    base = statistics.median(rates["toml-test"])
    print(f"medians of {ROUNDS} rounds, taken in turns")
    for name, values in rates.items():
        median = statistics.median(values)
        print(f"{name:<48} {median:>7.0f} cases/s   {median / base:>5.1f} x toml-test")


if __name__ == "__main__":
    main()
