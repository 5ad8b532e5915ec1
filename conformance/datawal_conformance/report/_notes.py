"""What a verdict leaves out, in sentences: what no case tests, what did not run and why, what was not compared."""

from collections import Counter

from datawal_conformance.diagnosis import diagnose
from datawal_conformance.report._common import one_line
from datawal_conformance.verdict import Outcome, RunRecord, in_ranges

MOST_CAUSES = 3
"""Likely common causes that are told."""

_MOST_REASONS = 10

_COMPARED = {"typed-errors": "kinds", "error-positions": "positions"}
"""What of an error is compared when the adapter names a capability."""


def likely_causes(record: RunRecord) -> list[str]:
    """What the failures may have in common, the most likely first; foreign text in it stands as it came."""
    return diagnose(record.results)[:MOST_CAUSES]


def cause_lines(record: RunRecord) -> list[str]:
    """The likely causes fit to print, each on one line."""
    return [one_line(cause, _LONGEST_CAUSE) for cause in likely_causes(record)]


_LONGEST_CAUSE = 1200
"""Characters of a cause: a failure's message and a clause's text behind it."""


def notes(record: RunRecord) -> list[str]:
    """Sentences fit to print, each on one line; empty when the verdict covers everything."""
    return [*_not_run(record), *_unsupported(record), *_not_compared(record), *_untested(record)]


def _not_run(record: RunRecord) -> list[str]:
    shown = [
        f"Not run: {number} cases of {profile}, because too many before them, in a row, broke the adapter"
        for profile, number in record.left_out.items()
    ]
    rest = record.not_run - sum(record.left_out.values())
    if rest > 0:
        shown.append(f"Not run: {rest} of {record.chosen} cases, because the run ended early")
    return shown


def _unsupported(record: RunRecord) -> list[str]:
    reasons = Counter(result.message for result in record.results if result.outcome is Outcome.UNSUPPORTED)
    shown = [f"{number} unsupported: {one_line(reason)}" for reason, number in reasons.most_common(_MOST_REASONS)]
    rest = reasons.total() - sum(number for _reason, number in reasons.most_common(_MOST_REASONS))
    return [*shown, f"{rest} unsupported for other reasons"] if rest else shown


def _not_compared(record: RunRecord) -> list[str]:
    missing = [name for name in _COMPARED if name not in record.hello.capabilities]
    if not missing or record.counts.total() == record.counts[Outcome.UNSUPPORTED]:
        return []
    what = " and ".join(_COMPARED[name] for name in missing)
    names = "does not name" if len(missing) == 1 else "names neither"
    return [f"Not compared: {what} of errors, because the adapter {names} {' nor '.join(missing)}"]


def _untested(record: RunRecord) -> list[str]:
    missing = record.untested_clauses
    return [f"Not tested by any case: {in_ranges(missing)}"] if missing else []
