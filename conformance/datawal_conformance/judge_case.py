"""From the answers to a case to its outcome."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from datawal_conformance.case import Case, Step
from datawal_conformance.expectation import match_result
from datawal_conformance.mismatch import Mismatch
from datawal_conformance.verdict import CaseResult, Outcome

StepResult = dict[str, Any] | Mismatch | None
"""What a step gave: an answer, what a check of the runner found wrong, or nothing."""


@dataclass(frozen=True, slots=True)
class _Finding:
    """How far one alternative of a case agrees: the first difference and the step it is in."""

    alternative: str | None
    step: Step | None
    mismatch: Mismatch | None
    reached: int


def _chosen(place: dict[str, Any] | None, alternative: str | None) -> dict[str, Any] | None:
    if place is not None and "one_of" in place:
        chosen: dict[str, Any] = place["one_of"][alternative]
        return chosen
    return place


def _examine(
    case: Case,
    results: dict[int, StepResult],
    capabilities: frozenset[str],
    compare_files: Callable[[Any], Mismatch | None],
    alternative: str | None,
) -> _Finding:
    for step in case.steps:
        result = results[step.number]
        if isinstance(result, Mismatch):
            return _Finding(alternative, step, result, step.number)
        if result is None:
            continue
        mismatch = match_result(_chosen(step.expect, alternative), result, capabilities)
        if mismatch is not None:
            return _Finding(alternative, step, mismatch, step.number)
    reached = len(case.steps) + 1
    then = _chosen(case.then, alternative)
    if then is not None and (mismatch := compare_files(then["files"])) is not None:
        return _Finding(alternative, None, mismatch, reached)
    return _Finding(alternative, None, None, reached + 1)


def judge_case(
    case: Case,
    results: dict[int, StepResult],
    capabilities: frozenset[str],
    compare_files: Callable[[Any], Mismatch | None],
    seconds: float,
) -> CaseResult:
    """Hold the results of all steps, and the files, against the case.

    A case with named alternatives passes when all its steps and its files agree under one name; else the
    alternative that agrees longest is the one reported.
    """
    best: _Finding | None = None
    for alternative in case.alternatives or (None,):
        finding = _examine(case, results, capabilities, compare_files, alternative)
        if finding.mismatch is None:
            return CaseResult(case.id, case.profile, tuple(case.clauses), Outcome.PASSED, seconds)
        if best is None or finding.reached > best.reached:
            best = finding
    assert best is not None
    return failed(case, best.step, best.mismatch, seconds, alternative=best.alternative)


def failed(
    case: Case,
    step: Step | None,
    mismatch: Mismatch | None,
    seconds: float,
    *,
    alternative: str | None = None,
) -> CaseResult:
    """The result of a case in which something stated was not so."""
    assert mismatch is not None
    place = f"step {step.number} {step.title}" if step else "files afterwards"
    nearest = f" [nearest permitted outcome: {alternative}]" if alternative else ""
    return CaseResult(
        case.id,
        case.profile,
        tuple(case.clauses),
        Outcome.FAILED,
        seconds,
        message=f"{place}: {mismatch.text}{nearest}",
        step=step.number if step else None,
        step_title=step.title if step else "",
        mismatch=mismatch,
    )
