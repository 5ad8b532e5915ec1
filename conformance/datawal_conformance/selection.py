"""Which cases run: filters over profile, clause, id, size, earlier outcome and shard."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Self

from datawal_conformance.case import Case
from datawal_conformance.errors import UsageError
from datawal_conformance.report.load import load_report
from datawal_conformance.verdict import Outcome
from datawal_spec import all_clauses, all_profiles

BIG: Final = 1 << 20
"""Bytes of data above which a case counts as big."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Filters. Each is empty for "all", else one of its members must match; `shard` is (index from 0, count)."""

    profiles: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    earlier: frozenset[str] | None = None
    shard: tuple[int, int] = (0, 1)
    no_big: bool = False

    @classmethod
    def parse(
        cls,
        *,
        profiles: Sequence[str],
        clauses: Sequence[str],
        ids: Sequence[str],
        outcome: str | None,
        shard: str | None,
        no_big: bool,
    ) -> Self:
        """Read the filters as given on the command line; raises UsageError where one makes no sense."""
        for name in profiles:
            if name not in all_profiles():
                msg = f"there is no profile {name!r}; profiles are {', '.join(all_profiles())}"
                raise UsageError(msg)
        for clause in clauses:
            if clause not in all_clauses():
                msg = f"there is no clause {clause!r}"
                raise UsageError(msg)
        return cls(
            tuple(profiles),
            tuple(clauses),
            tuple(ids),
            None if outcome is None else _earlier(outcome),
            (0, 1) if shard is None else _shard(shard),
            no_big,
        )

    @property
    def is_filter(self) -> bool:
        """Whether anything may be left out."""
        return self != Selection()

    def of(self, cases: Iterable[Case]) -> list[Case]:
        """The cases that every filter lets through, in order."""
        index, count = self.shard
        return [case for case in cases if self._admits(case)][index::count]

    def _admits(self, case: Case) -> bool:
        return (
            (not self.profiles or case.profile in self.profiles)
            and (not self.clauses or any(clause in case.clauses for clause in self.clauses))
            and (not self.ids or any(case.id == pattern or fnmatchcase(case.id, pattern) for pattern in self.ids))
            and (self.earlier is None or case.id in self.earlier)
            and not (self.no_big and case.data_len > BIG)
        )


def _earlier(text: str) -> frozenset[str]:
    name, colon, path = text.partition(":")
    outcomes = [outcome.value for outcome in Outcome]
    if not colon or name not in outcomes:
        msg = f"--outcome {text}: expected OUTCOME:REPORT with OUTCOME one of {', '.join(outcomes)}"
        raise UsageError(msg)
    return frozenset(case_id for case_id, case in load_report(Path(path)).cases.items() if case.outcome == name)


def _shard(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        msg = f"--shard {text}: expected I/N with I from 1 to N"
        raise UsageError(msg)
    return int(match[1]) - 1, int(match[2])
