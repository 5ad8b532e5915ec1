"""Checks of what shows only across several answers, or only with extreme values.

The docstring of a check says what its finding is about, and becomes part of it.
"""

import binascii
import json
import re
from collections.abc import Iterator
from typing import Final

from datawal_conformance.diagnosis import recognise
from datawal_conformance.doctor._blame import MISSING, blame, value_at
from datawal_conformance.doctor._finding import ADAPTER, EITHER, IMPLEMENTATION, Finding
from datawal_conformance.doctor._probes import LOOKS
from datawal_conformance.doctor._session import Session
from datawal_conformance.doctor._steps import (
    ALPHA_FRAME,
    APPEND,
    GIVEN,
    PUT,
    PUT_FRAME,
    SEGMENT,
    Json,
    ok_step,
    record_of,
    report_of,
)
from datawal_conformance.mismatch import files_differ
from datawal_conformance.sandbox import Entry
from datawal_conformance.values import digest, is_digest
from datawal_spec import RecordType, build_frame

_BIG_TXID: Final = 2**63 + 1
_LONG: Final = 70_000


def kept_handles(session: Session, handle: str, what: str) -> Iterator[Finding]:
    """Keeps handles while a request says more, and closes them after the last."""
    opening, look = {"op": f"open_{handle}", "path": "log"}, {"op": LOOKS[handle]}
    directory = session.fresh_dir(GIVEN)
    alone = session.ask([opening, look, {"op": "close"}], directory)
    begun = session.ask([opening], directory, case_id="doctor.more", more=True)
    if any("ok" not in result for result in alone):
        yield Finding(what, skipped=f"open_{handle}, {LOOKS[handle]} or close is marked")
        return
    if "ok" not in begun[0]:
        yield Finding("opens again what was closed", f"found {json.dumps(begun[0])[:200]}", EITHER)
        return
    session.ask([look], case_id="doctor.other")
    [kept] = session.ask([look], directory, case_id="doctor.more")
    problem = "" if "ok" in kept else f"the handle was gone: {json.dumps(kept)[:200]}"
    [again] = session.ask([opening], directory, case_id="doctor.again")
    if "ok" not in again:
        problem = problem or f"the handle was still open afterwards: {json.dumps(again)[:200]}"
    yield Finding(what, problem)


def big_numbers(session: Session, handle: str, what: str) -> Iterator[Finding]:
    """Carries numbers above 2^53 exactly."""
    given = {SEGMENT: build_frame(RecordType.RAW, _BIG_TXID, b"", b"x").hex()}
    record = record_of("raw", _BIG_TXID, "", b"x".hex(), 0, len(given[SEGMENT]) // 2)
    opening = ok_step(f"open_{handle}", {} if handle == "reader" else {"report": report_of(1, _BIG_TXID)}, path="log")
    steps = [opening, ok_step("scan_iter", {"records": [record]})]
    results = session.ask(steps, session.fresh_dir(given))
    for step, result in zip(steps, results, strict=True):
        if (wrong := blame(step["expect"], result)) is not None:
            if re.match(r"\S*txid\S*: ", wrong.problem):
                yield Finding(what, *wrong)
            elif wrong.whose == ADAPTER:
                yield Finding(what, skipped=wrong.problem)
            else:
                yield Finding(what, f"the frame laid out for this was not read: {wrong.problem}", IMPLEMENTATION)
            return
    yield Finding(what)


def long_values(session: Session, handle: str, what: str) -> Iterator[Finding]:
    """Answers a value above 65,536 bytes as length and CRC-32C."""
    data, recipe = b"a" * _LONG, {"fill": "61", "len": _LONG}
    opening: Json = {"op": f"open_{handle}", "path": "log"}
    given = {SEGMENT: build_frame(RecordType.RAW, 1, b"", data).hex()} if handle == "reader" else {}
    put = {"kv": {"op": "put", "key": "6b", "value": recipe}, "log": {"op": "append", "payload": recipe}}.get(handle)
    steps: list[Json] = [opening, *([put] if put else []), {"op": "scan_iter"}]
    if session.broken & {(handle, step["op"]) for step in steps}:
        yield Finding(what, skipped="an operation it takes is marked")
        return
    found = value_at(session.ask(steps, session.fresh_dir(given))[-1], "ok.records[0].payload")
    if found is MISSING:
        yield Finding(what, skipped="no record of that length came back")
        return
    expected = digest(data)
    if found == expected:
        yield Finding(what)
        return
    whose, advice = ADAPTER, "Above that length, such an object stands in place of the hex digits."
    if is_digest(found) and found["len"] != _LONG:
        whose, advice = IMPLEMENTATION, ""
    elif is_digest(found) and re.fullmatch(r"[0-9a-f]{8}", str(found["crc32c"])):
        whose = EITHER
        is_ieee = found["crc32c"] == f"{binascii.crc32(data):08x}"
        advice = "That is CRC-32 (IEEE); CRC-32C is another checksum." if is_ieee else ""
    yield Finding(what, f"expected {json.dumps(expected)}, found {json.dumps(found)[:100]}", whose, advice)


def written_bytes(session: Session, handle: str, what: str) -> Iterator[Finding]:
    """Writes the bytes of the format."""
    write, frame = {"log": (APPEND, ALPHA_FRAME), "kv": (PUT, PUT_FRAME)}.get(handle, (None, b""))
    if write is None or (handle, write["op"]) in session.broken:
        yield Finding(what, skipped=f"{write['op']} is marked" if write else "needs the capability log or kv")
        return
    directory = session.fresh_dir()
    results = session.ask([{"op": f"open_{handle}", "path": "log"}, write, {"op": "close"}], directory)
    if any("ok" not in result for result in results):
        yield Finding(what, skipped=f"open_{handle}, {write['op']} or close is marked")
        return
    path = directory / SEGMENT
    if not path.is_file():
        advice = "Paths are relative to the request's dir; names of segments are those of the format."
        yield Finding(what, f"there is no file {SEGMENT} in the request's dir", EITHER, advice)
        return
    want, have = Entry("file", frame), Entry("file", path.read_bytes())
    if want == have:
        yield Finding(what)
        return
    mismatch = files_differ(SEGMENT.encode(), want, have)
    mistake = recognise(mismatch)
    yield Finding(what, mismatch.text, IMPLEMENTATION, f"It {mistake.does}." if mistake else "")
