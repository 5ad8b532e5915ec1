"""The report for a CI job summary: GitHub-flavoured Markdown of bounded size.

Strategy: foreign text stands in code spans and fenced blocks whose fences are longer than any run of backticks in
it. Nothing in them is markup, a mention, a reference or a link. Inside raw HTML it is escaped as HTML instead.
"""

import re
from collections.abc import Iterator
from html import escape

from datawal_conformance.report._common import (
    block,
    headline,
    one_line,
    problems_of_the_run,
    run_facts,
    words,
)
from datawal_conformance.report._facts import fact_lines
from datawal_conformance.report._groups import ClauseGroup, failures_by_clause
from datawal_conformance.report._notes import cause_lines, notes
from datawal_conformance.verdict import CaseResult, Outcome, RunRecord, Standing
from datawal_spec import all_profiles

MOST_BYTES = 900_000
"""Bound on the size of the report in bytes; GitHub takes 1 MiB for a step."""

MOST_CASES = 50
"""Failures told in full for each clause; of the others the ids are listed."""

_MOST_IDS = 500
_MARK = {"good": "✅", "warn": "⚠️", "bad": "❌", "mute": "⚪"}
_STANDING_MARK = {
    Standing.CONFORMANT: "✅",
    Standing.PARTLY_CLAIMED: "⚪",
    Standing.DEVIATES: "⚠️",
    Standing.STALE: "⚠️",
    Standing.INCOMPLETE: "⚪",
    Standing.NOT_CONFORMANT: "❌",
    Standing.NOT_CLAIMED: "⚪",
}
_COLUMNS = tuple(Outcome)


def markdown_report(record: RunRecord) -> str:
    """The run as Markdown, never above MOST_BYTES; what is left out is said."""
    head = "".join([*_head(record), *_causes(record), *_profiles(record), *_notes(record), *_run_problems(record)])
    tail = "".join([*_known(record), *_facts(record)])
    return head + _failures(record, MOST_BYTES - _size(head) - _size(tail)) + tail


def _size(text: str) -> int:
    return len(text.encode())


def _failures(record: RunRecord, room: int) -> str:
    """The failures by clause, in at most `room` bytes."""
    groups = failures_by_clause(record)
    if not groups:
        return ""
    parts = ["## Failures by clause\n\n"]
    room -= _size(parts[0]) + _NOTE_ROOM
    untold = sum(len(group.results) for group in groups)
    for group in groups:
        head, cases, rest = _group_head(group), list(_group_cases(record, group)), _group_rest(group)
        room -= _size(head) + _size(rest) + _size(_GROUP_END)
        if room < 0:
            break
        fitting = []
        for case in cases:
            room -= _size(case)
            if room < 0:
                break
            fitting.append(case)
        if not fitting:
            break
        whole = len(fitting) == len(cases)
        parts += [head, *fitting, rest if whole else "", _GROUP_END]
        untold -= len(group.results) if whole else len(fitting)
        if not whole:
            break
    if untold:
        parts.append(f"**Cut to stay below {MOST_BYTES // 1000} KB:** {untold} failures are not shown here. ")
        parts.append("The JSON and HTML reports have them.\n\n")
    return "".join(parts)


_NOTE_ROOM = 300
_GROUP_END = "</details>\n\n"


def code(text: str, limit: int = 300) -> str:
    """Foreign text as a code span that is inert in a paragraph, a list or a table."""
    safe = one_line(text, limit).replace("|", "\\u007c") or " "
    fence = "`" * (_longest_run(safe) + 1)
    pad = " " if safe[0] in "` " or safe[-1] in "` " else ""
    return f"{fence}{pad}{safe}{pad}{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def fenced(text: str) -> str:
    """Foreign text of several lines, already harmless, as a fenced block."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}text\n{text}\n{fence}\n"


def _head(record: RunRecord) -> Iterator[str]:
    head = headline(record)
    hello = record.hello
    yield f"# {_MARK[head.tone]} datawal: {head.word}\n\n"
    yield f"{code(hello.implementation)} {code(hello.version)} ({code(hello.language)})\n\n{head.sentence}\n\n"


def _causes(record: RunRecord) -> Iterator[str]:
    causes = cause_lines(record)
    if causes:
        yield f"**Likely common cause{'s' if len(causes) > 1 else ''}**\n\n"
        yield fenced("\n".join(causes)) + "\n"


def _notes(record: RunRecord) -> Iterator[str]:
    found = notes(record)
    yield from (f"- {code(note, _MOST_NOTE)}\n" for note in found)
    if found:
        yield "\n"


_MOST_NOTE = 1000


def _profiles(record: RunRecord) -> Iterator[str]:
    verdicts = record.verdicts
    if not verdicts:
        return
    columns = [outcome for outcome in _COLUMNS if record.counts[outcome]]
    yield f"| profile | standing | {' | '.join(words(outcome) for outcome in columns)} |\n"
    yield f"|---|---|{'---:|' * len(columns)}\n"
    for verdict in verdicts:
        numbers = " | ".join(str(verdict.counts[outcome] or "") for outcome in columns)
        standing = verdict.standing
        title = all_profiles()[verdict.profile].title
        yield f"| {verdict.profile}: {title} | {_STANDING_MARK[standing]} {standing} | {numbers} |\n"
    yield "\n"


def _run_problems(record: RunRecord) -> Iterator[str]:
    for name, details in problems_of_the_run(record)[:_MOST_PROBLEMS]:
        shown = details[:_MOST_DETAILS] + (f"... ({len(details)} characters)" if len(details) > _MOST_DETAILS else "")
        yield f"**{name[0].upper()}{name[1:]}**\n\n{fenced(shown)}\n"
    more = len(problems_of_the_run(record)) - _MOST_PROBLEMS
    if more > 0:
        yield f"... and {more} more problems of the run\n\n"


_MOST_PROBLEMS = 10
_MOST_DETAILS = 10_000


def _group_head(group: ClauseGroup) -> str:
    head = f"<details><summary><b>{escape(group.title)}</b></summary>\n\n"
    text = f"{_prose(group.text)}\n\n" if group.text else ""
    return head + text + (f"{_prose(group.also_line)}\n\n" if group.also else "")


def _prose(text: str) -> str:
    """Text of our own that shows as it stands."""
    return re.sub(r"([\\`*_<>\[\]|#~$&])", r"\\\1", text)


def _group_cases(record: RunRecord, group: ClauseGroup) -> Iterator[str]:
    for result in group.results[:MOST_CASES]:
        yield _failure(record, result)


def _group_rest(group: ClauseGroup) -> str:
    rest = group.results[MOST_CASES:]
    if not rest:
        return ""
    ids = ", ".join(code(result.case_id, 120) for result in rest[:_MOST_IDS])
    more = f", and {len(rest) - _MOST_IDS} that are not listed" if len(rest) > _MOST_IDS else ""
    return f"{len(rest)} more under this clause: {ids}{more}\n\n"


def _failure(record: RunRecord, result: CaseResult) -> str:
    *found, repeat = fact_lines(record, result)
    stderr = block(result.stderr, 6, 200).split("\n") if result.stderr.strip() else []
    lines = [*found, *(f"stderr | {line}" for line in stderr), repeat]
    return "".join([f"{code(result.case_id)} {words(result.outcome)}\n\n", fenced("\n".join(lines)), "\n"])


def _known(record: RunRecord) -> Iterator[str]:
    reasons: dict[str, int] = {}
    for result in record.results:
        if result.outcome is Outcome.KNOWN_DEVIATION:
            reasons[result.reason] = reasons.get(result.reason, 0) + 1
    if reasons:
        yield "<details><summary>Known deviations</summary>\n\n"
        for reason, number in list(reasons.items())[:MOST_CASES]:
            yield f"- {number} {'case' if number == 1 else 'cases'}: {code(reason)}\n"
        if len(reasons) > MOST_CASES:
            yield f"- and {len(reasons) - MOST_CASES} more reasons\n"
        yield "\n</details>\n\n"


def _facts(record: RunRecord) -> Iterator[str]:
    yield "<details><summary>This run</summary>\n\n| | |\n|---|---|\n"
    for name, value in run_facts(record):
        yield f"| {name} | {code(value, 2000)} |\n"
    yield "\n</details>\n"
