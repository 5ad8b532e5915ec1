"""The JUnit report: well-formed for any text, and red exactly when the exit code is."""

from xml.etree import ElementTree as ET

import pytest

from datawal_conformance.exitcodes import exit_code
from datawal_conformance.report import junit_report
from datawal_conformance.verdict import Outcome, RunRecord

from .test_report_records import (
    HOSTILE,
    RECORDS,
    answers_differ,
    for_any_text,
    hostile_record,
    make_failure,
    make_record,
    make_result,
    per_record,
)


def parse(record: RunRecord) -> ET.Element:
    return ET.fromstring(junit_report(record))


def only_case(record: RunRecord) -> ET.Element:
    [case] = parse(record).iter("testcase")
    return case


@per_record
def test_counts_are_those_of_the_cases(record: RunRecord):
    root = parse(record)
    for element in [root, *root.findall("testsuite")]:
        assert int(element.attrib["tests"]) == len(list(element.iter("testcase")))
        assert int(element.attrib["failures"]) == len(list(element.iter("failure")))
        assert int(element.attrib["errors"]) == len(list(element.iter("error")))
        assert int(element.attrib["skipped"]) == len(list(element.iter("skipped")))
        assert float(element.attrib["time"]) >= 0


@per_record
def test_report_is_red_exactly_when_the_exit_code_is_not_0(record: RunRecord):
    root = parse(record)
    red = int(root.attrib["failures"]) + int(root.attrib["errors"])
    assert bool(red) is bool(exit_code(record))


def test_one_suite_a_profile_in_the_order_of_the_specification():
    record = make_record(make_result("kv.hand@n=1"), make_result("wire.hand@n=1"), make_result("kv.hand@n=2"))
    suites = parse(record).findall("testsuite")
    assert [(suite.attrib["name"], len(suite.findall("testcase"))) for suite in suites] == [("wire", 1), ("kv", 2)]


@pytest.mark.parametrize(
    ("outcome", "tag"),
    [
        (Outcome.PASSED, None),
        (Outcome.FAILED, "failure"),
        (Outcome.CRASHED, "error"),
        (Outcome.TIMED_OUT, "error"),
        (Outcome.PROTOCOL_ERROR, "error"),
        (Outcome.UNSUPPORTED, "skipped"),
        (Outcome.KNOWN_DEVIATION, "skipped"),
        (Outcome.UNEXPECTEDLY_PASSED, "failure"),
    ],
)
def test_outcome_has_its_element(outcome: Outcome, tag: str | None):
    suite = parse(make_record(make_result(outcome=outcome, reason="by intent"))).find("testsuite[@name='recovery']")
    assert suite is not None
    [case] = suite.findall("testcase")
    assert [element.tag for element in case] == ([tag] if tag else [])
    assert [element.attrib["type"] for element in case] == ([outcome.value] if tag else [])


def test_known_deviation_gives_its_reason():
    case = only_case(make_record(make_failure(1, Outcome.KNOWN_DEVIATION, reason="by intent")))
    assert [element.attrib["message"] for element in case] == ["known deviation: by intent"]


def test_failure_says_what_differs_and_how_to_repeat_it():
    record = make_record(make_failure(1, mismatch=answers_differ(), step=2, step_title="scan", stderr="oops\n"))
    failure, stderr = only_case(record)
    lines = (failure.text or "").splitlines()
    assert "at       step 2 scan, ok.report.records_replayed" in lines
    assert "expected 1" in lines
    assert "found    2" in lines
    assert "repeat: datawal-conformance run --id recovery.hand@n=1 -- ./adapter '--log dir'" in lines
    assert stderr.tag == "system-err"
    assert stderr.text == "oops"


@for_any_text
def test_any_text_leaves_the_document_well_formed(text: str):
    root = parse(hostile_record(text))
    assert {element.tag for element in root.iter()} <= {
        "testsuites", "testsuite", "properties", "property", "testcase", "failure", "error", "skipped", "system-err",
    }  # fmt: skip


def test_hostile_text_is_spelled_out():
    text = junit_report(RECORDS["hostile"])
    assert "\\u001b[31m\\u0000]]&gt;&lt;script&gt;" in text
    assert not set(HOSTILE) & {char for char in text if ord(char) > 0x7E}
