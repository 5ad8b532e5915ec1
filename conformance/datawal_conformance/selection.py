"""Which cases run: filters over profile, clause and id."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from datawal_conformance.case import Case
from datawal_conformance.errors import UsageError
from datawal_spec import all_clauses, all_profiles


@dataclass(frozen=True, slots=True)
class Selection:
    """Filters; each is empty for "all", else one of its members must match."""

    profiles: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise UsageError for a profile or clause that does not exist."""
        for name in self.profiles:
            if name not in all_profiles():
                msg = f"there is no profile {name!r}; profiles are {', '.join(all_profiles())}"
                raise UsageError(msg)
        for clause in self.clauses:
            if clause not in all_clauses():
                msg = f"there is no clause {clause!r}"
                raise UsageError(msg)

    @property
    def is_filter(self) -> bool:
        """Whether anything may be left out."""
        return bool(self.profiles or self.clauses or self.ids)

    def of(self, cases: Iterable[Case]) -> list[Case]:
        """The cases that every filter lets through, in order."""
        return [case for case in cases if self._admits(case)]

    def _admits(self, case: Case) -> bool:
        return (
            (not self.profiles or case.profile in self.profiles)
            and (not self.clauses or any(clause in case.clauses for clause in self.clauses))
            and (not self.ids or any(case.id == pattern or fnmatchcase(case.id, pattern) for pattern in self.ids))
        )
