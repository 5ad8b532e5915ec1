"""The HTML report as a document: complete, safe for any text, self-contained, small, legible."""

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise

import pytest

from datawal_conformance.report import html_report
from datawal_conformance.report._html_failures import MOST_IN_FULL, MOST_IN_FULL_OF_CLAUSE
from datawal_conformance.verdict import Outcome, RunRecord
from datawal_spec import all_clauses, all_profiles

from .test_report_records import (
    HOSTILE,
    RECORDS,
    bytes_differ,
    for_any_text,
    hostile_record,
    make_failure,
    make_record,
    make_result,
    per_record,
)

VOID = {"meta", "input"}
SVG_VOID = {"rect"}


class Page(HTMLParser):
    """Reads a page strictly: every element is closed where it was opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.blocks: dict[str, str] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _value in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID | SVG_VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in SVG_VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"style", "script"}:
            self.blocks[self.open[-1]] = data
        else:
            self.text += data

    def having(self, attribute: str) -> Iterator[str]:
        for _tag, attributes in self.elements:
            if attribute in attributes:
                yield attributes[attribute] or ""


@per_record
def test_page_is_well_formed_and_its_parts_are_connected(record: RunRecord):
    page = Page(html_report(record))
    ids = list(page.having("id"))
    assert len(ids) == len(set(ids))
    links = {link.removeprefix("#") for link in page.having("href")}
    assert (links | set(page.having("for")) | set(page.having("aria-labelledby"))) <= set(ids)


@per_record
def test_headings_go_down_one_level_at_a_time(record: RunRecord):
    levels = [int(tag[1]) for tag, _attributes in Page(html_report(record)).elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))


@per_record
def test_page_holds_nothing_remote_and_no_inline_handlers_or_styles(record: RunRecord):
    page = Page(html_report(record))
    names = {name for _tag, attributes in page.elements for name in attributes}
    assert not names & {"src", "srcset", "action", "style", "ping", "background", "poster", "data", "xlink:href"}
    assert not [name for name in names if name.startswith("on")]
    assert all(link.startswith("#") for link in page.having("href"))
    assert not {tag for tag, _attributes in page.elements} & {"img", "link", "iframe", "object", "embed", "base", "a:"}
    assert "url(" not in page.blocks["style"]
    assert "@import" not in page.blocks["style"]


@per_record
def test_policy_allows_just_this_style_and_this_script(record: RunRecord):
    page = Page(html_report(record))
    [policy] = [a["content"] or "" for _tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))

    def source(block: str) -> str:
        return f"'sha256-{b64encode(sha256(page.blocks[block].encode()).digest()).decode()}'"

    assert rules == {
        "default-src": "'none'",
        "style-src": source("style"),
        "script-src": source("script"),
        "base-uri": "'none'",
        "form-action": "'none'",
    }


OURS = {tag for record in RECORDS.values() for tag, _attributes in Page(html_report(record)).elements}


@for_any_text
def test_no_text_is_markup(text: str):
    page = Page(html_report(hostile_record(text)))
    assert {tag for tag, _attributes in page.elements} <= OURS
    assert not {name for _tag, attributes in page.elements for name in attributes} & {"onerror", "src", "style"}


@pytest.mark.parametrize(
    "text",
    ["<p>", "</p></div>", "</li><li>", "<script>1</script>", '" onclick="x', "' hidden '", "&lt;p&gt;", "--><p>"],
)
def test_structure_is_the_same_whatever_the_text(text: str):
    def structure(text: str) -> list[tuple[str, list[str]]]:
        return [(tag, sorted(attributes)) for tag, attributes in Page(html_report(hostile_record(text))).elements]

    assert structure(text) == structure("x" * len(text))
    assert text in Page(html_report(hostile_record(text))).text


def test_hostile_text_is_spelled_out():
    page = Page(html_report(RECORDS["hostile"]))
    assert "\\u001b[31m\\u0000]]><script>alert(1)</script>" in page.text
    assert not set(page.text) & (set(HOSTILE) - set(map(chr, range(0x20, 0x7F))) - {"\n"})


def test_failure_shows_the_fields_around_the_first_difference():
    text = html_report(RECORDS["failed"])
    assert "<caption>Bytes expected (67 in all)</caption>" in text
    assert re.search(
        r'class=hit><th scope="row" class="offset">63</th><td class="name">crc <span class="quiet">frame 1</span></td>',
        text,
    )
    assert "<mark>00</mark> <mark>00</mark> <mark>00</mark> <mark>00</mark>" in text
    assert "crc_mismatch: expected the CRC-32C" in text


def test_crash_shows_the_stderr_and_the_command():
    text = html_report(RECORDS["crashed"])
    assert "<pre>panic: index out of range</pre>" in text
    assert "datawal-conformance run --id recovery.hand@n=2 -- ./adapter &#x27;--log dir&#x27;" in text


def test_every_case_stands_in_the_list_once():
    record = make_record(
        *[make_result(f"{profile}.x@n={n}") for profile in all_profiles() for n in range(3)], make_failure(7)
    )
    page = html_report(record)
    items = re.findall(r"<li>(?:<a [^>]*>)?([^< ]+)", page.partition('id="all"')[2])
    assert sorted(items) == sorted(result.case_id for result in record.results)


def test_failures_beyond_the_bounds_are_counted_and_listed():
    clauses = list(all_clauses())[:30]
    failures = [
        make_failure(number, mismatch=bytes_differ(), clauses=(clauses[number % 30],)) for number in range(30 * 25)
    ]
    page = html_report(make_record(*failures))
    assert page.count('<details class="failure"') == MOST_IN_FULL
    assert f"{25 - MOST_IN_FULL_OF_CLAUSE} more failures of this clause are not told in full here" in page
    assert page.partition('id="all"')[2].count("<li>") == len(failures)


def test_nothing_is_said_of_more_failures_when_there_are_none():
    assert "more failures of this clause" not in html_report(RECORDS["failed"])


@pytest.mark.parametrize("outcome", [Outcome.PASSED, Outcome.FAILED])
def test_page_of_6000_cases_is_small(outcome: Outcome):
    cases = [make_result(f"recovery.two-frames-and-a-torn-tail@cut={number}") for number in range(6000)]
    if outcome is Outcome.FAILED:
        cases = [make_failure(number, mismatch=bytes_differ()) for number in range(6000)]
    assert len(html_report(make_record(*cases)).encode()) < 2_000_000


def test_longest_texts_are_cut_with_a_note():
    page = html_report(hostile_record("x" * 100_000))
    assert "... (100000 characters)" in page
    assert len(page) < 200_000


CSS = files("datawal_conformance.report").joinpath("page.css").read_text("utf-8")
PAIRS = [
    *[(text, ground) for text in ("text", "quiet", "link") for ground in ("page", "card")],
    ("text", "sunk"), ("quiet", "sunk"), ("page", "text"), ("bad", "card"),
    *[(tone, f"{tone}-tint") for tone in ("good", "warn", "bad", "mute")],
    *[(text, f"{tone}-tint") for text in ("text", "quiet") for tone in ("good", "warn", "bad", "mute")],
]  # fmt: skip


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_text_has_enough_contrast(scheme: str, text: str, ground: str):
    light, dark = CSS.split("@media (prefers-color-scheme: dark)")
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", light if scheme == "light" else dark.split("* {")[0]))
    above, below = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
    assert (above + 0.05) / (below + 0.05) >= 4.5
