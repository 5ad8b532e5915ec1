"""The JSON report: agrees with its published schema, and can be read back."""

import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from datawal_conformance.errors import UsageError
from datawal_conformance.exitcodes import ExitCode
from datawal_conformance.report import json_report
from datawal_conformance.report.load import load_report, report_schema
from datawal_conformance.verdict import Outcome, RunRecord, Standing

from .conftest import make_case
from .test_report_records import (
    RECORDS,
    bytes_differ,
    for_any_text,
    hostile_record,
    make_failure,
    make_record,
    per_record,
)

JUDGE = jsonschema.Draft202012Validator(report_schema())


def test_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(report_schema())
    assert "$id" not in json.dumps(report_schema())


@per_record
def test_report_agrees_with_the_schema(record: RunRecord):
    JUDGE.validate(json.loads(json_report(record)))


@for_any_text
def test_report_agrees_with_the_schema_whatever_the_texts(text: str):
    if text:
        report = json_report(hostile_record(text))
        report.encode("ascii")
        JUDGE.validate(json.loads(report))


def test_failure_without_words_still_has_its_message():
    report = json.loads(json_report(make_record(make_failure(1, message=""))))
    JUDGE.validate(report)
    assert report["cases"][0]["message"] == ""


@pytest.mark.parametrize(
    "name",
    ["honest", "dies_in_case", "declares_and_refuses", "answers_nan", "dies_every_third_case", "dies_in_every_case",
     "names_no_capability", "escapes_terminal"],
)  # fmt: skip
def test_report_of_a_real_run_agrees_with_the_schema(run_zoo: Callable[..., RunRecord], name: str):
    record = run_zoo(name, [make_case(f"recovery.{'bad' if number == 3 else 'good'}/{number}") for number in range(30)])
    JUDGE.validate(json.loads(json_report(record)))


def document(name: str = "failed") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json_report(RECORDS[name]))
    return found


def every_object(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [found for item in value for found in every_object(item)]
    if isinstance(value, dict):
        return [value, *(found for item in value.values() for found in every_object(item))]
    return []


def write(tmp_path: Path, report: Any) -> Path:
    path = tmp_path / "report.json"
    path.write_text(json.dumps(report))
    return path


@pytest.mark.parametrize("name", ["failed", "incident", "one of many"])
def test_no_object_takes_an_unknown_member(tmp_path: Path, name: str):
    for number in range(len(every_object(document(name)))):
        report = document(name)
        every_object(report)[number]["surprise"] = 1
        assert not JUDGE.is_valid(report)
        with pytest.raises(UsageError):
            load_report(write(tmp_path, report))


BAD: dict[str, Callable[[dict[str, Any]], Any]] = {
    "seconds": lambda report: report.update(seconds=-1),
    "exit_code": lambda report: report.update(exit_code=2),
    "kit": lambda report: report["kit"].pop("vectors"),
    "adapter.command": lambda report: report["adapter"].update(command=[]),
    "adapter.capabilities": lambda report: report["adapter"].update(capabilities=["log", "log"]),
    "counts.passed": lambda report: report["counts"].update(passed=0),
    "counts": lambda report: report["counts"].update(levitated=1),
    "profiles[0].standing": lambda report: report["profiles"][0].update(standing="fine"),
    "cases[1].outcome": lambda report: report["cases"][1].update(outcome="acceptable"),
    "cases[1].clauses": lambda report: report["cases"][1].update(clauses=[]),
    "cases[1].clauses[0]": lambda report: report["cases"][1].update(clauses=["REC-01"]),
    "cases[1]": lambda report: report["cases"][1].pop("message"),
    "cases[0]": lambda report: report["cases"][0].update(step=1),
    "cases[1].mismatch.byte": lambda report: report["cases"][1]["mismatch"].update(byte=-1),
}


@pytest.mark.parametrize("where", BAD)
def test_report_that_breaks_the_schema_is_refused_with_file_and_place(tmp_path: Path, where: str):
    report = document()
    BAD[where](report)
    assert not JUDGE.is_valid(report)
    path = write(tmp_path, report)
    with pytest.raises(UsageError) as caught:
        load_report(path)
    assert str(caught.value).startswith(f"{path}: at {where}: ")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not a JSON document"),
        ("[" * 100_000, "not a JSON document"),
        ("NaN", "NaN is not JSON"),
        ("[]", "expected a report of layout 1, made with --report json:PATH; found None"),
        ('{"report": 2}', "found 2"),
        ('{"report": true}', "found True"),
        ('{"report": "\\u001b[31m"}', "found '\\x1b[31m'"),
        ('{"report": 1}', "at top: must contain"),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, text: str, problem: str):
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_report(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert problem in str(caught.value)


def test_file_that_is_not_there_or_not_utf8_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="No such file"):
        load_report(tmp_path / "nothing.json")
    path = tmp_path / "binary.json"
    path.write_bytes(b"\xff")
    with pytest.raises(UsageError, match="not a JSON document"):
        load_report(path)


def test_case_that_stands_twice_is_refused(tmp_path: Path):
    report = document()
    report["cases"].append(report["cases"][0])
    with pytest.raises(UsageError, match=r"at cases\[2\].id: wire.hand@n=1 stands in the report twice"):
        load_report(write(tmp_path, report))


def test_report_is_read_back(tmp_path: Path):
    path = tmp_path / "report.json"
    path.write_text(json_report(RECORDS["failed"]))
    report = load_report(path)
    assert (report.path, report.implementation, report.version, report.language) == (path, "mylog", "1.4.2", "zig")
    assert report.capabilities == {"log", "kv", "reader", "typed-errors"}
    assert report.command == ("./adapter", "--log dir")
    assert (report.kit_version, report.vectors_digest) == ("0.1.0", "0123456789abcdef")
    assert report.exit_code is ExitCode.NOT_CONFORMANT
    assert report.complete
    assert list(report.cases) == ["wire.hand@n=1", "recovery.hand@n=2"]
    failed = report.cases["recovery.hand@n=2"]
    assert (failed.profile, failed.clauses, failed.outcome) == ("recovery", ("REC-1",), Outcome.FAILED)
    assert failed.message.startswith("step 2 scan: 00000001.dwal: expected ")
    assert report.cases["wire.hand@n=1"].message == ""


def test_view_cannot_be_changed(tmp_path: Path):
    path = tmp_path / "report.json"
    path.write_text(json_report(RECORDS["passed"]))
    report = load_report(path)
    with pytest.raises(FrozenInstanceError):
        report.version = "2"  # type: ignore[misc]
    with pytest.raises(TypeError):
        report.cases["x"] = report.cases["wire.hand@n=1"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("filtered", "a filter left cases out"),
        ("interrupted", "the run was interrupted"),
        ("gave up", "the run gave up"),
        ("ended early", "the run ended early"),
    ],
)
def test_run_that_left_cases_out_is_not_complete_and_says_why(tmp_path: Path, name: str, why: str):
    path = tmp_path / "report.json"
    path.write_text(json_report(RECORDS[name]))
    report = load_report(path)
    assert not report.complete
    assert report.shortfall == why


LATER = ("chosen", "available", "untested_clauses", "likely_causes")


def test_report_of_an_earlier_kit_can_be_read(tmp_path: Path):
    report = document()
    for member in LATER:
        del report[member]
    loaded = load_report(write(tmp_path, report))
    assert loaded.complete
    assert loaded.standings == {"wire": Standing.CONFORMANT, "recovery": Standing.NOT_CONFORMANT}


def test_interrupted_report_of_an_earlier_kit_earns_no_profile(tmp_path: Path):
    report = document("interrupted")
    for member in LATER:
        del report[member]
    report["profiles"][0]["standing"] = "conformant"
    assert load_report(write(tmp_path, report)).standings == {"wire": Standing.INCOMPLETE}


def test_numbers_of_the_vectors_are_kept_by_profile():
    assert document("one of many")["available"] == [
        {"profile": "recovery", "cases": 3},
        {"profile": "wire", "cases": 781},
    ]


def test_failure_holds_its_first_differing_byte():
    report = json.loads(json_report(make_record(make_failure(1, mismatch=bytes_differ(), step=3, step_title="scan"))))
    [case] = report["cases"]
    assert (case["step"], case["step_title"]) == (3, "scan")
    assert case["mismatch"] == {
        "where": "00000001.dwal",
        "expected": "c8871e25 at byte 63 (67 bytes in all)",
        "found": "00000000 at byte 63 (67 bytes in all)",
        "byte": 63,
        "field": "crc of frame 1",
    }
