"""What a command gets, and the options that several commands share."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from datawal_conformance._resources import vectors_dir
from datawal_conformance.case import Case, load_cases
from datawal_conformance.errors import UsageError
from datawal_conformance.selection import Selection, close_ids


@dataclass(frozen=True, slots=True)
class Context:
    """One call of the command line: parsed options, the adapter's command (behind `--`), the streams."""

    arguments: argparse.Namespace
    adapter: tuple[str, ...]
    out: TextIO
    err: TextIO

    def say(self, text: str = "") -> None:
        """Print one line of the command's result."""
        print(text, file=self.out)

    def warn(self, text: str) -> None:
        """Print one line for the person, apart from the result."""
        print(text, file=self.err)

    @property
    def vectors(self) -> Path:
        """The folder of vectors to use."""
        return vectors_dir(self.arguments.vectors)

    def cases(self) -> list[Case]:
        """Every case of the vectors."""
        return load_cases(self.vectors)

    def case(self, case_id: str) -> Case:
        """One case by its id; raises UsageError when there is none, naming what comes close."""
        cases = {case.id: case for case in self.cases()}
        if case_id in cases:
            return cases[case_id]
        near = close_ids(case_id, cases)
        hint = f"; close: {', '.join(near)}" if near else "; see: datawal-conformance list"
        msg = f"there is no case {case_id!r}{hint}"
        raise UsageError(msg)


def add_vectors(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the vectors."""
    parser.add_argument("--vectors", type=Path, metavar="DIR", help="the vectors to use (default: those of the kit)")


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose cases."""
    filters = parser.add_argument_group("which cases", "options of one kind add up, different kinds narrow down")
    filters.add_argument("--profile", action="append", default=[], metavar="NAME", help="cases of this profile")
    filters.add_argument("--clause", action="append", default=[], metavar="ID", help="cases that test this clause")
    filters.add_argument("--id", action="append", default=[], metavar="PATTERN", help="cases with such an id (*, ?)")
    filters.add_argument(
        "--outcome", metavar="OUTCOME:REPORT", help="cases with this outcome in an earlier JSON report"
    )
    filters.add_argument("--shard", metavar="I/N", help="the I-th of N equal parts")
    filters.add_argument("--no-big", action="store_true", help="leave out cases with more than 1 MiB of data")
    add_vectors(parser)


def selection(arguments: argparse.Namespace) -> Selection:
    """The filters that were given; raises UsageError when one cannot be used."""
    return Selection.parse(
        profiles=arguments.profile,
        clauses=arguments.clause,
        ids=arguments.id,
        outcome=arguments.outcome,
        shard=arguments.shard,
        no_big=arguments.no_big,
    )
