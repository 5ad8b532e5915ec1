"""The report for people, as one page: no remote resource, readable without JavaScript, light and dark.

Strategy: the page's style and script are two packaged files, put into the page as they are and allowed by their
hashes; the policy forbids everything else, so that even text that slipped through unescaped could run or load
nothing. Failures are told in full up to a bound; every other case is one line in the list of its profile.
"""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files

from datawal_conformance.report._common import (
    headline,
    one_line,
    problems_of_the_run,
    run_facts,
    words,
)
from datawal_conformance.report._groups import failures_by_clause
from datawal_conformance.report._html_cases import cases_section
from datawal_conformance.report._html_failures import failures_section, first_look
from datawal_conformance.report._notes import cause_lines, notes
from datawal_conformance.verdict import AGAINST, BROKEN, Outcome, ProfileVerdict, RunRecord, Standing
from datawal_spec import all_profiles

_TONE = {
    Standing.CONFORMANT: "good",
    Standing.PARTLY_CLAIMED: "mute",
    Standing.DEVIATES: "warn",
    Standing.STALE: "warn",
    Standing.INCOMPLETE: "mute",
    Standing.NOT_CONFORMANT: "bad",
    Standing.NOT_CLAIMED: "mute",
}
_FILLS = (
    ("good", frozenset({Outcome.PASSED})),
    ("bad", AGAINST),
    ("warn", frozenset({Outcome.KNOWN_DEVIATION, Outcome.UNEXPECTEDLY_PASSED})),
    ("mute", frozenset({Outcome.UNSUPPORTED})),
)


def html_report(record: RunRecord) -> str:
    """The run as one self-contained HTML page."""
    return "\n".join(_page(record)) + "\n"


@cache
def _asset(name: str) -> str:
    return files("datawal_conformance.report").joinpath(name).read_text("utf-8")


def _source(text: str) -> str:
    """How a content security policy names an inline style or script."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _page(record: RunRecord) -> Iterator[str]:
    style, script = _asset("page.css"), _asset("page.js")
    head = headline(record)
    hello = record.hello
    whose = f"{one_line(hello.implementation)} {one_line(hello.version)}"
    policy = (
        f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="referrer" content="no-referrer">'
    yield f"<title>datawal: {escape(head.word)}: {escape(whose)}</title>"
    yield f"<style>{style}</style>\n</head>\n<body>"
    yield '<a class="skip" href="#main">Skip to the results</a>'
    yield f'<header class="verdict {head.tone}"><div class="wrap">'
    yield '<p class="kicker">datawal conformance</p>'
    yield f"<h1>{escape(head.word)}</h1>"
    yield f'<p class="whose"><strong>{escape(whose)}</strong> ({escape(one_line(hello.language))})</p>'
    yield f"<p>{escape(head.sentence)}</p>"
    yield _bar(record.counts)
    yield '</div></header>\n<main id="main" class="wrap" tabindex="-1">'
    groups = failures_by_clause(record)
    anchors: dict[str, str] = {}
    yield from _problems(record)
    yield from first_look(groups, cause_lines(record))
    yield from _profiles(record)
    yield from _notes(record)
    yield from _filter(record)
    yield from failures_section(record, groups, anchors)
    yield from cases_section(record, anchors)
    yield from _about(record)
    yield "</main>"
    yield '<footer class="wrap">Made by datawal-conformance. This page loads nothing from elsewhere.</footer>'
    yield f"<script>{script}</script>\n</body>\n</html>"


_BAR = 1000
_NARROWEST = 30
"""Width of what is there at all: in the narrow bar of a profile still some pixels."""


def _bar(counts: Counter[Outcome]) -> str:
    """How the outcomes divide the cases, as a bar. The numbers beside it say the same, so it is not read aloud."""
    numbers = {fill: sum(counts[outcome] for outcome in outcomes) for fill, outcomes in _FILLS}
    widths = {fill: max(_BAR * number / counts.total(), _NARROWEST) for fill, number in numbers.items() if number}
    if widths:  # what the narrow ones were given is taken from the widest
        widest = max(widths, key=lambda fill: widths[fill])
        widths[widest] -= sum(widths.values()) - _BAR
    parts = []
    at = 0.0
    for fill, width in widths.items():
        parts.append(f'<rect class="fill-{fill}" x="{at:.1f}" width="{width:.1f}" height="8"/>')
        at += width
    return (
        f'<svg class="bar" viewBox="0 0 {_BAR} 8" preserveAspectRatio="none" aria-hidden="true">'
        + "".join(parts)
        + "</svg>"
    )


def _problems(record: RunRecord) -> Iterator[str]:
    problems = problems_of_the_run(record)
    if problems:
        yield '<section aria-labelledby="problems">\n<h2 id="problems">What is wrong with the run</h2>'
        for name, details in problems:
            yield f'<div class="card problem"><h3>{escape(name)}</h3><pre>{escape(details)}</pre></div>'
        yield "</section>"


_COLUMNS = (
    ("passed", frozenset({Outcome.PASSED})),
    ("failed", frozenset({Outcome.FAILED})),
    ("broke", BROKEN),
    ("known deviation", frozenset({Outcome.KNOWN_DEVIATION})),
    ("unexpected pass", frozenset({Outcome.UNEXPECTEDLY_PASSED})),
    ("unsupported", frozenset({Outcome.UNSUPPORTED})),
)
"""Columns of the profiles table; those without a case in the whole run are left out."""


def _profiles(record: RunRecord) -> Iterator[str]:
    if not record.verdicts:
        return
    columns = [column for column in _COLUMNS if any(record.counts[outcome] for outcome in column[1])]
    yield '<section aria-labelledby="profiles">\n<h2 id="profiles">Profiles</h2>'
    yield '<div class="card scroll" tabindex="0" role="region" aria-labelledby="profiles">'
    yield '<table class="profiles" aria-labelledby="profiles">'
    yield '<thead><tr><th scope="col">Profile</th><th scope="col">Standing</th><td class="part"></td>'
    yield "".join(f'<th scope="col" class="number">{name.capitalize()}</th>' for name, _outcomes in columns)
    yield '<th scope="col" class="number">Cases</th></tr></thead><tbody>'
    for verdict in record.verdicts:
        yield _profile_row(verdict, columns)
    yield "</tbody></table></div></section>"


def _profile_row(verdict: ProfileVerdict, columns: list[tuple[str, frozenset[Outcome]]]) -> str:
    numbers = [sum(verdict.counts[outcome] for outcome in outcomes) for _name, outcomes in columns]
    cells = "".join(f'<td class="number">{number or "–"}</td>' for number in [*numbers, verdict.total])  # noqa: RUF001
    standing = verdict.standing
    return (
        f'<tr><th scope="row"><a href="#cases-{verdict.profile}">{verdict.profile}</a>'
        f"<small>{escape(all_profiles()[verdict.profile].title)}</small></th>"
        f'<td><span class="chip {_TONE[standing]}">{standing.value}</span></td>'
        f'<td class="part">{_bar(verdict.counts)}</td>{cells}</tr>'
    )


def _notes(record: RunRecord) -> Iterator[str]:
    found = notes(record)
    if found:
        yield '<section aria-labelledby="left-out">\n<h2 id="left-out">What this leaves out</h2>\n<ul class="notes">'
        yield from (f"<li>{escape(note)}</li>" for note in found)
        yield "</ul></section>"


def _filter(record: RunRecord) -> Iterator[str]:
    yield '<h2 id="filter-title">Find cases</h2>'
    yield '<form id="filter" class="card filter" role="search" aria-labelledby="filter-title" hidden>'
    yield '<div class="field wide"><label for="filter-text">Search ids, messages and bytes</label>'
    yield '<input id="filter-text" type="search" autocomplete="off" spellcheck="false"></div>'
    yield '<div class="field"><label for="filter-profile">Profile</label><select id="filter-profile">'
    yield '<option value="">All profiles</option>'
    for verdict in record.verdicts:
        yield f'<option value="{verdict.profile}">{verdict.profile}</option>'
    yield "</select></div>\n<fieldset><legend>Outcome</legend>"
    for outcome in Outcome:
        if number := record.counts[outcome]:
            yield (
                f'<button type="button" data-outcome="{outcome.value}" aria-pressed="false">'
                f"{words(outcome).capitalize()} {number}</button>"
            )
    yield '</fieldset>\n<output id="filter-status" aria-live="polite"></output>'
    yield '<button type="button" id="filter-clear">Clear</button>\n</form>'


def _about(record: RunRecord) -> Iterator[str]:
    yield '<section aria-labelledby="about">\n<h2 id="about">This run</h2>\n<dl>'
    for name, value in run_facts(record):
        yield f"<dt>{name.capitalize()}</dt><dd><code>{escape(value)}</code></dd>"
    yield "</dl></section>"
