"""Outcomes of cases, verdicts on profiles, and the record of a run."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from datawal_conformance.mismatch import Mismatch
from datawal_conformance.protocol import Hello
from datawal_spec import Level, all_clauses, all_profiles


class Outcome(StrEnum):
    """What became of one case."""

    PASSED = "passed"
    """Everything stated was so."""

    FAILED = "failed"
    """Something stated was not so."""

    CRASHED = "crashed"
    """The adapter died, alone with this case."""

    TIMED_OUT = "timed_out"
    """The adapter did not answer in time, alone with this case."""

    PROTOCOL_ERROR = "protocol_error"
    """The adapter answered what the protocol does not allow, alone with this case."""

    UNSUPPORTED = "unsupported"
    """The case needs a capability the adapter does not name."""

    KNOWN_DEVIATION = "known_deviation"
    """Failed, as the deviations file says it does."""

    UNEXPECTEDLY_PASSED = "unexpectedly_passed"
    """Passed, though the deviations file says it fails."""


BROKEN = frozenset({Outcome.CRASHED, Outcome.TIMED_OUT, Outcome.PROTOCOL_ERROR})
"""Outcomes in which the adapter gave no usable answer. None of them ever counts as a rejection."""

AGAINST = BROKEN | {Outcome.FAILED}
"""Outcomes that count against an implementation."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The outcome of one case.

    `message` says in one line what is wrong, empty for a pass; `step` is the number of the first step that
    differs, None when the files do or the adapter broke; `stderr` is the tail the adapter left.
    """

    case_id: str
    profile: str
    clauses: tuple[str, ...]
    outcome: Outcome
    seconds: float
    message: str = ""
    step: int | None = None
    step_title: str = ""
    mismatch: Mismatch | None = None
    stderr: str = ""
    reason: str = ""

    def __reduce__(self) -> tuple[type["CaseResult"], tuple[object, ...]]:
        # Workers send thousands of these a second; pickling by fields takes a quarter of what the default takes.
        return CaseResult, tuple(getattr(self, name) for name in self.__slots__)


class Standing(StrEnum):
    """What an implementation has earned in one profile."""

    CONFORMANT = "conformant"
    """Every case of the profile that could run here passed, and at least one did."""

    PARTLY_CLAIMED = "partly claimed"
    """Every case that ran passed; others need capabilities that the adapter does not name."""

    DEVIATES = "known deviations"
    """Nothing counts against it but deviations that the deviations file explains."""

    STALE = "deviations stale"
    """A case passed that the deviations file says fails; nothing counts against the implementation."""

    INCOMPLETE = "incomplete"
    """Nothing that ran counts against it, but cases of the profile did not run: a filter, or a run that ended early."""

    NOT_CONFORMANT = "not conformant"
    """At least one case counts against the implementation."""

    NOT_CLAIMED = "not claimed"
    """No case could run: the adapter lacks the capabilities."""


EARNED = frozenset({Standing.CONFORMANT, Standing.DEVIATES})
"""Standings of a profile that has been earned, be it with deviations that are explained."""

_THE_ADAPTERS_LACK = "which the adapter does not name"
"""How the message of an unsupported case ends when a capability is missing, rather than a right of this user."""


@dataclass(frozen=True, slots=True)
class ProfileVerdict:
    """The count of outcomes in one profile, and what follows from it.

    `unclaimed` counts the unsupported cases that lack a capability of the adapter; `cut_short` says that cases of
    the profile did not run.
    """

    profile: str
    counts: Counter[Outcome]
    unclaimed: int = 0
    cut_short: bool = False

    @property
    def standing(self) -> Standing:
        """What has been earned. Without a single pass nothing is."""
        counts = self.counts
        if any(counts[outcome] for outcome in AGAINST):
            return Standing.NOT_CONFORMANT
        if self.total == counts[Outcome.UNSUPPORTED]:
            return Standing.NOT_CLAIMED
        if self.cut_short:
            return Standing.INCOMPLETE
        if counts[Outcome.UNEXPECTEDLY_PASSED]:
            return Standing.STALE
        if counts[Outcome.KNOWN_DEVIATION]:
            return Standing.DEVIATES
        return Standing.PARTLY_CLAIMED if self.unclaimed else Standing.CONFORMANT

    @property
    def total(self) -> int:
        """Number of cases, unsupported ones included."""
        return self.counts.total()


@dataclass(frozen=True, slots=True)
class Incident:
    """The adapter broke while several cases were in flight, and in none of them when alone."""

    message: str
    case_ids: tuple[str, ...]
    stderr: str


@dataclass(slots=True)
class RunRecord:
    """Everything one run found out. Reports are made from this and nothing else.

    `chosen` counts the cases that were to run, 0 when that is not known; `available` counts those of the vectors
    by profile, empty when that is not known; `left_out` counts, by profile, those that did not run because too many
    before them broke the adapter.
    """

    command: tuple[str, ...]
    hello: Hello
    kit_version: str
    vectors_digest: str
    machine: str
    started: str
    filtered: bool
    results: list[CaseResult] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    stale_deviations: list[str] = field(default_factory=list)
    gave_up: str = ""
    interrupted: bool = False
    seconds: float = 0.0
    chosen: int = 0
    available: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> Counter[Outcome]:
        """Number of cases for each outcome."""
        return Counter(result.outcome for result in self.results)

    @property
    def not_run(self) -> int:
        """How many of the chosen cases did not run, as far as is known."""
        return max(0, self.chosen - len(self.results))

    @property
    def ended_early(self) -> bool:
        """Whether the run stopped before its last case: interrupted, given up, or at a failure as was asked."""
        return bool(self.interrupted or self.gave_up or self.not_run)

    @property
    def verdicts(self) -> list[ProfileVerdict]:
        """One verdict for each profile that had cases, in the order of the specification."""
        by_profile: dict[str, list[CaseResult]] = {}
        for result in self.results:
            by_profile.setdefault(result.profile, []).append(result)
        return [self._verdict(name, by_profile[name]) for name in all_profiles() if name in by_profile]

    def _verdict(self, profile: str, results: list[CaseResult]) -> ProfileVerdict:
        # Where the size of the profile is known it decides: one that ran whole is judged, whatever came behind it.
        cut_short = len(results) < self.available[profile] if profile in self.available else self.ended_early
        unclaimed = sum(
            result.outcome is Outcome.UNSUPPORTED and result.message.endswith(_THE_ADAPTERS_LACK) for result in results
        )
        return ProfileVerdict(profile, Counter(result.outcome for result in results), unclaimed, cut_short)

    @property
    def untested_clauses(self) -> list[str]:
        """The MUST clauses that no case tests; empty unless every case of the vectors ran: else it is not known."""
        if self.filtered or self.ended_early or not self.results:
            return []
        return untested_clauses({clause for result in self.results for clause in result.clauses})


def untested_clauses(named: Container[str]) -> list[str]:
    """The ids of the MUST clauses that are not among those which cases name."""
    return [clause.id for clause in all_clauses().values() if clause.level is Level.MUST and clause.id not in named]


def in_ranges(clause_ids: Iterable[str]) -> str:
    """Ids of clauses in the order of the specification, neighbours of one profile drawn together."""
    runs: list[tuple[str, int, int]] = []
    for clause_id in clause_ids:
        prefix, _, number = clause_id.rpartition("-")
        if runs and runs[-1][0] == prefix and runs[-1][2] + 1 == int(number):
            runs[-1] = (prefix, runs[-1][1], int(number))
        else:
            runs.append((prefix, int(number), int(number)))
    return ", ".join(_range(*run) for run in runs)


def _range(prefix: str, first: int, last: int) -> str:
    if first == last:
        return f"{prefix}-{first}"
    joint = ", " if first + 1 == last else " to "
    return f"{prefix}-{first}{joint}{prefix}-{last}"
