"""From bytes to records and a report, without I/O.

Strategy: a `Walk` goes through one segment, a `Replay` through all of them. Both read through
`read_at(offset, size)`, so they know no file. A walk keeps one window of the segment in memory and slices
frames out of it; a frame larger than the window is read on its own, after its lengths were judged. The good
case is one chain of comparisons; which fault a bad frame has is looked up in the specification's table, so
the order of judgement exists once.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from datawal.errors import FrameError
from datawal_spec import (
    CRC_CODEC,
    CRC_LEN,
    HEADER_CODEC,
    HEADER_LEN,
    MAGIC,
    MAX_KEY_LEN,
    MAX_PAYLOAD_LEN,
    RULES,
    WIRE_VERSION,
    ErrorKind,
    RecordType,
    Rule,
    crc32c,
    frame_len,
    judge,
    parse_header,
)

WINDOW: Final = 256 * 1024
"""Bytes of a segment that a walk holds at a time; larger frames are read on their own."""

Frame: TypeAlias = tuple[int, int, bytes, bytes, int, int]
"""Record type, txid, key, payload, offset, length: a plain tuple, because there is one for every record."""

ReadAt: TypeAlias = Callable[[int, int], bytes]
"""Answers with `size` bytes from `offset` on, or with fewer when the segment ends before."""

_LAST_TYPE: Final = int(max(RecordType))
_CRC_RULE: Final = next(rule for rule in RULES if rule.kind is ErrorKind.CRC_MISMATCH)


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """What an open or a scan found (clauses REC-8 to REC-13).

    `files_scanned` counts segments, `records_replayed` valid records. `tail_truncated` is 1 when the last
    segment ended in damage, and `tail_bytes_discarded` counts the bytes from there on. `mid_stream_errors`
    and `unsupported_versions` are always 0: either would have failed the call. `last_txid_seen` is the
    highest txid, 0 when there is no record.
    """

    files_scanned: int
    records_replayed: int
    tail_truncated: int
    tail_bytes_discarded: int
    mid_stream_errors: int
    unsupported_versions: int
    last_txid_seen: int


@dataclass(frozen=True, slots=True)
class Fault:
    """The rule that the frame at the end of a walk breaks, and what was found instead."""

    rule: Rule
    found: str


class Source(Protocol):
    """One segment to walk through: `size` is its length in bytes when the walk starts."""

    segment: int
    path: str
    size: int

    def read_at(self, offset: int, size: int, /) -> bytes:
        """Bytes of the segment, see `ReadAt`."""
        ...


class Walk:
    """One pass over one segment, frame by frame (clauses WIRE-15 to WIRE-26).

    When `frames` is exhausted, `end` is the offset behind the last record and `fault` tells why the walk
    stopped there, None when that is the end of the segment.
    """

    __slots__ = ("_read_at", "_size", "end", "fault")

    def __init__(self, read_at: ReadAt, size: int) -> None:
        self._read_at = read_at
        self._size = size
        self.end = 0
        self.fault: Fault | None = None

    def frames(self, *, payloads: bool) -> Iterator[Frame]:
        """The records in front of the first fault; with `payloads` false they are verified, not kept."""
        unpack_header, unpack_crc = HEADER_CODEC.unpack_from, CRC_CODEC.unpack_from
        window = b""
        view = memoryview(window)
        base = at = 0
        while True:
            here = len(window) - at
            sound, length = False, HEADER_LEN
            if here >= HEADER_LEN:
                magic, version, record_type, flags, txid, key_len, payload_len = unpack_header(window, at)
                sound = (
                    magic == MAGIC
                    and version == WIRE_VERSION
                    and record_type <= _LAST_TYPE
                    and flags == 0
                    and key_len <= MAX_KEY_LEN
                    and payload_len <= MAX_PAYLOAD_LEN
                )
                payload_at = at + HEADER_LEN + key_len
                crc_at = payload_at + payload_len
                length = crc_at + CRC_LEN - at
                if sound and length <= here:
                    computed = crc32c(view[at:crc_at])
                    stored = unpack_crc(window, crc_at)[0]
                    if computed != stored:
                        self._stop(base + at, _crc_fault(stored, computed))
                        return
                    key = window[at + HEADER_LEN : payload_at]
                    payload = window[payload_at:crc_at] if payloads else b""
                    yield record_type, txid, key, payload, base + at, length
                    at += length
                    continue
            # No whole sound frame in the window: either the window ends too early, or the segment does, or
            # the frame is too large for any window, or it is not sound.
            offset = base + at
            left = self._size - offset
            if here < min(HEADER_LEN, left) or (sound and length <= min(WINDOW, left)):
                view = memoryview(window := b"")
                window = self._read(offset, min(WINDOW, left))
                view = memoryview(window)
                base, at = offset, 0
            elif left == 0:
                self.end = offset
                return
            elif sound and length <= left:
                body = self._large(offset, key_len, payload_len, keep=payloads)
                if body is None:
                    return
                yield record_type, txid, *body, offset, length
                view = memoryview(window := b"")
                base, at = offset + length, 0
            else:
                self._stop(offset, _header_fault(window[at : at + HEADER_LEN], left))
                return

    def _read(self, offset: int, size: int) -> bytes:
        data = self._read_at(offset, size)
        if len(data) < size:
            # Someone cut the segment meanwhile (a writer beside this reader): it ends here for this walk.
            self._size = offset + len(data)
        return data

    def _large(self, offset: int, key_len: int, payload_len: int, *, keep: bool) -> tuple[bytes, bytes] | None:
        """Key and payload of a frame larger than the window, or None when it is no record after all."""
        payload_at = offset + HEADER_LEN + key_len
        crc_at = payload_at + payload_len
        head = self._read(offset, HEADER_LEN + key_len)
        computed = crc32c(head)
        payload = b""
        step = payload_len if keep else WINDOW
        for at in range(payload_at, crc_at, step):
            payload = self._read(at, min(step, crc_at - at))
            computed = crc32c(payload, computed)
        trailer = self._read(crc_at, CRC_LEN)
        if self._size < crc_at + CRC_LEN:
            self._stop(offset, _header_fault(head[:HEADER_LEN], self._size - offset))
            return None
        stored = CRC_CODEC.unpack(trailer)[0]
        if computed != stored:
            self._stop(offset, _crc_fault(stored, computed))
            return None
        return head[HEADER_LEN:], payload if keep else b""

    def _stop(self, offset: int, fault: Fault) -> None:
        self.end = offset
        self.fault = fault


def _crc_fault(stored: int, computed: int) -> Fault:
    return Fault(_CRC_RULE, f"{stored:08x} stored, {computed:08x} computed")


def _header_fault(head: bytes, left: int) -> Fault:
    """What is wrong with a frame of which `head` has the header, or all that is left of it."""
    rule = judge(head)
    assert rule is not None, "a header alone is never a whole frame"
    if rule.tail_damage:
        return Fault(rule, f"{left} bytes left")
    value = getattr(parse_header(head), rule.field)
    return Fault(rule, value.hex() if isinstance(value, bytes) else str(value))


def frame_fault(frame: bytes) -> Fault | None:
    """What is wrong with one frame that was read as a whole, None when nothing is."""
    rule = judge(frame)
    if rule is None:
        return None
    if rule is not _CRC_RULE:
        return _header_fault(frame[:HEADER_LEN], len(frame))
    header = parse_header(frame)
    crc_at = frame_len(header.key_len, header.payload_len) - CRC_LEN
    return _crc_fault(CRC_CODEC.unpack_from(frame, crc_at)[0], crc32c(frame[:crc_at]))


class Replay:
    """One pass over the segments of a log, the last of which may end damaged (clauses REC-1 to REC-18).

    `sources` gives one source for each segment in ascending order, and is closed at the end; `last` is the id
    of the last one. While `frames` runs, `segment` is the id of the current segment. When it is exhausted,
    `end` is the offset of the logical end in the last segment and `size` that segment's length in bytes.
    """

    __slots__ = ("_files", "_last", "_records", "_sources", "_txid", "end", "segment", "size")

    def __init__(self, sources: Generator[Source, None, None], last: int) -> None:
        self._sources = sources
        self._last = last
        self._files = 0
        self._records = 0
        self._txid = 0
        self.segment = last
        self.end = 0
        self.size = 0

    def frames(self, *, payloads: bool) -> Generator[Frame, None, None]:
        """All records in physical order; raises FrameError behind the last one in front of bad damage."""
        try:
            for source in self._sources:
                yield from self._segment(source, payloads=payloads)
        finally:
            # At once, not when the traceback that holds this frame is dropped.
            self._sources.close()

    def _segment(self, source: Source, *, payloads: bool) -> Iterator[Frame]:
        self._files += 1
        self.segment = source.segment
        walk = Walk(source.read_at, source.size)
        for frame in walk.frames(payloads=payloads):
            self._records += 1
            if frame[1] > self._txid:  # noqa: PLR1730 - max() costs a tenth of a record
                self._txid = frame[1]
            yield frame
        fault = walk.fault
        if fault is not None and not (fault.rule.tail_damage and source.segment == self._last):
            raise FrameError(
                path=source.path,
                segment=source.segment,
                offset=walk.end,
                rule=fault.rule,
                found=fault.found,
            )
        self.end, self.size = walk.end, source.size if fault is not None else walk.end

    def report(self) -> RecoveryReport:
        """What was found so far."""
        discarded = self.size - self.end
        return RecoveryReport(
            files_scanned=self._files,
            records_replayed=self._records,
            tail_truncated=int(discarded > 0),
            tail_bytes_discarded=discarded,
            mid_stream_errors=0,
            unsupported_versions=0,
            last_txid_seen=self._txid,
        )
