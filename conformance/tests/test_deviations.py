"""A deviations file explains failures, and is told when it is out of date."""

import datetime as dt
import tomllib
from pathlib import Path

import pytest

from datawal_conformance.deviations import UNEXPLAINED, apply_deviations, load_deviations, updated_file
from datawal_conformance.errors import DeviationsFileError
from datawal_conformance.verdict import CaseResult, Outcome

TODAY = dt.date(2026, 1, 1)

ENTRY = """
[[deviation]]
cases = "safety.append@*"
reason = "appends behind the garbage"
clause = "SAFE-1"
message = "expected 3"
"""


def load(tmp_path: Path, text: str):
    path = tmp_path / "deviations.toml"
    path.write_text(text)
    return load_deviations(path)


def result(case_id: str, outcome: Outcome, message: str = "") -> CaseResult:
    return CaseResult(case_id, "safety", ("SAFE-1",), outcome, 0.0, message)


FAILURE = result("safety.append@cut=1", Outcome.FAILED, "records: expected 3, found 2")


def test_listed_failure_with_its_message_is_known(tmp_path: Path):
    [marked], stale = apply_deviations([FAILURE], load(tmp_path, ENTRY), filtered=False, today=TODAY)
    assert (marked.outcome, marked.reason, stale) == (Outcome.KNOWN_DEVIATION, "appends behind the garbage", [])


def test_crash_can_be_a_known_deviation(tmp_path: Path):
    crash = result("safety.append@cut=1", Outcome.CRASHED, "expected 3 but died")
    [marked], stale = apply_deviations([crash], load(tmp_path, ENTRY), filtered=False, today=TODAY)
    assert (marked.outcome, stale) == (Outcome.KNOWN_DEVIATION, [])


def test_listed_failure_with_another_message_is_stale(tmp_path: Path):
    other = result("safety.append@cut=1", Outcome.FAILED, "records: expected 4, found 2")
    [marked], stale = apply_deviations([other], load(tmp_path, ENTRY), filtered=False, today=TODAY)
    assert marked.outcome is Outcome.FAILED
    assert "another message than 'expected 3'" in stale[0]


def test_listed_case_that_passes_is_stale(tmp_path: Path):
    [marked], stale = apply_deviations(
        [result("safety.append@cut=1", Outcome.PASSED)], load(tmp_path, ENTRY), filtered=False, today=TODAY
    )
    assert marked.outcome is Outcome.UNEXPECTEDLY_PASSED
    assert stale == ["safety.append@cut=1: passed; remove it from the file, or run: deviations update"]


def test_pattern_that_matches_nothing_is_stale(tmp_path: Path):
    _marked, stale = apply_deviations(
        [result("safety.other", Outcome.PASSED)], load(tmp_path, ENTRY), filtered=False, today=TODAY
    )
    assert stale == ["safety.append@*: matches no case; remove the pattern, or run: deviations update"]


def test_pattern_that_matches_nothing_is_fine_in_a_filtered_run(tmp_path: Path):
    _marked, stale = apply_deviations([], load(tmp_path, ENTRY), filtered=True, today=TODAY)
    assert stale == []


def test_unlisted_failure_stays_a_failure(tmp_path: Path):
    other = result("safety.other", Outcome.FAILED, "expected 3")
    marked, _stale = apply_deviations([FAILURE, other], load(tmp_path, ENTRY), filtered=False, today=TODAY)
    assert marked[1].outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[deviation]]\ncases = 'x'\n", "missing members"),
        (ENTRY + "colour = 'red'\n", "unknown members"),
        (ENTRY.replace("SAFE-1", "SAFE-999"), "no clause SAFE-999"),
        (ENTRY.replace('"expected 3"', '"("'), "unterminated"),
        (ENTRY.replace('"safety.append@*"', "3"), "are texts"),
        (ENTRY + "expires = 'soon'\n", "expires is a date"),
        ("deviation = 3\n", "expected"),
        ("x = [\n", "deviations.toml"),
        ("title = 'x'\n", "nothing else"),
    ],
)
def test_broken_file_is_refused_by_name(tmp_path: Path, text: str, problem: str):
    with pytest.raises(DeviationsFileError, match=r"deviations\.toml") as caught:
        load(tmp_path, text)
    assert problem in str(caught.value)


def test_missing_file_is_named(tmp_path: Path):
    with pytest.raises(DeviationsFileError, match=r"nowhere\.toml"):
        load_deviations(tmp_path / "nowhere.toml")


def test_expired_entry_is_stale(tmp_path: Path):
    entries = load(tmp_path, ENTRY + "expires = 2026-01-01\n")
    [marked], stale = apply_deviations([FAILURE], entries, filtered=False, today=TODAY)
    assert marked.outcome is Outcome.KNOWN_DEVIATION
    assert "expired on 2026-01-01" in stale[0]


def test_entry_before_its_expiry_is_fine(tmp_path: Path):
    entries = load(tmp_path, ENTRY + "expires = 2026-01-02\n")
    assert apply_deviations([FAILURE], entries, filtered=False, today=TODAY)[1] == []


def test_update_keeps_what_still_holds_and_adds_the_rest(tmp_path: Path):
    results = [
        FAILURE,
        result("safety.append@cut=2", Outcome.PASSED),
        result("safety.new@n=1", Outcome.FAILED, "step 2 scan: expected 7, found (8)"),
        result("safety.new@n=2", Outcome.FAILED, "step 2 scan: expected 9, found (10)"),
    ]
    text, unexplained = updated_file(results, load(tmp_path, ENTRY))
    first, second = tomllib.loads(text)["deviation"]
    assert (first["cases"], first["reason"]) == ("safety.append@cut=1", "appends behind the garbage")
    assert (second["cases"], second["reason"]) == (["safety.new@n=1", "safety.new@n=2"], UNEXPLAINED)
    assert unexplained == 1
    marked, stale = apply_deviations(results, load(tmp_path, text), filtered=False, today=TODAY)
    assert stale == []
    assert Outcome.FAILED not in [item.outcome for item in marked]


def test_update_of_a_conformant_run_is_empty(tmp_path: Path):
    assert updated_file([result("safety.append@cut=1", Outcome.PASSED)], load(tmp_path, ENTRY)) == ("", 0)


LONG = "step 2 scan_iter: answer: expected ok, found error crc_mismatch: the segment 00000001.dwal is damaged somewhere"
NEAREST = f"{LONG} {'x' * 30} [nearest permitted outcome: refuses]"


@pytest.mark.parametrize(
    ("message", "end"),
    [
        (LONG, "damaged somewhere"),
        (NEAREST, "x" * 30),
        (f"{LONG} {'word ' * 30}", "word"),
        (f"{LONG} and.then-there {'is-a-long-word' * 9}", r"and\.then\-there"),
        (f"{LONG} {'ab' * 200}", "damaged somewhere"),
        ("answer:" + "f00d" * 100, "answer:"),
    ],
)
def test_pin_ends_where_a_word_does(tmp_path: Path, message: str, end: str):
    failed = result("safety.new@n=1", Outcome.FAILED, message)
    text, _unexplained = updated_file([failed], [])
    [entry] = tomllib.loads(text)["deviation"]
    assert entry["message"].endswith(end)
    [marked], stale = apply_deviations([failed], load(tmp_path, text), filtered=False, today=TODAY)
    assert (marked.outcome, stale) == (Outcome.KNOWN_DEVIATION, [])


def test_pin_holds_for_other_numbers_and_bytes(tmp_path: Path):
    first = result("safety.new@n=1", Outcome.FAILED, f"found {'0a' * 60} at 12, {LONG}")
    text, _unexplained = updated_file([first], [])
    other = result("safety.new@n=1", Outcome.FAILED, f"found {'ff' * 30} at 7, {LONG}")
    [marked], stale = apply_deviations([other], load(tmp_path, text), filtered=False, today=TODAY)
    assert (marked.outcome, stale) == (Outcome.KNOWN_DEVIATION, [])


@pytest.mark.parametrize("outcome", [Outcome.PASSED, Outcome.FAILED])
def test_what_is_stale_says_how_to_write_the_file_anew(tmp_path: Path, outcome: Outcome):
    other = result("safety.append@cut=1", outcome, "something else")
    [line] = apply_deviations([other], load(tmp_path, ENTRY), filtered=False, today=TODAY)[1]
    assert "deviations update" in line
    [line] = apply_deviations([], load(tmp_path, ENTRY), filtered=False, today=TODAY)[1]
    assert "deviations update" in line
