"""The table of what is asked for: every operation of every capability, each in a request of its own."""

from dataclasses import dataclass, field
from typing import Final

from datawal_conformance.doctor._steps import (
    APPEND,
    FOUND,
    GIVEN,
    KEYS,
    KV,
    LOG,
    NEW,
    PUT,
    PUT_FRAME,
    PUTS,
    READER,
    RECORD,
    REF,
    SEGMENT,
    Json,
    ok_step,
)
from datawal_spec import FIRST_SEGMENT_ID

LOOKS: Final = {"log": "active_segment", "kv": "len", "reader": "segments"}
"""Capabilities that have handles, each with an operation that only looks."""

OWN_CAPABILITY: Final = {"compact_to": "compact", "export_jsonl": "export", "poison": "poison", "spawn": "spawn"}
"""Operations with a capability of their own; all others belong to that of their handle."""


@dataclass(frozen=True, slots=True)
class Probe:
    """One request. Its last step is what is looked at, the others lead there; each says what it expects."""

    steps: tuple[Json, ...]
    given: Json = field(default_factory=dict)

    @property
    def op(self) -> str:
        """The operation that is looked at."""
        return str(self.steps[-1]["op"])

    @property
    def handle(self) -> str:
        """The capability of the handle it works on: log, reader or kv."""
        return str(self.steps[0]["op"]).removeprefix("open_")

    @property
    def capability(self) -> str:
        """The capability that promises the operation."""
        return OWN_CAPABILITY.get(self.op, self.handle)


_SHARED: Final = (
    ok_step("fsync"),
    ok_step("report", NEW),
    ok_step("active_segment", {"active_segment": FIRST_SEGMENT_ID}),
    ok_step("is_poisoned", {"is_poisoned": False}),
    ok_step("close"),
)

PROBES: Final = (
    Probe((LOG,)),
    *(Probe((LOG, step)) for step in (ok_step("scan", {"records": []}), ok_step("scan_iter", {"records": [], **NEW}))),
    Probe((LOG, APPEND)),
    Probe((LOG, ok_step("append_record", {**REF, "len": len(PUT_FRAME)}, type="put", key="6b", payload="ff"))),
    Probe((LOG, APPEND, ok_step("scan", {"records": [RECORD]}))),
    Probe((LOG, APPEND, ok_step("scan_iter", {"records": [RECORD], **FOUND}))),
    Probe((LOG, APPEND, ok_step("rotate", {"active_segment": FIRST_SEGMENT_ID + 1}))),
    *(Probe((LOG, step)) for step in _SHARED),
    Probe((ok_step("open_log", {**FOUND, "active_segment": FIRST_SEGMENT_ID}, path="log"),), GIVEN),
    Probe((READER,), GIVEN),
    Probe((READER, ok_step("segments", {"segments": [FIRST_SEGMENT_ID]})), GIVEN),
    Probe((READER, ok_step("scan_iter", {"records": [], **NEW})), {SEGMENT: ""}),
    Probe((READER, ok_step("scan_iter", {"records": [RECORD], **FOUND})), GIVEN),
    Probe((READER, ok_step("close")), GIVEN),
    Probe((KV,)),
    *(Probe((KV, ok_step(op, {op: []}))) for op in ("keys", "items")),
    Probe((KV, ok_step("scan_iter", {"records": [], **NEW}))),
    Probe((KV, ok_step("get", {"value": None}, key="6b"))),
    Probe((KV, ok_step("ref_of", {"ref": None}, key="6b"))),
    Probe((KV, ok_step("contains_key", {"contains": False}, key="6b"))),
    Probe((KV, ok_step("len", {"len": 0}))),
    Probe((KV, ok_step("is_empty", {"is_empty": True}))),
    Probe((KV, PUT)),
    Probe((KV, PUT, ok_step("get", {"value": "ff"}, key="6b"))),
    Probe((KV, PUT, ok_step("ref_of", {"ref": {**REF, "len": len(PUT_FRAME)}}, key="6b"))),
    Probe((KV, PUT, ok_step("contains_key", {"contains": True}, key="6b"))),
    Probe((KV, *PUTS, ok_step("keys", {"keys": KEYS}))),
    Probe((KV, *PUTS, ok_step("items", {"items": [[key, "ff"] for key in KEYS]}))),
    Probe((KV, PUT, ok_step("delete", key="6b"))),
    *(Probe((KV, step)) for step in _SHARED),
    Probe((ok_step("open_kv", {**FOUND, "len": 0}, path="log"),), GIVEN),
    Probe((KV, PUT, ok_step("compact_to", {"live_keys": 1, "records_written": 1, "bytes_written": len(PUT_FRAME)},
                            to="out"))),
    Probe((KV, PUT, ok_step("export_jsonl", to="out.jsonl"))),
    Probe((LOG, ok_step("poison", reason="asked to"))),
    Probe((LOG, ok_step("spawn"))),
)  # fmt: skip
"""Every operation of every capability, on every kind of handle it works on, with the empty answers that go wrong."""
