"""The deviations file: failures that are known, each with its reason and a pinned message.

```toml
[[deviation]]
cases = "safety.cut-append@*"      # a pattern over case ids, or a list of patterns
reason = "appends behind the damaged tail"
clause = "SAFE-1"
link = "https://..."                 # optional
expires = 2030-01-31                 # optional: from then on the entry is an error
message = "records: expected 3"      # a regular expression that the failure's message must contain
```

A listed case that passes, a listed case that fails with another message, a pattern that matches no case that ran and
an entry that has expired are each an error: the file is stale.
"""

import datetime as dt
import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from datawal_conformance.errors import DeviationsFileError
from datawal_conformance.verdict import AGAINST, CaseResult, Outcome
from datawal_spec import all_clauses

_MEMBERS = frozenset({"cases", "reason", "clause", "link", "message", "expires"})

UNEXPLAINED = "not explained yet"
"""Reason given to entries that an update adds."""

_LONGEST_PIN = 160

_OR_UPDATE = "or run: deviations update"


@dataclass(frozen=True, slots=True)
class Deviation:
    """One entry: `patterns` over case ids, and what their failure is expected to say."""

    patterns: tuple[str, ...]
    reason: str
    clause: str
    link: str
    message: re.Pattern[str]
    expires: dt.date | None = None


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
    expires = entry.get("expires")
    if expires is not None and type(expires) is not dt.date:
        msg = f"expires is a date such as 2030-01-31, found {expires!r}"
        raise TypeError(msg)
    return Deviation(
        patterns, entry["reason"], entry["clause"], entry.get("link", ""), re.compile(entry["message"]), expires
    )


def apply_deviations(
    results: Iterable[CaseResult], deviations: Sequence[Deviation], *, filtered: bool, today: dt.date
) -> tuple[list[CaseResult], list[str]]:
    """Mark known deviations, and say what in the file is stale.

    Unused patterns are stale only when the run was not `filtered`. Returns the results, in order, and one line
    for each thing to change.
    """
    rows = [(deviation, pattern) for deviation in deviations for pattern in deviation.patterns]
    used: set[int] = set()
    stale = [
        f"{', '.join(deviation.patterns)}: expired on {deviation.expires}; mend the implementation or the file"
        for deviation in deviations
        if deviation.expires is not None and deviation.expires <= today
    ]
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
            f"{pattern}: matches no case; remove the pattern, {_OR_UPDATE}"
            for number, (_deviation, pattern) in enumerate(rows)
            if number not in used
        ]
    return marked, stale


def _mark(result: CaseResult, deviations: list[Deviation], stale: list[str]) -> CaseResult:
    if not deviations or result.outcome is Outcome.UNSUPPORTED:
        return result
    if result.outcome is Outcome.PASSED:
        stale.append(f"{result.case_id}: passed; remove it from the file, {_OR_UPDATE}")
        return replace(result, outcome=Outcome.UNEXPECTEDLY_PASSED, reason=deviations[0].reason)
    assert result.outcome in AGAINST
    for deviation in deviations:
        if deviation.message.search(result.message):
            return replace(result, outcome=Outcome.KNOWN_DEVIATION, reason=deviation.reason)
    pinned = " / ".join(sorted({deviation.message.pattern for deviation in deviations}))
    stale.append(f"{result.case_id}: fails with another message than {pinned!r} ({_OR_UPDATE}): {result.message}")
    return result


def updated_file(results: Sequence[CaseResult], known: Sequence[Deviation]) -> tuple[str, int]:
    """The text of a deviations file for the results of a full run, and the number of entries without a reason.

    An entry keeps what still fails as it says. What no entry covers is grouped by clause and kind of message.
    """
    against = [result for result in results if result.outcome in AGAINST]
    covered: set[str] = set()
    entries = []
    for deviation in known:
        fits = {result.case_id for result in against if deviation.message.search(result.message)}
        patterns = _still_true(deviation.patterns, fits, [result.case_id for result in results])
        if patterns:
            covered.update(case_id for case_id in fits if _matches(case_id, patterns))
            entries.append(_entry_text(patterns, deviation))
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for result in against:
        if result.case_id not in covered:
            groups[next(iter(result.clauses)), _pin(result.message)].append(result.case_id)
    for (clause, message), case_ids in groups.items():
        entries.append(_entry_text(case_ids, Deviation((), UNEXPLAINED, clause, "", re.compile(message))))
    return "\n".join(entries), len(groups)


def _matches(case_id: str, patterns: Iterable[str]) -> bool:
    return any(case_id == pattern or fnmatchcase(case_id, pattern) for pattern in patterns)


def _still_true(patterns: Iterable[str], fits: set[str], all_ids: Sequence[str]) -> list[str]:
    """The patterns whose every case still fits; a pattern that only partly fits is spelled out."""
    kept = []
    for pattern in patterns:
        named = [case_id for case_id in all_ids if _matches(case_id, [pattern])]
        fitting = [case_id for case_id in named if case_id in fits]
        kept += [pattern] if fitting and len(fitting) == len(named) else fitting
    return kept


def _pin(message: str) -> str:
    """A regular expression for a message: exact but for numbers and bytes."""
    parts = re.split(r"([0-9a-f]{8,}|[0-9]+)", _begin(message))
    return "".join("[0-9a-f]+" if at % 2 else re.escape(part).replace("\\ ", " ") for at, part in enumerate(parts))


def _begin(message: str) -> str:
    """A message, or as many whole words of it as a pin holds, without a bracket that would stay open."""
    if len(message) <= _LONGEST_PIN:
        return message
    words = message[: _LONGEST_PIN + 1].rpartition(" ")[0] or _BEGUN.sub("", message[:_LONGEST_PIN]) or message
    head, bracket, last = words.rpartition(" [")
    return head if bracket and "]" not in last else words


_BEGUN = re.compile(r"[0-9a-f]+$")
"""Digits at the end of a cut: a run that goes on behind it would be pinned by what happened to stand before."""


def _entry_text(patterns: Iterable[str], deviation: Deviation) -> str:
    names = list(patterns)
    cases = json.dumps(names[0]) if len(names) == 1 else "[\n" + "".join(f"  {json.dumps(n)},\n" for n in names) + "]"
    lines = [
        "[[deviation]]",
        f"cases = {cases}",
        f"reason = {json.dumps(deviation.reason)}",
        f"clause = {json.dumps(deviation.clause)}",
        f"message = {json.dumps(deviation.message.pattern)}",
    ]
    if deviation.link:
        lines.append(f"link = {json.dumps(deviation.link)}")
    if deviation.expires:
        lines.append(f"expires = {deviation.expires}")
    return "\n".join(lines) + "\n"
