"""Outcomes of cases, verdicts on profiles, and the record of a run."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from datawal_conformance.mismatch import Mismatch
from datawal_conformance.protocol import Hello
from datawal_spec import all_profiles


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


class Standing(StrEnum):
    """What an implementation has earned in one profile."""

    CONFORMANT = "conformant"
    """Every case of the profile that ran passed, and at least one did."""

    DEVIATES = "known deviations"
    """As conformant, but for deviations that the deviations file explains."""

    NOT_CONFORMANT = "not conformant"
    """At least one case counts against the implementation."""

    NOT_CLAIMED = "not claimed"
    """No case could run: the adapter lacks the capabilities."""


@dataclass(frozen=True, slots=True)
class ProfileVerdict:
    """The count of outcomes in one profile, and what follows from it."""

    profile: str
    counts: Counter[Outcome]

    @property
    def standing(self) -> Standing:
        """What has been earned. Without a single pass nothing is."""
        if any(self.counts[outcome] for outcome in AGAINST):
            return Standing.NOT_CONFORMANT
        passed = self.counts[Outcome.PASSED] + self.counts[Outcome.UNEXPECTEDLY_PASSED]
        deviations = self.counts[Outcome.KNOWN_DEVIATION]
        if deviations:
            return Standing.DEVIATES
        return Standing.CONFORMANT if passed else Standing.NOT_CLAIMED

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
    """Everything one run found out. Reports are made from this and nothing else."""

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

    @property
    def counts(self) -> Counter[Outcome]:
        """Number of cases for each outcome."""
        return Counter(result.outcome for result in self.results)

    @property
    def verdicts(self) -> list[ProfileVerdict]:
        """One verdict for each profile that had cases, in the order of the specification."""
        return list(profile_verdicts(self.results))


def profile_verdicts(results: Iterable[CaseResult]) -> Iterable[ProfileVerdict]:
    """Count outcomes by profile, in the order of the specification."""
    counters: dict[str, Counter[Outcome]] = {}
    for result in results:
        counters.setdefault(result.profile, Counter())[result.outcome] += 1
    for name in all_profiles():
        if name in counters:
            yield ProfileVerdict(name, counters[name])
