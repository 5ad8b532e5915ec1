"""What follows from the grammar: the flat header codec, sizes and field spans.

`construct` parses a header in microseconds where `struct` needs a tenth of one, so the hot paths use
`HEADER_CODEC`. Its format string is read off the grammar; a test holds both together on random bytes.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from construct import Bytes, FormatField

from datawal_spec.checksum import crc32c
from datawal_spec.grammar import FRAME, HEADER
from datawal_spec.limits import MAGIC, WIRE_VERSION


class Header(NamedTuple):
    """The header fields of one frame, in wire order and unjudged.

    `magic` is 4 bytes; lengths count bytes; everything else is a plain number.
    """

    magic: bytes
    version: int
    record_type: int
    flags: int
    txid: int
    key_len: int
    payload_len: int


@dataclass(frozen=True, slots=True)
class FieldSpan:
    """Where one field lies: `start` inclusive and `end` exclusive, in bytes from the frame's start."""

    name: str
    start: int
    end: int

    @property
    def size(self) -> int:
        """Length of the field in bytes."""
        return self.end - self.start


def _flat_code(subcon: Any) -> str:
    """The `struct` code of one fixed-size field of the grammar."""
    inner = subcon.subcon
    if isinstance(inner, FormatField):
        return str(inner.fmtstr).lstrip("<>=!@")
    if isinstance(inner, Bytes) and isinstance(inner.length, int):
        return f"{inner.length}s"
    msg = f"field {subcon.name!r} of the grammar has no fixed flat form"
    raise TypeError(msg)


HEADER_FORMAT: Final = "<" + "".join(_flat_code(subcon) for subcon in HEADER.subcons)
"""`struct` format string of the header, little-endian and without padding."""

HEADER_CODEC: Final = struct.Struct(HEADER_FORMAT)
"""Packs and unpacks the header fields in grammar order."""

HEADER_LEN: Final = HEADER_CODEC.size
"""Size of the header in bytes."""

CRC_CODEC: Final = struct.Struct("<" + _flat_code(FRAME.subcons[-1]))
"""Packs and unpacks the checksum at the end of a frame."""

CRC_LEN: Final = CRC_CODEC.size
"""Size of the checksum in bytes."""

FIELD_NAMES: Final = tuple(str(subcon.name) for subcon in FRAME.subcons)
"""Names of all fields of a frame, in wire order."""

MIN_FRAME_LEN: Final = HEADER_LEN + CRC_LEN
"""Size in bytes of a frame with an empty key and an empty payload."""


def frame_len(key_len: int, payload_len: int) -> int:
    """Size in bytes of a frame whose key and payload have these sizes in bytes (clause WIRE-1)."""
    return HEADER_LEN + key_len + payload_len + CRC_LEN


def frame_spans(key_len: int, payload_len: int) -> tuple[FieldSpan, ...]:
    """Spans of all fields of a frame, in wire order; empty fields have empty spans (clause WIRE-1)."""
    return tuple(_spans(key_len, payload_len))


def _spans(key_len: int, payload_len: int) -> Iterator[FieldSpan]:
    body = {"key": key_len, "payload": payload_len}
    at = 0
    for subcon in FRAME.subcons:
        name = str(subcon.name)
        size = body[name] if name in body else int(subcon.sizeof())
        yield FieldSpan(name, at, at + size)
        at += size


def field_at(offset: int, key_len: int, payload_len: int) -> FieldSpan:
    """The field that holds the byte at `offset` (bytes from the frame's start).

    Raises IndexError when the frame has no such byte.
    """
    for span in _spans(key_len, payload_len):
        if span.start <= offset < span.end:
            return span
    msg = f"a frame of {frame_len(key_len, payload_len)} bytes has no byte {offset}"
    raise IndexError(msg)


def parse_header(data: bytes | bytearray | memoryview, offset: int = 0) -> Header:
    """Read the header at `offset` without judging it; raises struct.error when fewer bytes are left."""
    return Header(*HEADER_CODEC.unpack_from(data, offset))


def build_frame(
    record_type: int,
    txid: int,
    key: bytes,
    payload: bytes,
    *,
    magic: bytes = MAGIC,
    version: int = WIRE_VERSION,
    flags: int = 0,
    key_len: int | None = None,
    payload_len: int | None = None,
    crc: int | None = None,
) -> bytes:
    """Lay out one frame (clauses WIRE-1 to WIRE-12).

    The defaults give a valid frame. Each keyword puts one wrong value into its field, for those who build
    damaged logs; the checksum is made over what was really written unless `crc` says otherwise.
    Raises struct.error when a number does not fit its field.
    """
    body = (
        HEADER_CODEC.pack(
            magic,
            version,
            record_type,
            flags,
            txid,
            len(key) if key_len is None else key_len,
            len(payload) if payload_len is None else payload_len,
        )
        + key
        + payload
    )
    return body + CRC_CODEC.pack(crc32c(body) if crc is None else crc)
