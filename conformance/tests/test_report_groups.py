"""Failures are told under the clause most likely at fault, and that clause comes first."""

from datawal_conformance.diagnosis import suspects
from datawal_conformance.mismatch import Mismatch
from datawal_conformance.report._groups import failures_by_clause
from datawal_conformance.verdict import CaseResult, Outcome

from .test_report_records import make_failure, make_record, make_result


def failure(case_id: str, *clauses: str, message: str = "m", where: str = "answer") -> CaseResult:
    return make_result(case_id, Outcome.FAILED, clauses=clauses, message=message, mismatch=Mismatch(where, "1", "2"))


def passes(number: int, *clauses: str) -> list[CaseResult]:
    """Passing cases of as many families, since one family counts once."""
    return [make_result(f"recovery.family-{n}@n=1", clauses=clauses) for n in range(number)]


def titles(*results: CaseResult) -> list[str]:
    return [group.title for group in failures_by_clause(make_record(*results))]


def test_clause_whose_cases_mostly_pass_is_less_suspect_than_one_whose_cases_fail():
    bad = [failure(f"recovery.bad-{n}@n=1", "SEG-1", "REC-13") for n in range(3)]
    assert titles(*bad, *passes(20, "SEG-1")) == ["REC-13 (MUST): 3 cases fail"]


def test_many_cases_of_a_family_that_fail_alike_count_once():
    alike = [failure(f"segments.many@n={n}", "SEG-2", message=f"step {n}: records: expected {n}") for n in range(40)]
    unlike = [failure(f"recovery.bad-{n}@n=1", "REC-13", message=f"{'abcd'[n]}") for n in range(4)]
    groups = titles(*alike, *unlike, *passes(2, "SEG-2"), *passes(2, "REC-13"))
    assert groups == ["REC-13 (MUST): 4 cases fail", "SEG-2 (MUST): 40 cases fail"]


def test_one_failure_of_one_case_proves_less_than_many_of_nearly_all():
    many = [failure(f"recovery.bad-{n}@n=1", "REC-13") for n in range(9)]
    found = suspects([*many, failure("recovery.x@n=1", "REC-2"), *passes(1, "REC-13")])
    assert found == ["REC-13", "REC-2"]


def test_clause_that_speaks_of_the_only_member_that_differs_comes_first():
    bad = [failure(f"recovery.bad-{n}@n=1", "SEG-1", where="report.last_txid_seen") for n in range(9)]
    named = failure("recovery.named@n=1", "REC-13", where="report.last_txid_seen")
    assert suspects([*bad, named]) == ["REC-13", "SEG-1"]
    other = failure("recovery.other@n=1", "SEG-1", where="report.records_replayed")
    assert suspects([*bad, named, other])[0] == "SEG-1"


def test_every_failure_is_told_once_and_clauses_without_one_of_their_own_are_named():
    both = failure("recovery.a@n=1", "REC-2", "REC-3")
    other = failure("recovery.b@n=1", "REC-2")
    [group] = failures_by_clause(make_record(both, other))
    assert group.clause == "REC-2"
    assert group.results == (other, both), "what tests least besides comes first"
    assert group.also_line == "These cases also test REC-3."


def test_many_other_clauses_are_counted():
    [group] = failures_by_clause(make_record(failure("recovery.a@n=1", *(f"REC-{n}" for n in range(1, 7)))))
    assert group.also_line.endswith("REC-4 and 2 more.")


def test_unsupported_cases_exonerate_nothing():
    skipped = [make_result(f"recovery.s-{n}@n=1", Outcome.UNSUPPORTED, clauses=("REC-2",)) for n in range(9)]
    first = failure("recovery.a@n=1", "REC-2"), failure("recovery.b@n=1", "REC-2")
    assert suspects([failure("recovery.c@n=1", "REC-3"), *first, *skipped]) == ["REC-2", "REC-3"]


def test_unknown_clause_and_no_clause_are_borne():
    record = make_record(make_failure(1, clauses=("REC-999",)), make_failure(2, clauses=()))
    assert [group.title for group in failures_by_clause(record)] == ["REC-999: 1 case fails", "no clause: 1 case fails"]
