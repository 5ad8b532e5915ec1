"""The part of the HTML page that tells the failures: by clause, each with its bytes."""

from collections.abc import Iterator
from html import escape

from datawal_conformance.report._common import (
    block,
    one_line,
    repeat_line,
    words,
)
from datawal_conformance.report._excerpt import Excerpt, ExcerptRow, excerpts
from datawal_conformance.report._facts import facts
from datawal_conformance.report._groups import ClauseGroup
from datawal_conformance.verdict import CaseResult, RunRecord

MOST_IN_FULL = 200
"""Failures told in full in the whole page."""

MOST_IN_FULL_OF_CLAUSE = 20
"""Failures told in full for each clause."""

_SAID = 200
_OPEN = 3
"""Clauses whose first failure stands open."""


def first_look(groups: list[ClauseGroup], causes: list[str]) -> Iterator[str]:
    """What to know first: what the failures have in common, fit to print, and the clauses most likely at fault."""
    if not groups:
        return
    yield '<section aria-labelledby="look-title">\n<h2 id="look-title">Look here first</h2>\n<div class="card look">'
    for cause in causes:
        yield f"<p>{escape(cause)}</p>"
    yield "<ul>"
    for number, group in enumerate(groups[:_OPEN]):
        yield f'<li><a href="#clause-{number}">{escape(group.title)}</a> <span>{escape(group.text)}</span></li>'
    yield "</ul>"
    if len(groups) > _OPEN:
        rest = len(groups) - _OPEN
        yield f'<p class="quiet">and {rest} more {"clause" if rest == 1 else "clauses"}, below</p>'
    yield "</div></section>"


def failures_section(record: RunRecord, groups: list[ClauseGroup], anchors: dict[str, str]) -> Iterator[str]:
    """The section, if anything failed; notes in `anchors` where each case told in full can be found."""
    if not groups:
        return
    yield '<section id="failures" aria-labelledby="failures-title">\n<h2 id="failures-title">Failures by clause</h2>'
    for number, group in enumerate(groups):
        room = min(MOST_IN_FULL - len(anchors), MOST_IN_FULL_OF_CLAUSE)
        yield f'<section class="card clause" id="clause-{number}"><h3>{escape(group.title)}</h3>'
        for text in filter(None, (group.text, group.also_line)):
            yield f"<p>{escape(text)}</p>"
        for index, result in enumerate(group.results[:room]):
            anchor = f"failure-{len(anchors) + 1}"
            anchors[result.case_id] = anchor
            yield from _failure(record, result, anchor, opened=number < _OPEN and index == 0)
        yield from _rest(len(group.results) - room)
        yield "</section>"
    yield "</section>"


def _rest(rest: int) -> Iterator[str]:
    if rest > 0:
        note = f"{rest} more failures of this clause are not told in full here: see the lists below."
        yield f'<p class="brief quiet">{note}</p>'


def _failure(record: RunRecord, result: CaseResult, anchor: str, *, opened: bool) -> Iterator[str]:
    yield (
        f'<details class="failure" id="{anchor}" data-failure data-profile="{escape(result.profile)}" '
        f'data-outcome="{result.outcome.value}"{" open" if opened else ""}>'
    )
    name = escape(one_line(result.case_id))
    yield f'<summary><code>{name}</code><span class="chip bad">{words(result.outcome)}</span>'
    yield f'<span class="said">{escape(one_line(result.message, _SAID))}</span></summary>\n<div class="body"><dl>'
    for name, text in [*facts(result), ("clauses", one_line(", ".join(result.clauses)))]:
        yield f"<dt>{name.capitalize()}</dt><dd><code>{escape(text)}</code></dd>"
    yield "</dl>"
    if result.mismatch is not None:
        for excerpt in excerpts(result.mismatch):
            yield from _bytes(excerpt)
    if result.stderr.strip():
        yield f"<h4>End of the adapter’s stderr</h4>\n<pre>{escape(block(result.stderr))}</pre>"  # noqa: RUF001
    repeat = escape(repeat_line(record, result.case_id))
    yield f'<h4>Repeat just this</h4>\n<div class="repeat"><pre><code>{repeat}</code></pre></div>'
    yield "</div></details>"


def _bytes(excerpt: Excerpt) -> Iterator[str]:
    has_fields = any(row.name for row in excerpt.rows)
    yield '<div class="bytes"><table>'
    yield f"<caption>Bytes {excerpt.title} ({excerpt.length} in all)</caption><thead><tr>"
    fields = '<th scope="col" class="field">Field</th>' if has_fields else ""
    meaning = '<th scope="col">Meaning</th>' if has_fields else '<th scope="col">Note</th>'
    yield f'<th scope="col" class="offset">Offset</th>{fields}<th scope="col" class="hex">Bytes</th>{meaning}</tr>'
    yield "</thead><tbody>"
    for row in excerpt.rows:
        yield _byte_row(row, has_fields=has_fields)
    yield "</tbody></table></div>"


def _byte_row(row: ExcerptRow, *, has_fields: bool) -> str:
    shown = " ".join(f"<mark>{byte.hex}</mark>" if byte.differs else byte.hex for byte in row.shown)
    more = f' <span class="quiet">+{row.left_out} more</span>' if row.left_out else ""
    frame = f' <span class="quiet">frame {row.frame}</span>' if row.frame is not None else ""
    field = f'<td class="name">{escape(row.name)}{frame}</td>' if has_fields else ""
    note = f"{escape(row.meaning)} " + ('<span class="here">first difference</span>' if row.hit else "")
    return (
        f'<tr{" class=hit" if row.hit else ""}><th scope="row" class="offset">{row.offset}</th>{field}'
        f"<td><code>{shown}</code>{more}</td><td>{note}</td></tr>"
    )
