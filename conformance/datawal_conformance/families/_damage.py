"""What a cut or a flipped bit does to a frame, worked out from the position alone.

Strategy: which field a byte belongs to is known from the frame's layout, and what a changed field means follows
from the order of judgement in words: magic, version, flags are wrong at any other value; a type is wrong above
2; a length is wrong above its limit, and below it announces more bytes than are left (truncated) or puts the
checksum elsewhere (mismatch). Nothing is decoded.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from datawal_conformance.families._build import Frame, Log, Segment, joined
from datawal_spec import (
    HEADER_LEN,
    MAX_KEY_LEN,
    MAX_PAYLOAD_LEN,
    MIN_FRAME_LEN,
    WIRE_VERSION,
    ErrorKind,
    RecordType,
    field_at,
)

CLAUSE_OF: Final = {
    ErrorKind.BAD_MAGIC: "WIRE-17",
    ErrorKind.UNKNOWN_VERSION: "WIRE-18",
    ErrorKind.UNKNOWN_RECORD_TYPE: "WIRE-19",
    ErrorKind.RESERVED_FLAGS: "WIRE-20",
    ErrorKind.KEY_TOO_LARGE: "WIRE-21",
    ErrorKind.PAYLOAD_TOO_LARGE: "WIRE-22",
    ErrorKind.TRUNCATED: "WIRE-23",
    ErrorKind.CRC_MISMATCH: "WIRE-24",
}
"""The clause that names a fault; a header cut short is WIRE-16 instead of WIRE-23."""

_TAIL_DAMAGE: Final = frozenset({ErrorKind.TRUNCATED, ErrorKind.CRC_MISMATCH})

FIELD_WORDS: Final = {"record_type": "record type", "key_len": "key length", "payload_len": "payload length"}
"""Fields whose words for people differ from their names."""


@dataclass(frozen=True)
class Point:
    """One damage: where (`at`, `field`), the good frames before it, the bytes from it on, and what it amounts to."""

    at: int
    title: str
    before: tuple[Frame, ...]
    tail: bytes
    kind: ErrorKind
    clause: str
    field: str

    @property
    def structural(self) -> bool:
        """Whether the fault is one that no open forgives."""
        return self.kind not in _TAIL_DAMAGE


def cut(frames: Sequence[Frame]) -> Iterator[Point]:
    """Every length shorter than all frames together; a cut at the edge of a frame leaves no tail."""
    data = joined(frames)
    start = 0
    for number, frame in enumerate(frames):
        for kept in range(len(frame)):
            in_header = kept < HEADER_LEN
            field = field_at(kept, len(frame.key), len(frame.payload)).name
            where = "header" if in_header else field
            if kept == 0:
                title = f"cut to {start} bytes, right in front of record {number + 1}"
            else:
                title = f"cut to {start + kept} bytes, record {number + 1} ends in its {where}"
            tail = data[start : start + kept]
            clause = "WIRE-16" if in_header else "WIRE-23"
            yield Point(start + kept, title, tuple(frames[:number]), tail, ErrorKind.TRUNCATED, clause, field)
        start += len(frame)


def cut_logs(logs: Mapping[str, Log]) -> Iterator[tuple[str, Point, Log]]:
    """Every cut of the last segments of named logs: the name, the cut, and the log after it.

    Logs that begin alike are alike when cut early: what was made before, under another name, is not made again.
    """
    seen: set[Log] = set()
    for name, log in logs.items():
        for point in cut(log.last.frames):
            shorter = Log((*log.segments[:-1], Segment(log.last.id, point.before, point.tail)))
            if shorter not in seen:
                seen.add(shorter)
                yield name, point, shorter


def flip(frames: Sequence[Frame], index: int) -> Iterator[Point]:
    """Every bit of one of the frames turned over, with the frames behind it in place."""
    frame = frames[index]
    behind = joined(frames[index + 1 :])
    for bit in range(len(frame) * 8):
        kind, what = flipped_kind(frame, bit, len(behind))
        title = f"bit {bit} of record {index + 1} turned over: {what}"
        field = field_at(bit // 8, len(frame.key), len(frame.payload)).name
        tail = frame.flipped(bit) + behind
        yield Point(bit, title, tuple(frames[:index]), tail, kind, CLAUSE_OF[kind], field)


def flipped_kind(frame: Frame, bit: int, behind: int) -> tuple[ErrorKind, str]:
    """What one flipped bit makes of a frame with `behind` bytes after it, and why, for people."""
    span = field_at(bit // 8, len(frame.key), len(frame.payload))
    word = FIELD_WORDS.get(span.name, span.name)
    changed = 1 << (bit - span.start * 8)
    left = len(frame) + behind
    kind = ErrorKind.CRC_MISMATCH
    what = f"the {word} is not what the checksum was made over"
    match span.name:
        case "magic":
            kind, what = ErrorKind.BAD_MAGIC, "the magic is wrong"
        case "version":
            kind, what = ErrorKind.UNKNOWN_VERSION, f"the version becomes {WIRE_VERSION ^ changed}"
        case "flags":
            kind, what = ErrorKind.RESERVED_FLAGS, f"the flags become {changed}"
        case "record_type":
            becomes = frame.type ^ changed
            kind = ErrorKind.CRC_MISMATCH if becomes <= max(RecordType) else ErrorKind.UNKNOWN_RECORD_TYPE
            what = f"the {word} becomes {becomes}"
        case "key_len":
            becomes = len(frame.key) ^ changed
            kind = _length_kind(ErrorKind.KEY_TOO_LARGE, becomes, MAX_KEY_LEN, len(frame.payload), left)
            what = f"the {word} becomes {becomes}"
        case "payload_len":
            becomes = len(frame.payload) ^ changed
            kind = _length_kind(ErrorKind.PAYLOAD_TOO_LARGE, becomes, MAX_PAYLOAD_LEN, len(frame.key), left)
            what = f"the {word} becomes {becomes}"
    return kind, what


def _length_kind(over: ErrorKind, becomes: int, limit: int, other: int, left: int) -> ErrorKind:
    """What a changed length amounts to, `left` bytes being there from the start of the frame."""
    if becomes > limit:
        return over
    return ErrorKind.TRUNCATED if MIN_FRAME_LEN + becomes + other > left else ErrorKind.CRC_MISMATCH
