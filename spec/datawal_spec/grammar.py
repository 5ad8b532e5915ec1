"""The frame, declared once.

Strategy: this `construct` grammar is the only list of field names, sizes and order in the project.
It says where bytes lie, never whether they are right: judging is `judgement.py`'s, because `construct`
would judge too early, in its own order, and would read a hostile length before anyone could refuse it.
Everything else (the flat header codec, field spans, annotated dumps, diagrams) is derived in `layout.py`.
"""

from typing import Any, Final

from construct import Bytes, Int8ul, Int16ul, Int32ul, Int64ul, Struct, this

from datawal_spec.limits import MAGIC

HEADER: Final[Any] = Struct(
    "magic" / Bytes(len(MAGIC)),
    "version" / Int16ul,
    "record_type" / Int8ul,
    "flags" / Int8ul,
    "txid" / Int64ul,
    "key_len" / Int32ul,
    "payload_len" / Int32ul,
)
"""The fixed-size start of a frame (clause WIRE-1)."""

FRAME: Final[Any] = Struct(
    *HEADER.subcons,
    "key" / Bytes(this.key_len),
    "payload" / Bytes(this.payload_len),
    "crc" / Int32ul,
)
"""A whole frame: header, key, payload, checksum (clause WIRE-1)."""
