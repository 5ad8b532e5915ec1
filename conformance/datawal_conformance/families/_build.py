"""What builders lay out: frames, segments and logs, each knowing what must be found in it.

Strategy: a log is described as good frames plus, in some segment, bytes that end it. Where records stand, what a
report says and where damage lies then follow by adding up lengths; nothing here decodes anything. `datawal_spec`
lays out the bytes; what is wrong with a tail, and what must come of it, is the builder's to say.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from datawal_spec import RecordType, build_frame, segment_name

Json: TypeAlias = dict[str, Any]
"""A JSON object as it will stand in a case."""

LOG_DIR = "log"
"""Directory of the log in most cases."""

_RUN = re.compile(rb"(.)\1{127}", re.DOTALL)
"""The first bytes of a run. Its end is found block by block: matching it all costs memory for every byte."""

_BLOCK = 1 << 16


def value(data: bytes) -> Any:
    """A value of bytes as cases write it: hex, with every run of 128 or more equal bytes as a recipe."""
    parts: list[Any] = []
    at = 0
    while (run := _RUN.search(data, at)) is not None:
        if run.start() > at:
            parts.append(data[at : run.start()].hex())
        at = run.end()
        block = run[1] * _BLOCK
        while data.startswith(block, at):
            at += _BLOCK
        rest = data[at : at + _BLOCK]
        at += len(rest) - len(rest.lstrip(run[1]))
        parts.append({"fill": run[1].hex(), "len": at - run.start()})
    if at < len(data) or not parts:
        parts.append(data[at:].hex())
    return parts[0] if len(parts) == 1 else parts


@dataclass(frozen=True)
class Frame:
    """One valid frame."""

    type: RecordType
    txid: int
    key: bytes = b""
    payload: bytes = b""

    @cached_property
    def data(self) -> bytes:
        """The frame as it lies on disk."""
        return build_frame(self.type, self.txid, self.key, self.payload)

    def __len__(self) -> int:
        return len(self.data)

    def damaged(self, *, record_type: int | None = None, **fields: Any) -> bytes:
        """The frame with wrong values in some fields and, unless `crc` is one of them, a checksum made over them."""
        kind = int(self.type) if record_type is None else record_type
        return build_frame(kind, self.txid, self.key, self.payload, **fields)

    def flipped(self, bit: int) -> bytes:
        """The frame with one bit turned over; bit 0 is the lowest of the first byte."""
        data = bytearray(self.data)
        data[bit // 8] ^= 1 << bit % 8
        return bytes(data)

    def record(self, segment: int, offset: int) -> Json:
        """The record that a scan must give for it."""
        return {
            "type": self.type.word,
            "txid": self.txid,
            "key": value(self.key),
            "payload": value(self.payload),
            **self.ref(segment, offset),
        }

    def ref(self, segment: int, offset: int) -> Json:
        """The reference to it."""
        return {"segment": segment, "offset": offset, "len": len(self)}


def raw(txid: int, payload: bytes, key: bytes = b"") -> Frame:
    """A Raw frame."""
    return Frame(RecordType.RAW, txid, key, payload)


def put(txid: int, key: bytes, payload: bytes) -> Frame:
    """A Put frame."""
    return Frame(RecordType.PUT, txid, key, payload)


def delete(txid: int, key: bytes, payload: bytes = b"") -> Frame:
    """A Delete frame."""
    return Frame(RecordType.DELETE, txid, key, payload)


def joined(frames: Iterable[Frame]) -> bytes:
    """The frames one behind the other."""
    return b"".join(frame.data for frame in frames)


@dataclass(frozen=True)
class Segment:
    """One segment: good frames, then `tail`, the damage that ends what is found of it and all that follows."""

    id: int
    frames: tuple[Frame, ...] = ()
    tail: bytes = b""

    @property
    def name(self) -> str:
        """Its file name."""
        return segment_name(self.id)

    @property
    def end(self) -> int:
        """Offset behind the last good frame, which is where the damage starts if there is any."""
        return sum(map(len, self.frames))

    @property
    def data(self) -> bytes:
        """The whole file."""
        return joined(self.frames) + self.tail

    def records(self) -> Iterator[Json]:
        """The records of its good frames."""
        offset = 0
        for frame in self.frames:
            yield frame.record(self.id, offset)
            offset += len(frame)


@dataclass(frozen=True)
class Log:
    """Segments in ascending order; what follows the first tail counts as unreachable."""

    segments: tuple[Segment, ...]

    @classmethod
    def of(cls, *frames: Frame, tail: bytes = b"", segment: int = 1) -> "Log":
        """A log of one segment."""
        return cls((Segment(segment, frames, tail),))

    @property
    def last(self) -> Segment:
        """The active segment."""
        return self.segments[-1]

    @property
    def reachable(self) -> tuple[Segment, ...]:
        """The segments up to the first one with damage, that one included."""
        for number, segment in enumerate(self.segments, 1):
            if segment.tail:
                return self.segments[:number]
        return self.segments

    @property
    def broken(self) -> Segment:
        """The segment with the damage."""
        segment = self.reachable[-1]
        assert segment.tail, "this log has no damage"
        return segment

    @property
    def last_txid(self) -> int:
        """Highest txid among the good frames before any damage."""
        return max((frame.txid for segment in self.reachable for frame in segment.frames), default=0)

    def path(self, segment: int | None = None, prefix: str = LOG_DIR) -> str:
        """Path of a segment, by default the active one."""
        return f"{prefix}/{segment_name(self.last.id if segment is None else segment)}"

    def given(self, prefix: str = LOG_DIR) -> Json:
        """The files of the log."""
        return {f"{prefix}/{segment.name}": value(segment.data) for segment in self.segments}

    def records(self) -> list[Json]:
        """The records before any damage."""
        return [record for segment in self.reachable for record in segment.records()]

    def report(self) -> Json:
        """The report of an open that succeeds: there is no damage, or it stands in the last segment."""
        assert len(self.reachable) == len(self.segments), "a log damaged before its last segment does not open"
        return report(
            files=len(self.segments),
            records=sum(len(segment.frames) for segment in self.segments),
            discarded=len(self.last.tail),
            last_txid=self.last_txid,
        )

    def opened(self) -> Json:
        """What opening it for writing answers."""
        return {"report": self.report(), "active_segment": self.last.id}

    def plus(self, *frames: Frame) -> "Log":
        """The log after these frames were appended and its tail, if any, was cut off."""
        grown = Segment(self.last.id, self.last.frames + frames)
        return Log((*self.segments[:-1], grown))

    def with_segment(self, *frames: Frame, segment: int | None = None, tail: bytes = b"") -> "Log":
        """The log with one more segment, by default the next one."""
        number = self.last.id + 1 if segment is None else segment
        return Log((*self.segments, Segment(number, frames, tail)))


def report(*, files: int, records: int, last_txid: int, discarded: int = 0) -> Json:
    """A whole recovery report."""
    return {
        "files_scanned": files,
        "records_replayed": records,
        "tail_truncated": int(discarded > 0),
        "tail_bytes_discarded": discarded,
        "mid_stream_errors": 0,
        "unsupported_versions": 0,
        "last_txid_seen": last_txid,
    }
