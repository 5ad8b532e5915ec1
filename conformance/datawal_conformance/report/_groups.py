"""The failures by clause, the clause most likely at fault first."""

from dataclasses import dataclass

from datawal_conformance.diagnosis import suspects
from datawal_conformance.report._common import one_line
from datawal_conformance.verdict import AGAINST, CaseResult, RunRecord
from datawal_spec import all_clauses

NO_CLAUSE = "no clause"
"""Title of the failures of cases that name no clause."""


@dataclass(frozen=True, slots=True)
class ClauseGroup:
    """The failures told under one clause; `level` and `text` are those of the clause.

    `also` are clauses less suspect that fail in these cases and have no failure left to be told under them.
    """

    clause: str
    level: str
    text: str
    results: tuple[CaseResult, ...]
    also: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Clause, level and how many cases fail."""
        level = f" ({self.level})" if self.level else ""
        return f"{self.clause}{level}: {len(self.results)} {'case fails' if len(self.results) == 1 else 'cases fail'}"

    @property
    def also_line(self) -> str:
        """Which other clauses these failures may come from; empty when there is none."""
        if not self.also:
            return ""
        more = f" and {len(self.also) - _MOST_ALSO} more" if len(self.also) > _MOST_ALSO else ""
        return f"These cases also test {', '.join(self.also[:_MOST_ALSO])}{more}."


_MOST_ALSO = 3


def failures_by_clause(record: RunRecord) -> list[ClauseGroup]:
    """What counts against the implementation, each failure under the clause of its case that is most suspect.

    In each group, cases that test least besides come first.
    """
    left = [result for result in record.results if result.outcome in AGAINST]
    homes: dict[str, str] = {}
    told: dict[str, list[CaseResult]] = {}
    also: dict[str, list[str]] = {}
    for clause in suspects(record.results):
        here = [result for result in left if clause in result.clauses]
        if here:
            left = [result for result in left if clause not in result.clauses]
            told[clause] = sorted(here, key=lambda result: len(result.clauses))
            homes.update({result.case_id: clause for result in here})
        else:
            first = next(result for result in record.results if result.outcome in AGAINST and clause in result.clauses)
            also.setdefault(homes[first.case_id], []).append(clause)
    if left:
        told[NO_CLAUSE] = left
    return [_group(clause, results, also.get(clause, [])) for clause, results in told.items()]


def _group(clause_id: str, results: list[CaseResult], also: list[str]) -> ClauseGroup:
    clause = all_clauses().get(clause_id)
    level, text = (clause.level.value, clause.text) if clause else ("", "")
    return ClauseGroup(one_line(clause_id), level, text, tuple(results), tuple(map(one_line, also)))
