"""A deviations file explains failures, and is told when it is out of date."""

from pathlib import Path

import pytest

from datawal_conformance.deviations import apply_deviations, load_deviations
from datawal_conformance.errors import DeviationsFileError
from datawal_conformance.verdict import CaseResult, Outcome

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
    [marked], stale = apply_deviations([FAILURE], load(tmp_path, ENTRY), filtered=False)
    assert (marked.outcome, marked.reason, stale) == (Outcome.KNOWN_DEVIATION, "appends behind the garbage", [])


def test_crash_can_be_a_known_deviation(tmp_path: Path):
    crash = result("safety.append@cut=1", Outcome.CRASHED, "expected 3 but died")
    [marked], stale = apply_deviations([crash], load(tmp_path, ENTRY), filtered=False)
    assert (marked.outcome, stale) == (Outcome.KNOWN_DEVIATION, [])


def test_listed_failure_with_another_message_is_stale(tmp_path: Path):
    other = result("safety.append@cut=1", Outcome.FAILED, "records: expected 4, found 2")
    [marked], stale = apply_deviations([other], load(tmp_path, ENTRY), filtered=False)
    assert marked.outcome is Outcome.FAILED
    assert "another message than 'expected 3'" in stale[0]


def test_listed_case_that_passes_is_stale(tmp_path: Path):
    [marked], stale = apply_deviations(
        [result("safety.append@cut=1", Outcome.PASSED)], load(tmp_path, ENTRY), filtered=False
    )
    assert marked.outcome is Outcome.UNEXPECTEDLY_PASSED
    assert stale == ["safety.append@cut=1: passed; remove it from the file"]


def test_pattern_that_matches_nothing_is_stale(tmp_path: Path):
    _marked, stale = apply_deviations([result("safety.other", Outcome.PASSED)], load(tmp_path, ENTRY), filtered=False)
    assert stale == ["safety.append@*: matches no case; remove the pattern"]


def test_pattern_that_matches_nothing_is_fine_in_a_filtered_run(tmp_path: Path):
    _marked, stale = apply_deviations([], load(tmp_path, ENTRY), filtered=True)
    assert stale == []


def test_unlisted_failure_stays_a_failure(tmp_path: Path):
    other = result("safety.other", Outcome.FAILED, "expected 3")
    marked, _stale = apply_deviations([FAILURE, other], load(tmp_path, ENTRY), filtered=False)
    assert marked[1].outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[deviation]]\ncases = 'x'\n", "missing members"),
        (ENTRY + "colour = 'red'\n", "unknown members"),
        (ENTRY.replace("SAFE-1", "SAFE-999"), "no clause SAFE-999"),
        (ENTRY.replace('"expected 3"', '"("'), "unterminated"),
        (ENTRY.replace('"safety.append@*"', "3"), "are texts"),
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
