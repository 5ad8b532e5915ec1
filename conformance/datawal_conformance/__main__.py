"""`python -m datawal_conformance` is the command line `datawal-conformance`."""

import signal
import sys


def entry_point() -> None:
    """Run the command line of this process and exit with its code."""
    try:
        # Loading takes a moment, and Ctrl-C may come in it.
        from datawal_conformance.cli import run_this_process  # noqa: PLC0415

        run_this_process()
    except KeyboardInterrupt:
        sys.stderr.write("datawal-conformance: interrupted before there was anything to report\n")
        sys.exit(128 + signal.SIGINT)


if __name__ == "__main__":
    entry_point()
