"""Annotated dumps: every byte of a segment with the field it belongs to, up to the first break and behind it.

Works on any bytes. What comes before a break is named by the grammar; the rest is shown as bytes that no
field claims.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from construct import ConstructError, StreamError

from datawal_spec.grammar import FRAME
from datawal_spec.judgement import Rule, judge
from datawal_spec.layout import HEADER_LEN, frame_len, parse_header
from datawal_spec.limits import MAX_KEY_LEN, MAX_PAYLOAD_LEN
from datawal_spec.record_type import RecordType

UNCLAIMED = "unclaimed"
"""Field name given to bytes that no field of the grammar covers."""

FIELD_CLAUSES: Final = {
    "magic": "WIRE-2",
    "version": "WIRE-3",
    "record_type": "WIRE-4",
    "flags": "WIRE-5",
    "txid": "WIRE-7",
    "key_len": "WIRE-8",
    "payload_len": "WIRE-9",
    "key": "WIRE-14",
    "payload": "WIRE-14",
    "crc": "WIRE-11",
    UNCLAIMED: "REC-4",
}
"""The clause that says what a field holds."""

_BYTES_SHOWN = 16


@dataclass(frozen=True, slots=True)
class AnnotatedField:
    """One field of one frame in a segment.

    `frame` counts frames from 0, `offset` is in bytes from the start of the segment, `data` holds the
    field's bytes (fewer than the field has when the segment ends inside it), `meaning` is for people.
    `broken` is the rule that this field breaks, if it is the one that decides (clause WIRE-15).
    """

    frame: int
    offset: int
    name: str
    data: bytes
    meaning: str
    broken: Rule | None = None

    @property
    def end(self) -> int:
        """Offset of the first byte behind the field."""
        return self.offset + len(self.data)


def annotate(segment: bytes) -> Iterator[AnnotatedField]:
    """Name every byte of a segment, in order, lazily.

    The frames before the first fault are split into their fields; so is the faulty one, as far as its bytes
    reach; everything behind it is one unclaimed run.
    """
    offset = 0
    frame = 0
    while offset < len(segment):
        fault = judge(segment, offset)
        fields = list(_fields(segment, offset, frame, fault))
        yield from fields
        end = fields[-1].end if fields else offset
        if fault is not None:
            if end < len(segment):
                rest = segment[end:]
                meaning = f"{len(rest)} bytes behind the fault"
                yield AnnotatedField(frame, end, UNCLAIMED, rest, meaning)
            return
        offset = end
        frame += 1


def _fields(segment: bytes, start: int, frame: int, fault: Rule | None) -> Iterator[AnnotatedField]:
    limit = min(len(segment), start + _readable_len(segment, start))
    stream = io.BytesIO(segment[start:limit])
    seen: dict[str, object] = {}
    for subcon in FRAME.subcons:
        at = stream.tell()
        name = str(subcon.name)
        try:
            seen[name] = subcon.parse_stream(stream, **seen)
        except (ConstructError, StreamError):
            rest = segment[start + at : limit]
            if not rest and fault is not None and not fault.tail_damage:
                return
            broken = fault if fault is not None and fault.tail_damage else None
            yield AnnotatedField(frame, start + at, name, rest, "cut short here", broken)
            return
        data = segment[start + at : start + stream.tell()]
        broken = fault if fault is not None and fault.field == name else None
        meaning = _meaning(name, seen[name])
        if broken is not None:
            meaning += f"; {broken.kind}: expected {broken.expected}"
        yield AnnotatedField(frame, start + at, name, data, meaning, broken)


def _readable_len(segment: bytes, start: int) -> int:
    """Bytes of the frame at `start` to split into fields: only the header when a length is hostile."""
    if len(segment) - start < HEADER_LEN:
        return HEADER_LEN
    header = parse_header(segment, start)
    if header.key_len > MAX_KEY_LEN or header.payload_len > MAX_PAYLOAD_LEN:
        return HEADER_LEN
    return frame_len(header.key_len, header.payload_len)


def _meaning(name: str, value: object) -> str:
    if name == "magic":
        return repr(value)[1:]
    if isinstance(value, bytes):
        return f"{len(value)} bytes" if value else "empty"
    if name == "record_type" and isinstance(value, int) and value in set(RecordType):
        return f"{value} ({RecordType(value).word})"
    if name == "crc":
        return f"{value:#010x}"
    return str(value)


def format_dump(segment: bytes) -> str:
    """The annotated dump of a segment as text: offset, bytes, field, clause and meaning, a field a line."""
    lines = [f"{'offset':>10}  {'bytes':<{_BYTES_SHOWN * 2 + 3}}  {'field':<12}  {'clause':<8}  meaning"]
    last_frame = -1
    for field in annotate(segment):
        if field.frame != last_frame:
            lines.append(f"--- frame {field.frame} at offset {field.offset}")
            last_frame = field.frame
        shown = field.data[:_BYTES_SHOWN].hex() + ("..." if len(field.data) > _BYTES_SHOWN else "")
        mark = "  <-- " + field.broken.clause if field.broken else ""
        lines.append(
            f"{field.offset:>10}  {shown:<{_BYTES_SHOWN * 2 + 3}}  {field.name:<12}  "
            f"{FIELD_CLAUSES[field.name]:<8}  {field.meaning}{mark}"
        )
    if len(lines) == 1:
        lines.append("(empty segment)")
    return "\n".join(lines) + "\n"
