"""A second opinion: the table of judgement, walked over the given segments, agrees with what the cases state.

The builders state outcomes from what they did to the bytes. This walk decodes the bytes instead, so the two can
only agree where both are right.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from datawal_conformance.expectation import match_result
from datawal_conformance.families import FAMILIES, Family
from datawal_conformance.values import to_bytes
from datawal_spec import (
    HEADER_LEN,
    RecordType,
    frame_len,
    judge,
    parse_header,
    segment_id,
)

ALL = frozenset({"typed-errors", "error-positions"})
READ_ONLY = {"open_log", "open_reader", "scan", "scan_iter", "report", "close", "segments", "active_segment"}


@dataclass
class Walk:
    records: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None
    discarded: int = 0


def walk(segments: dict[int, bytes]) -> Walk:
    found = Walk()
    last = max(segments, default=0)
    for number, data in sorted(segments.items()):
        offset = 0
        while offset < len(data):
            rule = judge(data, offset)
            if rule is not None and rule.tail_damage and number == last:
                found.discarded = len(data) - offset
                break
            if rule is not None:
                place = {"segment": number, "offset": offset}
                found.error = {"kind": str(rule.kind), "message": rule.field, "records": found.records, **place}
                return found
            header = parse_header(data, offset)
            start, length = offset + HEADER_LEN, frame_len(header.key_len, header.payload_len)
            found.records.append(
                {
                    "type": RecordType(header.record_type).word,
                    "txid": header.txid,
                    "key": data[start : start + header.key_len].hex(),
                    "payload": data[start + header.key_len : offset + length - 4].hex(),
                    "segment": number,
                    "offset": offset,
                    "len": length,
                }
            )
            offset += length
    return found


def answers(case: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each step with the answer that the walk gives."""
    segments = {
        number: to_bytes(content)
        for path, content in case["given"].items()
        if path.startswith("log/")
        and "/" not in path.removeprefix("log/")
        and (number := segment_id(path.removeprefix("log/"))) is not None
        and not (isinstance(content, dict) and "fill" not in content)
    }
    found = walk(segments)
    report = {
        "files_scanned": len(segments),
        "records_replayed": len(found.records),
        "tail_truncated": int(found.discarded > 0),
        "tail_bytes_discarded": found.discarded,
        "mid_stream_errors": 0,
        "unsupported_versions": 0,
        "last_txid_seen": max((record["txid"] for record in found.records), default=0),
    }
    ids = sorted(segments)
    for step in case["steps"]:
        reader = step["op"] in {"open_reader", "segments"}
        ok: dict[str, Any] = {"report": report, "records": found.records}
        ok |= {"segments": ids} if reader else {"active_segment": max(ids, default=1)}
        failed = found.error is not None and step["op"] not in {"open_reader", "segments", "close"}
        yield step, {"error": found.error} if failed else {"ok": ok}


def is_read_only(case: dict[str, Any]) -> bool:
    return (
        bool(case["given"])
        and "unprivileged" not in case["requires"]
        and all(step.get("op") in READ_ONLY and "process" not in step for step in case["steps"])
        and not any("one_of" in step.get("expect", {}) for step in case["steps"])
        and all("log/" in path or not path.endswith(".dwal") for path in case["given"])
        and any(segment_id(Path(path).name) is not None for path in case["given"])
    )


JUDGED = [
    family
    for family in FAMILIES
    if family.name.startswith(("wire.", "segments.", "recovery.", "reader.")) and family.name != "wire.large"
]
"""Families whose damage is all in what is given. Payloads of 64 MiB are left to the runs."""


@pytest.mark.parametrize("family", JUDGED, ids=lambda family: family.name)
def test_the_table_of_judgement_agrees(family: Family):
    for case in json.loads(family.text())["cases"]:
        if not is_read_only(case):
            continue
        for step, answer in answers(case):
            mismatch = match_result(step.get("expect"), answer, ALL)
            assert mismatch is None, f"{case['id']}: {step['op']}: {mismatch.text}"


def test_most_cases_are_judged():
    cases = [case for family in JUDGED for case in json.loads(family.text())["cases"]]
    assert sum(map(is_read_only, cases)) > 5000
