"""What a verdict leaves out is said: clauses without a case, cases that did not run, what was not compared."""

import json
from dataclasses import replace

import pytest

from datawal_conformance.protocol import Hello
from datawal_conformance.report import html_report, json_report, markdown_report, text_report
from datawal_conformance.report._common import headline
from datawal_conformance.report._notes import notes
from datawal_conformance.verdict import Outcome, RunRecord, Standing, in_ranges
from datawal_spec import Level, all_clauses

from .test_report_records import RECORDS, make_failure, make_record, make_result

EVERYTHING = Hello("mylog", "1.4.2", "zig", frozenset({"log", "typed-errors", "error-positions"}))
UNREADABLE = "needs files that cannot be read, and this user may read everything"
UNNAMED = "needs poison, which the adapter does not name"


def full(*left_out: str, **members: object) -> RunRecord:
    """A run whose one case names every MUST but these."""
    clauses = tuple(
        clause.id for clause in all_clauses().values() if clause.level is Level.MUST and clause.id not in left_out
    )
    return replace(make_record(make_result(clauses=clauses), hello=EVERYTHING), **members)  # type: ignore[arg-type]


def test_ranges_draw_neighbours_together():
    ids = ["DUR-1", "DUR-2", "DUR-3", "SAFE-9", "SAFE-11", "SAFE-12", "KV-13"]
    assert in_ranges(ids) == "DUR-1 to DUR-3, SAFE-9, SAFE-11, SAFE-12, KV-13"


def test_full_run_names_the_clauses_that_no_case_tests_in_every_form():
    record = full("DUR-1", "DUR-2", "DUR-3", "SAFE-9")
    line = "Not tested by any case: DUR-1 to DUR-3, SAFE-9"
    assert line in text_report(record).splitlines()
    assert line in markdown_report(record)
    assert line in html_report(record)
    assert json.loads(json_report(record))["untested_clauses"] == ["DUR-1", "DUR-2", "DUR-3", "SAFE-9"]


def test_nothing_is_said_to_be_untested_when_everything_is_tested():
    assert notes(full()) == []


@pytest.mark.parametrize("cut", [{"filtered": True}, {"interrupted": True}, {"gave_up": "x"}, {"chosen": 9}])
def test_run_that_left_cases_out_does_not_know_what_is_untested(cut: dict[str, object]):
    assert full("DUR-1", **cut).untested_clauses == []


def test_unsupported_cases_are_explained_once_a_reason():
    skipped = [
        make_result(f"poison.x@n={n}", Outcome.UNSUPPORTED, message=UNREADABLE if n == 3 else UNNAMED) for n in range(4)
    ]
    found = text_report(make_record(make_result(), *skipped, hello=EVERYTHING, filtered=True)).splitlines()
    assert f"3 unsupported: {UNNAMED}" in found
    assert f"1 unsupported: {UNREADABLE}" in found


@pytest.mark.parametrize(
    ("lacking", "line"),
    [
        ({"typed-errors"}, "kinds of errors, because the adapter does not name typed-errors"),
        ({"error-positions"}, "positions of errors, because the adapter does not name error-positions"),
        (
            {"typed-errors", "error-positions"},
            "kinds and positions of errors, because the adapter names neither typed-errors nor error-positions",
        ),
    ],
)
def test_what_was_not_compared_is_said(lacking: set[str], line: str):
    hello = replace(EVERYTHING, capabilities=EVERYTHING.capabilities - lacking)
    assert notes(full(hello=hello)) == [f"Not compared: {line}"]


def test_run_that_ended_early_says_how_many_cases_did_not_run():
    assert "Not run: 7 of 9 cases, because the run ended early" in text_report(RECORDS["ended early"])


def standing(*outcomes: Outcome, message: str = "", **members: object) -> Standing:
    results = [
        make_result(f"poison.x@n={n}", outcome, message=message if outcome is Outcome.UNSUPPORTED else "")
        for n, outcome in enumerate(outcomes)
    ]
    [verdict] = replace(make_record(*results), **members).verdicts  # type: ignore[arg-type]
    return verdict.standing


PASSED, UNSUPPORTED = Outcome.PASSED, Outcome.UNSUPPORTED


def test_standing_says_what_was_earned():
    assert standing(PASSED) is Standing.CONFORMANT
    assert standing(UNSUPPORTED, message=UNNAMED) is Standing.NOT_CLAIMED
    assert standing(PASSED, UNSUPPORTED, message=UNNAMED) is Standing.PARTLY_CLAIMED
    assert standing(PASSED, UNSUPPORTED, message=UNREADABLE) is Standing.CONFORMANT, "this user is to blame"
    assert standing(PASSED, Outcome.UNEXPECTEDLY_PASSED) is Standing.STALE
    assert standing(PASSED, Outcome.KNOWN_DEVIATION, UNSUPPORTED, message=UNNAMED) is Standing.DEVIATES
    assert standing(PASSED, Outcome.CRASHED, Outcome.UNEXPECTEDLY_PASSED) is Standing.NOT_CONFORMANT


@pytest.mark.parametrize("cut", [{"interrupted": True}, {"gave_up": "x"}, {"chosen": 9}, {"available": {"poison": 9}}])
def test_profile_that_was_cut_short_earns_nothing(cut: dict[str, object]):
    assert standing(PASSED, **cut) is Standing.INCOMPLETE
    assert standing(PASSED, Outcome.KNOWN_DEVIATION, **cut) is Standing.INCOMPLETE
    assert standing(PASSED, Outcome.FAILED, **cut) is Standing.NOT_CONFORMANT


def test_profile_that_ran_whole_before_an_interruption_is_judged():
    assert standing(PASSED, PASSED, interrupted=True, available={"poison": 2}) is Standing.CONFORMANT


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("passed", "CONFORMANT: 1 passed"),
        ("filtered", "CONFORMANT in the 1 case chosen: 1 passed"),
        ("one of many", "CONFORMANT in the 1 of 784 cases chosen: 1 passed"),
        ("known deviation", "CONFORMANT, apart from 1 known deviation: 1 passed, 1 known deviation"),
        ("interrupted", "INTERRUPTED: this covers only what ran: 1 passed"),
    ],
)
def test_last_line_claims_no_more_than_was_seen(name: str, last: str):
    assert text_report(RECORDS[name]).splitlines()[-1].startswith(last + " in ")


def test_numbers_of_deviations_are_told_in_the_plural():
    known = [make_failure(n, Outcome.KNOWN_DEVIATION, reason="r") for n in range(4)]
    text = text_report(make_record(*known))
    assert "recovery     known deviations 4 known deviations" in text
    assert text.splitlines()[-1].startswith("CONFORMANT, apart from 4 known deviations: 4 known deviations in ")


def test_headline_counts_the_profiles_that_have_cases():
    available = {"recovery": 1, "wire": 2}
    assert headline(make_record(make_result(), available=available)).sentence.startswith("1 of 2 profiles conformant")


def test_few_profiles_without_cases_are_named():
    others = [make_result(f"{name}.x@n=1") for name in ("wire", "segments", "recovery", "writer", "reader", "lock")]
    more = [make_result(f"{name}.x@n=1") for name in ("poison", "kv", "compaction", "export", "safety")]
    assert headline(make_record(*others, *more)).sentence.startswith(
        "11 of 11 profiles conformant; durability has no cases. "
    )


@pytest.mark.parametrize("report", [text_report, markdown_report, html_report])
def test_likely_cause_stands_in_front_of_the_failures(report: object):
    assert callable(report)
    text = report(make_record(*[make_failure(n, message=f"no answer {n}") for n in range(5)]))
    cause = text.index("5 of 5 failures are alike")
    assert cause < text.index("REC-1 (MUST): 5 cases fail")


def test_likely_causes_stand_in_the_json_report():
    record = make_record(*[make_failure(n, message=f"no answer {n}") for n in range(5)])
    [cause] = json.loads(json_report(record))["likely_causes"]
    assert cause.startswith("5 of 5 failures are alike; the first is recovery.hand@n=0: no answer 0. All of them test")


def test_clause_behind_a_long_message_is_not_cut_off():
    record = make_record(*[make_failure(n, message="x" * 500) for n in range(5)])
    assert f"All of them test REC-1: {all_clauses()['REC-1'].text}" in text_report(record)
