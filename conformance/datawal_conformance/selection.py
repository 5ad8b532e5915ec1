"""Which cases run: filters over profile, clause, id, size, earlier outcome and shard; and why none does."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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
                msg = f"there is no clause {clause!r}; {_clauses_like(clause)}"
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
        """The cases that every filter lets through, in order.

        Raises UsageError when a pattern over ids matches nothing beside one that does: it would be missed silently.
        """
        index, count = self.shard
        cases = list(cases)
        unmatched = self._unmatched(cases)
        if unmatched and len(unmatched) < len(self.ids):
            raise UsageError("; ".join(_no_case(pattern, cases) for pattern in unmatched))
        return [case for case in cases if self._admits(case)][index::count]

    def _unmatched(self, cases: Sequence[Case]) -> list[str]:
        """The patterns over ids that match no case at all."""
        return [pattern for pattern in self.ids if not any(_matches(case.id, pattern) for case in cases)]

    def _admits(self, case: Case) -> bool:
        return (
            (not self.profiles or case.profile in self.profiles)
            and (not self.clauses or any(clause in case.clauses for clause in self.clauses))
            and (not self.ids or any(_matches(case.id, pattern) for pattern in self.ids))
            and (self.earlier is None or case.id in self.earlier)
            and not (self.no_big and case.data_len > BIG)
        )


def why_nothing(selection: Selection, cases: Iterable[Case]) -> str:
    """Why the selection lets none of these cases through, and what may have been meant; one line."""
    cases = list(cases)
    if not cases:
        return "there are no cases"
    if unmatched := selection._unmatched(cases):  # noqa: SLF001 - the other half of the class
        return "; ".join(_no_case(pattern, cases) for pattern in unmatched)
    if selection.profiles and not any(case.profile in selection.profiles for case in cases):
        return f"no cases in {', '.join(selection.profiles)} (see: datawal-conformance coverage)"
    tested = {clause for case in cases for clause in case.clauses}
    if selection.clauses and not tested & set(selection.clauses):
        few = "has no cases" if len(selection.clauses) == 1 else "have no cases"
        return f"{', '.join(selection.clauses)} {few} (see: datawal-conformance coverage)"
    if replace(selection, shard=(0, 1)).of(cases):
        return "this shard has no part in so few cases"
    given = {
        "--profile": " ".join(selection.profiles),
        "--clause": " ".join(selection.clauses),
        "--id": " ".join(selection.ids),
        "--outcome": "as given" if selection.earlier is not None else "",
        "--no-big": "as given" if selection.no_big else "",
    }
    named = [name if value == "as given" else f"{name} {value}" for name, value in given.items() if value]
    return f"no case fits {' and '.join(named)}"


def close_ids(text: str, ids: Iterable[str], most: int = 5) -> list[str]:
    """The ids that come closest to a text: those that hold it, else those of its family, else those spelled alike."""
    ids = list(ids)
    family = re.split("[@/]", text)[0]
    alike = difflib.get_close_matches(family, dict.fromkeys(re.split("[@/]", known)[0] for known in ids), most, 0.7)
    for near in (
        [known for known in ids if text in known],
        [known for known in ids if re.split("[@/]", known)[0] == family],
        [known for name in alike for known in ids if re.split("[@/]", known)[0] == name],
    ):
        if near:
            return near[:most]
    return []


def _matches(case_id: str, pattern: str) -> bool:
    return case_id == pattern or fnmatchcase(case_id, pattern)


def _no_case(pattern: str, cases: Sequence[Case]) -> str:
    """That nothing matches a pattern, the close ids, and the pattern that may have been meant."""
    ids = [case.id for case in cases]
    bare = pattern.strip("*?")
    longer = next((f"{bare}{end}" for end in ("@*", "/*", "*") if any(_matches(i, f"{bare}{end}") for i in ids)), None)
    near = close_ids(bare, ids) if bare else []
    hints = [
        f"for all: --id '{longer}'" if longer and longer != pattern else "",
        f"close: {', '.join(near)}" if near else "see: datawal-conformance list",
    ]
    return f"no case matches {pattern!r}; {'; '.join(filter(None, reversed(hints)))}"


def _clauses_like(text: str) -> str:
    """The clauses of the prefix that was given, or where the list is."""
    known = list(all_clauses())
    prefix = text.upper().partition("-")[0]
    same = [clause for clause in known if clause.partition("-")[0] == prefix]
    if text.upper() in same:
        return f"it is written {text.upper()}"
    if same:
        return f"there are {same[0]} to {same[-1]} (see: datawal-conformance coverage)"
    prefixes = dict.fromkeys(clause.partition("-")[0] for clause in known)
    return f"clauses begin with {', '.join(prefixes)} (see: datawal-conformance coverage)"


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
