"""The Markdown report: fits a CI job summary, and no foreign text in it is markup, a mention or a link."""

import re
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from datawal_conformance.report import markdown_report
from datawal_conformance.report.markdown import MOST_BYTES, MOST_CASES
from datawal_conformance.verdict import Incident, Outcome, RunRecord

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

OURS = {
    "h1", "h2", "p", "code", "pre", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "b", "strong",
    "ul", "li",
}  # fmt: skip


class Reader(HTMLParser):
    """Collects elements and attributes, the text inside and outside of code, and checks the nesting."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.open: list[str] = []
        self.code = ""
        self.prose = ""
        self.feed(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(attrs)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "code" in self.open:
            self.code += data
        else:
            self.prose += data


@per_record
def test_report_is_well_formed_and_holds_only_our_elements(record: RunRecord):
    reader = Reader(markdown_report(record))
    assert reader.open == []
    assert reader.tags <= OURS


@for_any_text
def test_no_text_is_markup(text: str):
    reader = Reader(markdown_report(hostile_record(text)))
    assert reader.open == []
    assert reader.tags <= OURS
    assert reader.attributes <= {("class", "language-text"), ("style", "text-align:right")}


def test_fences_are_longer_than_any_in_the_text():
    reader = Reader(markdown_report(hostile_record("```\n````\n<i>x</i>\n")))
    assert reader.tags <= OURS
    assert "````" in reader.code


def test_what_is_wrong_with_the_run_leaves_room_for_the_failures():
    record = make_record(make_failure(1), incidents=[Incident("died", (), f"{'x' * 2000}\n" * 100)] * 30)
    text = markdown_report(record)
    assert len(text) < 115_000
    assert "... and 20 more problems of the run" in text
    assert "repeat: " in text


def test_foreign_text_stands_in_code_only():
    """Mentions, references, links and emoji are made from prose; in code they are left alone."""
    reader = Reader(markdown_report(hostile_record("@team #1 https://evil.example :tada: | <b> `x` ``")))
    assert "@team" in reader.code
    for part in ("@team", "#1", "evil.example", ":tada:", "<b>"):
        assert part not in reader.prose


def test_control_characters_are_spelled_out():
    text = markdown_report(RECORDS["hostile"])
    assert "\\u001b[31m\\u0000]]><script>" in text
    assert not set(text) & (set(HOSTILE) - set(map(chr, range(0x20, 0x7F))) - {"\n"})


def test_profiles_stand_in_a_table():
    reader = Reader(markdown_report(RECORDS["known deviation"]))
    assert "table" in reader.tags
    text = markdown_report(RECORDS["known deviation"])
    assert "| wire: The frame | ✅ conformant | 1 |  |\n" in text
    assert "| recovery: Recovery | ⚠️ known deviations |  | 1 |\n" in text


def test_failures_are_folded_by_clause_with_what_differs():
    text = markdown_report(RECORDS["failed"])
    assert "<details><summary><b>REC-1 (MUST): 1 case fails</b></summary>" in text
    assert "at       step 2 scan log, 00000001.dwal\n" in text
    assert "first differing byte 63, field crc of frame 1\n" in text
    assert "repeat: datawal-conformance run --id recovery.hand@n=2 -- ./adapter '--log dir'\n" in text


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("gave up", "**The run gave up**"),
        ("incident", "**The adapter broke, and no single case explains it**"),
        ("stale", "recovery.hand@n=4: passed; remove it from the file"),
        ("interrupted", "this covers only what ran"),
        ("filtered", "A filter left cases out"),
    ],
)
def test_what_is_wrong_with_the_run_is_said(name: str, part: str):
    assert part in markdown_report(RECORDS[name])


def test_cases_beyond_the_bound_of_a_clause_are_listed_by_id():
    failures = [make_failure(number, mismatch=bytes_differ()) for number in range(MOST_CASES + 3)]
    text = markdown_report(make_record(*failures))
    assert text.count("repeat: ") == MOST_CASES
    assert f"3 more under this clause: `recovery.hand@n={MOST_CASES}`, `" in text


@pytest.mark.parametrize(("size", "number_of_cases"), [(10, 9000), (700, 600)])
def test_size_is_bounded_and_the_cut_is_said(size: int, number_of_cases: int):
    """Even when every text is as long as it may be and takes four bytes a character."""
    long = "\U0001f600" * size
    failures = [
        make_result(
            f"recovery.{long}@n={number}",
            Outcome.CRASHED,
            message=long,
            stderr=f"{long}\n" * 10,
            clauses=(f"REC-{number % 60}",),
        )
        for number in range(number_of_cases)
    ]
    record = make_record(*failures, command=(long,), gave_up=long, stale_deviations=[long] * 1000)
    text = markdown_report(record)
    assert len(text.encode()) <= MOST_BYTES
    shown = text.count("repeat: ")
    assert shown
    listed = sum(map(int, re.findall(r"^(\d+) more under this clause", text, re.MULTILINE)))
    assert f"**Cut to stay below 900 KB:** {number_of_cases - shown - listed} failures are not shown here." in text
    assert Reader(text).open == []


def test_nothing_is_said_to_be_cut_when_nothing_is():
    assert "Cut to stay" not in markdown_report(RECORDS["failed"])
