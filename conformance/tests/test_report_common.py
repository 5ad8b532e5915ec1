"""What all reports share: foreign text made harmless, headlines, groups, excerpts of bytes; and the text report."""

import sys

import pytest

from datawal_conformance.exitcodes import exit_code
from datawal_conformance.mismatch import Mismatch, files_differ
from datawal_conformance.report import text_report
from datawal_conformance.report._common import block, headline, one_line, problems_of_the_run
from datawal_conformance.report._excerpt import excerpts
from datawal_conformance.sandbox import Entry
from datawal_conformance.verdict import AGAINST, RunRecord
from datawal_spec import build_frame

from .test_report_records import (
    HOSTILE,
    RECORDS,
    answers_differ,
    bytes_differ,
    for_any_text,
    hostile_record,
    per_record,
)


def test_one_line_spells_out_every_control_invisible_direction_and_noncharacter():
    unsafe = [*range(0x20), *range(0x7F, 0xA0), 0x61C, 0x180E, *range(0x200B, 0x2010), *range(0x2028, 0x202F)]
    unsafe += [*range(0x2060, 0x2065), *range(0x2066, 0x206A), *range(0xD800, 0xE000), 0xFEFF, *range(0xFFF9, 0xFFFC)]
    unsafe += [plane * 0x10000 + end for plane in range(17) for end in (0xFFFE, 0xFFFF)]
    for code in range(sys.maxunicode + 1):
        if one_line(chr(code)) != chr(code):
            unsafe.remove(code)
    assert unsafe == []


@pytest.mark.parametrize(
    ("text", "spelled"),
    [("a\tb\nc\r", "a\\tb\\nc\\u000d"), ("\x1b[0m", "\\u001b[0m"), ("\U0001fffe", "\\U0001fffe"), ("é日😀", "é日😀")],
)
def test_spelling_says_what_was_there(text: str, spelled: str):
    assert one_line(text) == spelled


def test_cuts_are_said():
    assert one_line("x" * 50, 10) == "xxxxxxxxxx... (50 characters)"
    assert block("\n".join("abcdef"), 2) == "... (4 lines before)\ne\nf"


@for_any_text
def test_block_never_grows_beyond_its_bounds(text: str):
    lines = block(text * 10, 3, 20).split("\n")
    assert len(lines) <= 4
    assert all(len(line) <= 20 * len("\\U00000000") + 40 for line in lines)


@pytest.mark.parametrize(
    ("name", "word", "tone"),
    [
        ("passed", "conformant", "good"),
        ("failed", "not conformant", "bad"),
        ("known deviation", "conformant, apart from 1 known deviation", "warn"),
        ("stale", "deviations file stale", "warn"),
        ("incident", "no verdict: the adapter is broken", "bad"),
        ("nothing", "no verdict: nothing ran", "mute"),
        ("interrupted", "interrupted", "mute"),
        ("filtered", "conformant in the 1 case chosen", "good"),
        ("one of many", "conformant in the 1 of 784 cases chosen", "good"),
    ],
)
def test_headline_says_what_the_exit_code_says(name: str, word: str, tone: str):
    head = headline(RECORDS[name])
    assert (head.word, head.tone) == (word, tone)


def test_filtered_run_claims_no_profile():
    assert "profiles conformant" not in headline(RECORDS["filtered"]).sentence
    assert "1 of 1 profiles conformant; 11 others have no cases. 1 passed." in headline(RECORDS["passed"]).sentence


@per_record
def test_every_exit_code_but_0_is_explained(record: RunRecord):
    explained = bool(problems_of_the_run(record)) or any(result.outcome in AGAINST for result in record.results)
    assert explained is bool(exit_code(record))


def shown(mismatch: Mismatch) -> list[list[tuple[int, str, str, bool]]]:
    return [
        [(row.offset, row.name, "".join(byte.hex for byte in row.shown), row.hit) for row in excerpt.rows]
        for excerpt in excerpts(mismatch)
    ]


def test_excerpt_shows_the_fields_around_the_first_difference():
    expected, found = shown(bytes_differ())
    assert [row[:2] for row in expected] == [(53, "payload_len"), (57, "key"), (57, "payload"), (63, "crc")]
    assert expected[-1] == (63, "crc", "c8871e25", True)
    assert found[-1] == (63, "crc", "00000000", True)
    assert [row[3] for row in expected[:-1]] == [False] * 3


def test_excerpt_of_a_file_that_ends_early_says_so():
    want = build_frame(1, 1, b"", b"first")
    _expected, found = excerpts(files_differ(b"00000001.dwal", Entry("file", want), Entry("file", want[:20])))
    assert (found.rows[-1].meaning, found.rows[-1].offset, found.rows[-1].hit) == ("the file ends here", 20, True)


def test_excerpt_of_a_long_field_shows_the_bytes_around_the_difference():
    want = build_frame(1, 1, b"", b"a" * 1000)
    have = build_frame(1, 1, b"", b"a" * 500 + b"b" + b"a" * 499)
    expected, _found = excerpts(files_differ(b"00000001.dwal", Entry("file", want), Entry("file", have)))
    [row] = [row for row in expected.rows if row.hit]
    assert row.name == "payload"
    assert len(row.shown) == 16
    assert row.left_out == 984
    assert [byte.differs for byte in row.shown] == [False] * 8 + [True] + [False] * 7


def test_excerpt_of_another_file_shows_rows_of_bytes():
    mismatch = files_differ(b"export.jsonl", Entry("file", bytes(100)), Entry("file", bytes(50) + b"x" + bytes(49)))
    expected, _found = shown(mismatch)
    assert [row[0] for row in expected] == [0, 16, 32, 48, 64, 80, 96]
    assert [row[0] for row in expected if row[3]] == [48]


def test_excerpt_of_one_file_stands_alone_and_of_none_is_empty():
    [only] = excerpts(files_differ(b"x", None, Entry("file", b"litter")))
    assert only.title == "found"
    assert excerpts(answers_differ()) == []


def test_excerpt_far_into_a_huge_segment_shows_plain_rows():
    """Naming the fields of many thousand frames would take longer than the run."""
    want = build_frame(1, 1, b"", b"") * 20_000
    mismatch = Mismatch("00000001.dwal", "x", "y", len(want) - 1, None, want, want[:-1] + b"\0")
    expected, _found = excerpts(mismatch)
    [row] = [row for row in expected.rows if row.hit]
    assert (row.name, row.frame) == ("", None)
    assert row.offset <= len(want) - 1 < row.offset + len(row.shown)
    assert len(expected.rows) < 10


def test_adapter_cannot_forge_a_line_of_the_text_report():
    text = text_report(hostile_record("x\nCONFORMANT: 5 passed"))
    assert not [line for line in text.splitlines() if line.strip().startswith("CONFORMANT")]


def test_hostile_text_is_spelled_out_on_the_screen():
    text = text_report(RECORDS["hostile"])
    assert "\\u001b[31m" in text
    assert not set(text) & (set(HOSTILE) - set(map(chr, range(0x20, 0x7F))) - {"\n"})
