"""The TAP report: version 14, safe for any text, and red exactly when the exit code is."""

import json
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from datawal_conformance.exitcodes import ExitCode, exit_code
from datawal_conformance.report import tap_report
from datawal_conformance.verdict import Outcome, RunRecord

from .test_report_records import (
    RECORDS,
    bytes_differ,
    for_any_text,
    hostile_record,
    make_failure,
    make_record,
    make_result,
    per_record,
)

POINT = re.compile(r"(not )?ok (\d+) - ((?:[^#\\]|\\.)*?)(?: # (SKIP|TODO)(?: (.*))?)?")


@dataclass
class Point:
    ok: bool
    number: int
    name: str
    directive: str | None
    reason: str | None
    details: dict[str, Any] = field(default_factory=dict)


def parse(text: str) -> tuple[list[Point], str | None]:
    """Points and the reason of a bail out; every line must be one that TAP 14 knows."""
    version, plan, *lines = text.removesuffix("\n").split("\n")
    assert version == "TAP version 14"
    points: list[Point] = []
    inside = False
    for number, line in enumerate(lines):
        if inside:
            inside = line != "  ..."
            if inside:
                name, _colon, value = line.removeprefix("  ").partition(": ")
                points[-1].details[name] = json.loads(value)
        elif line == "  ---":
            inside = True
        elif line.startswith("Bail out! "):
            assert number == len(lines) - 1
            assert plan == f"1..{len(points)}"
            return points, line.removeprefix("Bail out! ")
        elif not line.startswith("# "):
            match = POINT.fullmatch(line)
            assert match, line
            name = re.sub(r"\\(.)", r"\1", match[3])
            points.append(Point(not match[1], int(match[2]), name, match[4], match[5]))
    assert not inside
    assert plan == f"1..{len(points)}"
    assert [point.number for point in points] == list(range(1, len(points) + 1))
    return points, None


@per_record
def test_report_is_red_exactly_when_the_exit_code_is_not_0(record: RunRecord):
    points, bailed = parse(tap_report(record))
    red = bailed is not None or any(not point.ok and point.directive != "TODO" for point in points)
    assert red is bool(exit_code(record))


@per_record
def test_bails_out_exactly_when_the_run_did_not_come_to_its_end(record: RunRecord):
    _points, bailed = parse(tap_report(record))
    assert (bailed is not None) is bool(record.gave_up or record.interrupted)


def test_unsupported_is_skipped_with_what_is_missing():
    points, _bailed = parse(tap_report(RECORDS["unsupported"]))
    assert (points[0].ok, points[0].directive, points[0].reason) == (True, "SKIP", "needs kv")


def test_known_deviation_is_a_todo_with_its_reason_and_details():
    points, _bailed = parse(tap_report(RECORDS["known deviation"]))
    assert (points[1].ok, points[1].directive, points[1].reason) == (False, "TODO", "by intent")
    assert points[1].details["found"] == "2"


def test_failure_has_its_details():
    record = make_record(make_failure(1, mismatch=bytes_differ(), step=2, step_title="scan", stderr="a\nb\n"))
    [point], _bailed = parse(tap_report(record))
    assert not point.ok
    assert point.name == "recovery.hand@n=1"
    assert point.details["clauses"] == ["REC-1"]
    assert point.details["first_differing_byte"] == 63
    assert point.details["field"] == "crc of frame 1"
    assert point.details["stderr"] == "a\nb"
    assert point.details["repeat"].endswith("-- ./adapter '--log dir'")


@for_any_text
def test_any_text_leaves_every_line_what_it_is(text: str):
    points, bailed = parse(tap_report(hostile_record(text)))
    assert bailed is None or "\n" not in bailed
    directives = [point.directive for point in points]
    assert directives[:6] == [None, None, None, "TODO", "SKIP", "TODO"]
    assert set(directives[6:]) == {None}


def test_text_that_looks_like_a_directive_is_none():
    points, _bailed = parse(tap_report(make_record(make_result("recovery.x # SKIP all \\", Outcome.CRASHED))))
    assert points[0].directive is None
    assert points[0].name == "recovery.x # SKIP all \\"


@pytest.mark.toolchain("prove")
@pytest.mark.parametrize("name", RECORDS)
def test_perls_harness_agrees(tmp_path: Path, name: str):
    """The harness most TAP is read by. It knows version 13, of which 14 is an extension that such readers can read."""
    path = tmp_path / "report.tap"
    path.write_text(tap_report(RECORDS[name]).replace("TAP version 14", "TAP version 13", 1))
    result = subprocess.run(["prove", "--exec", "cat", str(path)], capture_output=True, text=True, check=False)
    assert "Parse errors" not in result.stdout
    assert (result.returncode == 0) is (exit_code(RECORDS[name]) is ExitCode.CONFORMANT), result.stdout
