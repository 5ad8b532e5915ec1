"""What is told of one failure is the same in every format, and shows what matters."""

import shlex

import pytest

from datawal_conformance.expectation import match_result
from datawal_conformance.mismatch import files_differ, show_hex
from datawal_conformance.report import html_report, junit_report, markdown_report, text_report
from datawal_conformance.report._common import repeat_command
from datawal_conformance.report._facts import fact_lines
from datawal_conformance.sandbox import Entry
from datawal_conformance.verdict import Outcome, RunRecord

from .test_report_records import answers_differ, bytes_differ, make_failure, make_record, make_result

PERMITTED = make_failure(
    1,
    mismatch=bytes_differ(),
    step=2,
    step_title="scan",
    message=f"step 2 scan: {bytes_differ().text} [nearest permitted outcome: opens]",
)


@pytest.mark.parametrize("report", [text_report, junit_report, markdown_report])
def test_facts_stand_in_the_same_lines_everywhere(report: object):
    assert callable(report)
    record = make_record(PERMITTED)
    lines = [line.strip().removesuffix("</failure>") for line in report(record).splitlines()]
    assert [line for line in fact_lines(record, PERMITTED) if line not in lines] == []


def test_facts_of_a_failure():
    *facts, repeat = fact_lines(make_record(PERMITTED), PERMITTED)
    assert facts == [
        "at       step 2 scan, 00000001.dwal",
        "expected c8871e25 at byte 63 (67 bytes in all)",
        "found    00000000 at byte 63 (67 bytes in all)",
        "first differing byte 63, field crc of frame 1",
        "permitted one of several outcomes; nearest: opens",
    ]
    assert repeat.startswith("repeat: ")


def test_only_outcome_is_not_called_one_of_several():
    failure = make_failure(1, mismatch=answers_differ())
    assert not [line for line in fact_lines(make_record(failure), failure) if line.startswith("permitted")]


def test_nearest_outcome_stands_in_the_page():
    assert "<dt>Permitted</dt><dd><code>one of several outcomes; nearest: opens</code></dd>" in html_report(
        make_record(PERMITTED)
    )


@pytest.mark.parametrize("case_id", ["recovery.x@name=a b", "recovery.x@n=$(id)", "recovery.it's"])
def test_repeat_command_is_quoted_as_a_shell_takes_it(case_id: str):
    record = make_record(command=("./my adapter", "--dir=a;b"))
    words = shlex.split(repeat_command(record, case_id))
    assert words == ["datawal-conformance", "run", "--id", case_id, "--", "./my adapter", "--dir=a;b"]


def test_clauses_that_are_not_shown_are_counted_and_the_commands_to_see_them_given():
    failures = [make_failure(n, clauses=(f"REC-{n}",), message=f"m{'x' * n}") for n in range(1, 18)]
    text = text_report(make_record(*failures))
    [line] = [line for line in text.splitlines() if "more failures under" in line]
    assert line.startswith("13 more failures under 13 more clauses: REC-5, REC-6, ")
    assert line.endswith(", REC-12, ...")
    assert "  one clause: datawal-conformance run --clause REC-5 -- ./adapter '--log dir'" in text
    assert "  everything: datawal-conformance run --report html:report.html -- ./adapter '--log dir'" in text


@pytest.mark.parametrize(
    ("digits", "shown"),
    [
        ("736f6d65626f6479", "736f6d65626f6479 'somebody'"),
        ("736f0a", "736f0a"),
        ("00", "00"),
        ("", "(empty)"),
        ("27", '27 "\'"'),
        ("ff", "ff"),
        ("61" * 33, "61" * 33),
    ],
)
def test_bytes_are_shown_with_what_they_spell(digits: str, shown: str):
    assert show_hex(digits) == shown


def test_bytes_of_files_are_shown_with_what_they_spell():
    mismatch = files_differ(b"victim.txt", Entry("file", b"somebody else"), Entry("file", b"12\n"))
    assert mismatch.expected == "736f6d65626f6479 'somebody' at byte 0 (13 bytes in all)"
    assert mismatch.found == "31320a at byte 0 (3 bytes in all)"


def told(expected: object, found: object) -> tuple[str, str]:
    mismatch = match_result({"ok": {"x": expected}}, {"ok": {"x": found}}, frozenset())
    assert mismatch is not None
    return mismatch.expected, mismatch.found


@pytest.mark.parametrize(
    ("expected", "found", "texts"),
    [
        ("", "6464", ("(empty)", "6464 'dd'")),
        ("", None, ("(empty)", "null")),
        ("put", "delete", ("'put'", "'delete'")),
        ({"key": ""}, {}, ("(empty)", "no such member")),
        ([], [{"key": "6162"}], ("0 entries", "1; too many from x[0]: {key: 6162 'ab'}")),
    ],
)
def test_values_of_answers_are_shown_so_that_nothing_is_blank(expected: object, found: object, texts: tuple[str, str]):
    assert told(expected, found) == texts


def test_long_bytes_are_cut_around_the_difference_at_whole_bytes():
    expected, found = told("61" * 100, "61" * 50 + "7a" + "61" * 49)
    assert expected.startswith("...6161")
    assert "617a61" in found
    assert found.endswith("(200 characters, the first difference at 100)")
    assert found.index("7a") % 2 == len("...") % 2


def test_answer_where_an_error_was_due_is_shown_up_to_what_is_interesting():
    report = {"files_scanned": 2, "records_replayed": 3, "tail_truncated": True, "tail_bytes_discarded": 28}
    more = {"mid_stream_errors": 0, "unsupported_versions": 0, "last_txid_seen": 18446744073709551615}
    mismatch = match_result({"error": {}}, {"ok": {"report": report | more}}, frozenset())
    assert mismatch is not None
    assert "tail_bytes_discarded: 28" in mismatch.found
    assert mismatch.found.endswith("last_txid_seen: 18446744073709551615}}")


def test_long_lists_are_cut_with_a_count():
    mismatch = match_result({"error": {}}, {"ok": {"records": [{"txid": n} for n in range(50)]}}, frozenset())
    assert mismatch is not None
    assert mismatch.found == "ok {records: [{txid: 0}, {txid: 1}, {txid: 2}, ... 47 more]}"


def few_of_many() -> RunRecord:
    return make_record(*[make_result(f"recovery.x@n={n}") for n in range(1226)], *[make_failure(n) for n in range(4)])


def test_few_failures_can_be_seen_in_the_bar_of_their_profile():
    page = html_report(few_of_many())
    bars = page.count('<rect class="fill-bad" x="970.0" width="30.0" height="8"/>')
    assert bars == 2, "the whole run's and the profile's"
    assert page.count('<rect class="fill-good" x="0.0" width="970.0" height="8"/>') == 2


def test_page_begins_with_the_clause_to_look_at():
    page = html_report(few_of_many())
    assert page.index('<a href="#clause-0">REC-1 (MUST): 4 cases fail</a>') < page.index('<h2 id="profiles">')
    assert 'id="clause-0"' in page
    assert "Look here first" not in html_report(make_record(make_result(outcome=Outcome.PASSED)))
