"""The part of the HTML page that lists every case, compactly: by profile, outcome and explanation."""

from collections.abc import Iterator
from html import escape

from datawal_conformance.report._common import counted, one_line, words
from datawal_conformance.verdict import AGAINST, CaseResult, Outcome, ProfileVerdict, RunRecord

_ID = 200
_WHY = 300
_MESSAGE = 140


def cases_section(record: RunRecord, anchors: dict[str, str]) -> Iterator[str]:
    """The lists; a case that `anchors` names is a link to where it is told in full."""
    yield '<section aria-labelledby="all">\n<h2 id="all">Every case</h2>'
    for verdict in record.verdicts:
        yield from _profile(record, verdict, anchors)
    yield "</section>"


def _profile(record: RunRecord, verdict: ProfileVerdict, anchors: dict[str, str]) -> Iterator[str]:
    yield f'<details class="card profile" id="cases-{verdict.profile}"><summary><h3>{verdict.profile}</h3>'
    yield f'<span class="quiet">{counted(verdict.counts)}</span></summary>'
    sorts: dict[tuple[Outcome, str], list[CaseResult]] = {}
    for result in record.results:
        if result.profile == verdict.profile:
            sorts.setdefault((result.outcome, _why(result)), []).append(result)
    order = list(Outcome)
    for (outcome, why), results in sorted(sorts.items(), key=lambda item: _rank(order, item[0][0])):
        yield from _sort(verdict.profile, outcome, one_line(why, _WHY), results, anchors)
    yield "</details>"


def _rank(order: list[Outcome], outcome: Outcome) -> int:
    """Passes last: they are many, and nobody looks for them first."""
    return len(order) if outcome is Outcome.PASSED else order.index(outcome)


def _why(result: CaseResult) -> str:
    if result.outcome is Outcome.UNSUPPORTED:
        return result.message
    return result.reason


def _sort(
    profile: str, outcome: Outcome, why: str, results: list[CaseResult], anchors: dict[str, str]
) -> Iterator[str]:
    explained = f": {escape(why)}" if why else ""
    yield f'<div class="sort"><h4>{words(outcome).capitalize()} ({len(results)}){explained}</h4>'
    searched = f' data-why="{escape(why)}"' if why else ""
    yield f'<ul class="cases" data-profile="{profile}" data-outcome="{outcome.value}"{searched}>'
    for result in results:
        name = escape(one_line(result.case_id, _ID))
        if result.case_id in anchors:
            yield f'<li><a href="#{anchors[result.case_id]}">{name}</a></li>'
        elif outcome in AGAINST:
            yield f'<li>{name} <span class="quiet">{escape(one_line(result.message, _MESSAGE))}</span></li>'
        else:
            yield f"<li>{name}</li>"
    yield "</ul></div>"
