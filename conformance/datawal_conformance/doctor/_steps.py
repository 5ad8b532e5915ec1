"""Steps of the doctor's requests, what is laid out for them, and what a right implementation answers.

A step carries its expectation under `expect`, as in the vectors; it is not sent.
"""

from typing import Any, Final, TypeAlias

from datawal_spec import FIRST_SEGMENT_ID, RecordType, build_frame, segment_name

Json: TypeAlias = dict[str, Any]

UNKNOWN: Final[Json] = {"op": "no-such-operation", "on": "main"}
"""A step no adapter knows; it reaches no implementation."""

ALPHA_FRAME: Final = build_frame(RecordType.RAW, 1, b"", b"alpha")
PUT_FRAME: Final = build_frame(RecordType.PUT, 1, b"k", b"\xff")
KEYS: Final = [f"{byte:02x}" for byte in range(0xA0, 0xA8)]
SEGMENT: Final = f"log/{segment_name(FIRST_SEGMENT_ID)}"


def ok_step(op: str, ok: Json | None = None, **members: Any) -> Json:
    """A step that must succeed with these members."""
    return {"op": op, **members, "expect": {"ok": ok or {}}}


def report_of(records: int = 0, last_txid: int = 0) -> Json:
    """The recovery report of one sound segment with so many records."""
    zeros = dict.fromkeys(("tail_truncated", "tail_bytes_discarded", "mid_stream_errors", "unsupported_versions"), 0)
    return {"files_scanned": 1, "records_replayed": records, **zeros, "last_txid_seen": last_txid}


def record_of(word: str, txid: int, key: str, payload: str, offset: int, size: int) -> Json:
    """A record of the first segment; key and payload in hex, offset and size in bytes."""
    place = {"segment": FIRST_SEGMENT_ID, "offset": offset, "len": size}
    return {"type": word, "txid": txid, "key": key, "payload": payload, **place}


REF: Final[Json] = {"segment": FIRST_SEGMENT_ID, "offset": 0}
NEW: Final[Json] = {"report": report_of()}
FOUND: Final[Json] = {"report": report_of(1, 1)}
LOG: Final = ok_step("open_log", {**NEW, "active_segment": FIRST_SEGMENT_ID}, path="log")
KV: Final = ok_step("open_kv", {**NEW, "len": 0}, path="log")
READER: Final = ok_step("open_reader", {"segments": [FIRST_SEGMENT_ID]}, path="log")
APPEND: Final = ok_step(
    "append",
    {**REF, "len": len(ALPHA_FRAME)},
    payload=[{"fill": "616c", "len": 2}, "706861"],
    **{"a-member-of-tomorrow": 1},
)
PUT: Final = ok_step("put", key="6b", value="ff")
PUTS: Final = tuple(ok_step("put", key=key, value="ff") for key in reversed(KEYS))
RECORD: Final = record_of("raw", 1, "", b"alpha".hex(), 0, len(ALPHA_FRAME))
GIVEN: Final[Json] = {SEGMENT: ALPHA_FRAME.hex()}
"""A sound log of one frame, as files and their bytes in hex."""
