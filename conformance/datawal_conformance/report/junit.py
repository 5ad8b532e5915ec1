"""The report for build servers: JUnit XML, one suite a profile.

A case that fails is a failure; one in which the adapter crashed, hung or broke the protocol is an error. Known
deviations and unsupported cases are skipped, with the reason. What is wrong with the run itself stands in a suite
of its own, so that a server that reads only this file goes red whenever the exit code is not 0.
"""

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape, quoteattr

from datawal_conformance.report._common import (
    block,
    headline,
    one_line,
    problems_of_the_run,
    run_facts,
    words,
)
from datawal_conformance.report._facts import fact_lines
from datawal_conformance.verdict import BROKEN, CaseResult, Outcome, RunRecord

RUN_SUITE = "run"
"""Name of the suite that holds what is wrong with the run itself."""

_FAILURES = frozenset({Outcome.FAILED, Outcome.UNEXPECTEDLY_PASSED})
_SKIPS = frozenset({Outcome.UNSUPPORTED, Outcome.KNOWN_DEVIATION})


def junit_report(record: RunRecord) -> str:
    """The run as JUnit XML."""
    return "\n".join(_document(record)) + "\n"


def _document(record: RunRecord) -> Iterator[str]:
    problems = problems_of_the_run(record)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f"<testsuites{_counts(record.results, len(problems), record.seconds, 'datawal conformance')}>"
    if problems:
        yield f"  <testsuite{_counts([], len(problems), 0, RUN_SUITE)}{_started(record)}>"
        yield from _properties(record)
        for name, details in problems:
            yield f'    <testcase classname="{RUN_SUITE}" name={quoteattr(name)} time="0.000000">'
            yield f"      {_element('error', 'run', name, details)}"
            yield "    </testcase>"
        yield "  </testsuite>"
    for verdict in record.verdicts:
        results = [result for result in record.results if result.profile == verdict.profile]
        seconds = sum(result.seconds for result in results)
        yield f"  <testsuite{_counts(results, 0, seconds, verdict.profile)}{_started(record)}>"
        yield from _properties(record, ("standing", verdict.standing.value))
        for result in results:
            yield from _case(record, result)
        yield "  </testsuite>"
    yield "</testsuites>"


def _counts(results: Iterable[CaseResult], problems: int, seconds: float, name: str) -> str:
    outcomes = [result.outcome for result in results]
    numbers = {
        "tests": len(outcomes) + problems,
        "failures": sum(outcome in _FAILURES for outcome in outcomes),
        "errors": sum(outcome in BROKEN for outcome in outcomes) + problems,
        "skipped": sum(outcome in _SKIPS for outcome in outcomes),
    }
    shown = "".join(f' {key}="{number}"' for key, number in numbers.items())
    return f' name={quoteattr(name)}{shown} time="{seconds:.6f}"'


def _started(record: RunRecord) -> str:
    return f" timestamp={quoteattr(one_line(record.started))}"


def _properties(record: RunRecord, *more: tuple[str, str]) -> Iterator[str]:
    yield "    <properties>"
    for name, value in [("verdict", headline(record).word), *more, *run_facts(record)]:
        yield f"      <property name={quoteattr(name)} value={quoteattr(value)}/>"
    yield "    </properties>"


def _case(record: RunRecord, result: CaseResult) -> Iterator[str]:
    name = quoteattr(one_line(result.case_id))
    head = f'    <testcase classname="datawal.{result.profile}" name={name} time="{result.seconds:.6f}"'
    if result.outcome is Outcome.PASSED:
        yield f"{head}/>"
        return
    yield f"{head}>"
    yield f"      {_verdict(record, result)}"
    if result.stderr:
        yield f"      <system-err>{escape(block(result.stderr))}</system-err>"
    yield "    </testcase>"


def _verdict(record: RunRecord, result: CaseResult) -> str:
    kind = result.outcome.value
    if result.outcome is Outcome.UNSUPPORTED:
        return _element("skipped", kind, result.message, "")
    if result.outcome is Outcome.KNOWN_DEVIATION:
        return _element("skipped", kind, f"known deviation: {result.reason}", one_line(result.message))
    if result.outcome is Outcome.UNEXPECTEDLY_PASSED:
        return _element("failure", kind, f"passed, though the deviations file says it fails: {result.reason}", "")
    lines = [words(result.outcome), f"clauses: {one_line(', '.join(result.clauses))}"]
    lines += fact_lines(record, result)
    return _element("error" if result.outcome in BROKEN else "failure", kind, result.message, "\n".join(lines))


def _element(tag: str, kind: str, message: str, details: str) -> str:
    head = f"<{tag} type={quoteattr(kind)} message={quoteattr(one_line(message))}"
    return f"{head}>{escape(details)}</{tag}>" if details else f"{head}/>"
