"""The deviations file: failures that are known, each with its reason and a pinned message.

```toml
[[deviation]]
cases = "safety.tail-append@*"      # a pattern over case ids, or a list of patterns
reason = "appends behind the damaged tail"
clause = "SAFE-1"
link = "https://..."                 # optional
message = "records: expected 3"      # a regular expression that the failure's message must contain
```

A listed case that passes, a listed case that fails with another message, and a pattern that matches no case that
ran are each an error: the file is stale.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from datawal_conformance.errors import DeviationsFileError
from datawal_conformance.verdict import AGAINST, CaseResult, Outcome
from datawal_spec import all_clauses

_MEMBERS = frozenset({"cases", "reason", "clause", "link", "message"})


@dataclass(frozen=True, slots=True)
class Deviation:
    """One entry: `patterns` over case ids, and what their failure is expected to say."""

    patterns: tuple[str, ...]
    reason: str
    clause: str
    link: str
    message: re.Pattern[str]


def load_deviations(path: Path) -> list[Deviation]:
    """Read a deviations file; raises DeviationsFileError naming the entry that is wrong."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        msg = f"{path}: {error}"
        raise DeviationsFileError(msg) from error
    entries = document.pop("deviation", [])
    if document or not isinstance(entries, list):
        msg = f"{path}: expected [[deviation]] entries and nothing else, found {sorted(document)}"
        raise DeviationsFileError(msg)
    deviations = []
    for number, entry in enumerate(entries, 1):
        try:
            deviations.append(_deviation(entry))
        except (ValueError, TypeError, KeyError, re.error) as error:
            msg = f"{path}: deviation {number}: {error}"
            raise DeviationsFileError(msg) from error
    return deviations


def _deviation(entry: dict[str, Any]) -> Deviation:
    unknown = sorted(entry.keys() - _MEMBERS)
    missing = sorted({"cases", "reason", "clause", "message"} - entry.keys())
    if unknown or missing:
        msg = f"unknown members {unknown}, missing members {missing}"
        raise ValueError(msg)
    cases = entry["cases"]
    patterns = tuple(cases) if isinstance(cases, list) else (cases,)
    texts = (*patterns, entry["reason"], entry["clause"], entry["message"], entry.get("link", ""))
    if not patterns or not all(isinstance(text, str) for text in texts):
        msg = "cases, reason, clause, message and link are texts (cases may be a list of texts)"
        raise TypeError(msg)
    if entry["clause"] not in all_clauses():
        msg = f"there is no clause {entry['clause']}"
        raise ValueError(msg)
    return Deviation(patterns, entry["reason"], entry["clause"], entry.get("link", ""), re.compile(entry["message"]))


def apply_deviations(
    results: Iterable[CaseResult], deviations: Iterable[Deviation], *, filtered: bool
) -> tuple[list[CaseResult], list[str]]:
    """Mark known deviations, and say what in the file is stale.

    Unused patterns are stale only when the run was not `filtered`. Returns the results, in order, and one line
    for each thing to change.
    """
    rows = [(deviation, pattern) for deviation in deviations for pattern in deviation.patterns]
    used: set[int] = set()
    stale: list[str] = []
    marked = []
    for result in results:
        hits = [
            (number, deviation)
            for number, (deviation, pattern) in enumerate(rows)
            if result.case_id == pattern or fnmatchcase(result.case_id, pattern)
        ]
        used.update(number for number, _deviation in hits)
        marked.append(_mark(result, [deviation for _number, deviation in hits], stale))
    if not filtered:
        stale += [
            f"{pattern}: matches no case; remove the pattern"
            for number, (_deviation, pattern) in enumerate(rows)
            if number not in used
        ]
    return marked, stale


def _mark(result: CaseResult, deviations: list[Deviation], stale: list[str]) -> CaseResult:
    if not deviations or result.outcome is Outcome.UNSUPPORTED:
        return result
    if result.outcome is Outcome.PASSED:
        stale.append(f"{result.case_id}: passed; remove it from the file")
        return replace(result, outcome=Outcome.UNEXPECTEDLY_PASSED, reason=deviations[0].reason)
    assert result.outcome in AGAINST
    for deviation in deviations:
        if deviation.message.search(result.message):
            return replace(result, outcome=Outcome.KNOWN_DEVIATION, reason=deviation.reason)
    pinned = " / ".join(sorted({deviation.message.pattern for deviation in deviations}))
    stale.append(f"{result.case_id}: fails with another message than {pinned!r}: {result.message}")
    return result
