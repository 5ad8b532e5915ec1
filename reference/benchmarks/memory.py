"""Memory stays small however large the log is (clause SAFE-11).

Builds a log of mixed records, once as one segment and once as many, opens and scans each in a process of its own,
and prints that process's peak resident memory, the interpreter included. Exits 1 when it is over the limit.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from datawal import RecordLog

LIMIT_MIB = 64
SIZES = (0, 64, 64, 64, 1024, 4096, 65_536)
ROUND_BYTES = sum(SIZES)

CHILD = """
import sys
from datawal import RecordLog
with RecordLog.open(sys.argv[1]) as log:
    opened = log.recovery_report()
    scan = log.scan_iter()
    records = sum(1 for _ in scan)
    assert scan.recovery_report() == opened
status = open("/proc/self/status").read()
peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
print(records, peak)
"""


def build(directory: Path, size: int, segments: int) -> None:
    """Append about `size` bytes in `segments` segments of equal size."""
    with RecordLog.open(directory) as log:
        for segment in range(segments):
            if segment:
                log.rotate()
            for number in range(size // segments // ROUND_BYTES):
                for length in SIZES:
                    log.append(number.to_bytes(8, "big")[: length or 0].ljust(length, b"\x5a"))


def peak_mib(directory: Path) -> float:
    """Peak resident memory in MiB of a process that opens and scans the log."""
    done = subprocess.run([sys.executable, "-c", CHILD, str(directory)], check=True, capture_output=True, text=True)
    records, peak = map(int, done.stdout.split())
    mib = peak / 1024
    print(f"{directory.name}: {records} records, peak {mib:.1f} MiB of {LIMIT_MIB}")
    return mib


def main() -> int:
    """Build, measure, judge."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--mib", type=int, default=1024, help="size of each log in MiB (default: 1024)")
    arguments.add_argument("--segments", type=int, default=64, help="segments of the second log (default: 64)")
    options = arguments.parse_args()
    peaks = []
    with tempfile.TemporaryDirectory() as temporary:
        for segments in (1, options.segments):
            directory = Path(temporary, f"{segments}-segment-log")
            build(directory, options.mib << 20, segments)
            peaks.append(peak_mib(directory))
    return int(max(peaks) > LIMIT_MIB)


if __name__ == "__main__":
    sys.exit(main())
