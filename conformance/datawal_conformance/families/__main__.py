"""`python -m datawal_conformance.families write|check DIR`: make the case files, or tell where they differ."""

import argparse
import sys
from pathlib import Path

from datawal_conformance.families import case_files
from datawal_conformance.families._files import first_difference, write_files


def main(arguments: list[str] | None = None) -> int:
    """Write the case files below DIR, or compare them; 0 when all is well, 1 when something differs."""
    parser = argparse.ArgumentParser(prog="datawal_conformance.families", description=main.__doc__)
    parser.add_argument("action", choices=["write", "check"])
    parser.add_argument("directory", type=Path, help="the directory that holds cases/ and schema/")
    chosen = parser.parse_args(arguments)
    cases: Path = chosen.directory / "cases"
    if chosen.action == "write":
        written = write_files(cases, case_files())
        print(f"{written} cases written below {cases}")  # noqa: T201 - a command line prints
        return 0
    problem = first_difference(cases, case_files())
    if problem is not None:
        print(f"{problem}; `make vectors` writes what the families make", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
