"""Variants of recovery: what a port makes of the logs that it finds (profile REC)."""

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from types import ModuleType

from _patches_read import ORIGINAL_FRAMES, forgive, replay, report, walk, whole
from _variant import Variant

from datawal import _files
from datawal._files import File
from datawal._recovery import Frame, RecoveryReport, Replay, Source, Walk
from datawal.errors import DatawalError, FrameError, StorageError
from datawal.log import RecordLog
from datawal_spec import (
    HEADER_LEN,
    STRUCTURAL_KINDS,
    TAIL_DAMAGE_KINDS,
    ErrorKind,
    RecordType,
    frame_len,
    parse_header,
)


def only_last_scanned(_adapter: ModuleType) -> None:
    """REC-1: an open trusts what is sealed."""
    original = _files.sources
    _files.sources = lambda directory, segments, active=None: original(directory, [] if active else segments, active)


def truncated_fails(_adapter: ModuleType) -> None:
    """REC-2: what is cut short is an error even at the end."""
    forgive(lambda rule: rule.kind is ErrorKind.CRC_MISMATCH)


def short_header_ends(_adapter: ModuleType) -> None:
    """REC-2: fewer bytes than a header has are no frame, so the log ends in front of them without damage."""

    def frames(self: Walk, *, payloads: bool) -> Iterator[Frame]:
        yield from ORIGINAL_FRAMES(self, payloads=payloads)
        if self.fault is not None and self._size - self.end < HEADER_LEN:
            self.fault = None

    walk(frames)


def crc_mismatch_fails(_adapter: ModuleType) -> None:
    """REC-3: a wrong checksum is no torn write, so it fails the open."""
    forgive(lambda rule: rule.kind is ErrorKind.TRUNCATED)


def damage_passed_over(_adapter: ModuleType) -> None:
    """REC-4: behind tail damage the scan goes on at the next magic."""
    walk(lambda self, *, payloads: whole(self, lambda _data, end: end, payloads=payloads, resync=True))


def any_fault_is_tail(_adapter: ModuleType) -> None:
    """REC-5: whatever is wrong in the last segment is tail damage."""
    forgive(lambda _rule: True)


def bad_magic_is_tail(_adapter: ModuleType) -> None:
    """REC-5: where no magic is, the log ends."""
    forgive(lambda rule: rule.tail_damage or rule.kind is ErrorKind.BAD_MAGIC)


def structural_as_other(_adapter: ModuleType) -> None:
    """REC-5: the open fails, and does not tell why."""
    original = FrameError.__init__

    def init(self: FrameError, **about: object) -> None:
        original(self, **about)
        if self.kind in STRUCTURAL_KINDS:
            self.kind = ErrorKind.IO

    FrameError.__init__ = init


def sealed_may_tear(_adapter: ModuleType) -> None:
    """REC-6: every segment may end in damage, and the scan goes on in the next one."""

    class Lenient(Replay):
        def _segment(self, source: Source, *, payloads: bool) -> Iterator[Frame]:
            self._last = source.segment
            yield from super()._segment(source, payloads=payloads)

    replay(Lenient)


def sealed_crc_forgiven(_adapter: ModuleType) -> None:
    """REC-6: a wrong checksum in a sealed segment ends that segment, and the open succeeds."""

    class Lenient(Replay):
        def _segment(self, source: Source, *, payloads: bool) -> Iterator[Frame]:
            try:
                yield from super()._segment(source, payloads=payloads)
            except FrameError as error:
                if error.kind is not ErrorKind.CRC_MISMATCH:
                    raise

    replay(Lenient)


def last_has_records(_adapter: ModuleType) -> None:
    """REC-7: empty segments at the end do not count, so the one in front of them is the last."""

    class Lenient(Replay):
        def _segment(self, source: Source, *, payloads: bool) -> Iterator[Frame]:
            try:
                yield from super()._segment(source, payloads=payloads)
            except FrameError as error:
                behind = list(self._sources)
                if error.kind not in TAIL_DAMAGE_KINDS or any(later.size for later in behind):
                    raise
                self._files += len(behind)
                self.end, self.size = error.offset, source.size

    replay(Lenient)


def empty_files_uncounted(_adapter: ModuleType) -> None:
    """REC-8: a segment without records is not counted."""

    class Counting(Replay):
        def _segment(self, source: Source, *, payloads: bool) -> Iterator[Frame]:
            yield from super()._segment(source, payloads=payloads)
            self._files -= not source.size

    replay(Counting)


def raw_uncounted(_adapter: ModuleType) -> None:
    """REC-9: only records with a key are counted."""

    class Counting(Replay):
        def _segment(self, source: Source, *, payloads: bool) -> Iterator[Frame]:
            for frame in super()._segment(source, payloads=payloads):
                self._records -= frame[0] == RecordType.RAW
                yield frame

    replay(Counting)


def count_of_last_segment(_adapter: ModuleType) -> None:
    """REC-9: counting starts anew with every segment."""

    class Counting(Replay):
        def _segment(self, source: Source, *, payloads: bool) -> Iterator[Frame]:
            self._records = 0
            yield from super()._segment(source, payloads=payloads)

    replay(Counting)


def tail_flag_is_size(_adapter: ModuleType) -> None:
    """REC-10: the flag carries the number of bytes."""
    report(lambda _replay, made: replace(made, tail_truncated=made.tail_bytes_discarded))


def _told_of_crc(change: dict[str, int]) -> None:
    """Change the report where the tail damage is a wrong checksum."""

    class Telling(Replay):
        crc = False

        def _segment(self, source: Source, *, payloads: bool) -> Iterator[Frame]:
            yield from super()._segment(source, payloads=payloads)
            head = source.read_at(self.end, HEADER_LEN) if self.end < self.size else b""
            if len(head) == HEADER_LEN:
                header = parse_header(head)
                self.crc = frame_len(header.key_len, header.payload_len) <= self.size - self.end

        def report(self) -> RecoveryReport:
            made = super().report()
            return replace(made, **change) if self.crc else made

    replay(Telling)


def tail_flag_of_cuts(_adapter: ModuleType) -> None:
    """REC-10: a frame with a wrong checksum is whole, so nothing was truncated."""
    _told_of_crc({"tail_truncated": 0})


def discards_nothing_of_crc(_adapter: ModuleType) -> None:
    """REC-11: what a wrong checksum costs is not counted."""
    _told_of_crc({"tail_bytes_discarded": 0})


def discards_one_frame(_adapter: ModuleType) -> None:
    """REC-11: only the damaged frame is counted, not what is behind it."""

    class Telling(Replay):
        damaged = 2**64

        def _segment(self, source: Source, *, payloads: bool) -> Iterator[Frame]:
            yield from super()._segment(source, payloads=payloads)
            head = source.read_at(self.end, HEADER_LEN) if self.end < self.size else b""
            if len(head) == HEADER_LEN:
                header = parse_header(head)
                self.damaged = frame_len(header.key_len, header.payload_len)

        def report(self) -> RecoveryReport:
            made = super().report()
            return replace(made, tail_bytes_discarded=min(made.tail_bytes_discarded, self.damaged))

    replay(Telling)


def tail_as_mid_stream(_adapter: ModuleType) -> None:
    """REC-12: tail damage is counted as an error of the stream."""
    report(lambda _replay, made: replace(made, mid_stream_errors=made.tail_truncated))


class _Noting(Replay):
    """A replay that notes the txid of its latest record."""

    latest = 0

    def _segment(self, source: Source, *, payloads: bool) -> Iterator[Frame]:
        for frame in super()._segment(source, payloads=payloads):
            self.latest = frame[1]
            yield frame


def last_txid_of_last_record(_adapter: ModuleType) -> None:
    """REC-13: the last txid reported is that of the last record, not the highest."""

    class Telling(_Noting):
        def report(self) -> RecoveryReport:
            return replace(super().report(), last_txid_seen=self.latest)

    replay(Telling)
    _next_txid_from(lambda seen: seen._txid)


def _next_txid_from(last: Callable[[Replay], int]) -> None:
    """Let a log continue behind `last(replay)`."""
    original = RecordLog._adopt

    def adopt(self: RecordLog, seen: Replay) -> None:
        original(self, seen)
        self._next_txid = last(seen) + 1

    RecordLog._adopt = adopt


def next_txid_from_last_record(_adapter: ModuleType) -> None:
    """REC-14: numbering goes on behind the last record, not behind the highest txid."""
    replay(_Noting)
    _next_txid_from(lambda seen: seen.latest)


def next_txid_from_count(_adapter: ModuleType) -> None:
    """REC-14: numbering goes on behind the number of records."""
    _next_txid_from(lambda seen: seen._records)


def txids_ascend(_adapter: ModuleType) -> None:
    """REC-15: a txid that is not higher than all before is damage."""

    class Judging(Replay):
        def _segment(self, source: Source, *, payloads: bool) -> Iterator[Frame]:
            before = self._txid
            for frame in super()._segment(source, payloads=payloads):
                if frame[1] <= before and self._records > 1:
                    msg = "txids must ascend"
                    raise DatawalError(msg)
                before = frame[1]
                yield frame

    replay(Judging)


def txids_consecutive(_adapter: ModuleType) -> None:
    """REC-15: a gap between txids means that a record was lost."""

    class Judging(Replay):
        def _segment(self, source: Source, *, payloads: bool) -> Iterator[Frame]:
            before = self._txid
            for frame in super()._segment(source, payloads=payloads):
                if frame[1] > before + 1 and self._records > 1:
                    msg = "a txid is missing"
                    raise DatawalError(msg)
                before = max(before, frame[1])
                yield frame

    replay(Judging)


def open_cuts(_adapter: ModuleType) -> None:
    """REC-16: an open cuts the damaged tail off."""
    original = RecordLog._recover

    def recover(self: RecordLog) -> None:
        original(self)
        self._cut_damaged_tail()

    RecordLog._recover = recover


def scan_cuts(_adapter: ModuleType) -> None:
    """REC-16: an open leaves the tail alone, a scan cuts it off."""
    original = RecordLog.scan

    def scan(self: RecordLog) -> list:
        records = original(self)
        self._cut_damaged_tail()
        return records

    RecordLog.scan = scan


def _ends_at_zeros(least: int) -> None:
    def frames(self: Walk, *, payloads: bool) -> Iterator[Frame]:
        yield from ORIGINAL_FRAMES(self, payloads=payloads)
        left = self._size - self.end
        if self.fault is not None and left >= least and not any(self._read_at(self.end, left)):
            self.fault = None

    walk(frames)


def zeros_end_segment(_adapter: ModuleType) -> None:
    """REC-17: zeros up to the end are room made in advance, and the log ends in front of them."""
    _ends_at_zeros(1)


def zero_header_ends_segment(_adapter: ModuleType) -> None:
    """REC-17: the same, from a whole header of zeros on."""
    _ends_at_zeros(HEADER_LEN)


def _where_not_opened(action: Callable[[StorageError], bool]) -> None:
    """Go on with the next segment, or end, as `action` says, where a segment cannot be opened."""

    def sources(directory: str, segments: Iterable[int], active: File | None = None) -> Generator[File, None, None]:
        for segment in segments:
            try:
                file = _files.open_segment(directory, segment)
            except StorageError as error:
                if action(error):
                    continue
                return
            try:
                yield file
            finally:
                file.close()
        if active is not None:
            yield active

    _files.sources = sources


def missing_passed_over(_adapter: ModuleType) -> None:
    """REC-18: a segment that cannot be opened is left out."""
    _where_not_opened(lambda _error: True)


def missing_is_the_end(_adapter: ModuleType) -> None:
    """REC-18: the log ends in front of a segment that cannot be opened."""
    _where_not_opened(lambda _error: False)


def missing_as_io(_adapter: ModuleType) -> None:
    """REC-18: a segment that is gone is an error like any other of the system's."""

    def fail(error: StorageError) -> bool:
        raise StorageError(action="open the segment", path=error.path, reason="something is wrong") from error

    _where_not_opened(fail)


VARIANTS = [
    Variant("only-last-scanned", "REC-1", "opens without a look at sealed segments", only_last_scanned),
    Variant("truncated-fails", "REC-2", "refuses a log that ends in a truncated frame", truncated_fails),
    Variant("short-header-ends", "REC-2", "reports no damage for less than a header", short_header_ends),
    Variant("crc-mismatch-fails", "REC-3", "refuses a log that ends in a wrong checksum", crc_mismatch_fails),
    Variant("damage-passed-over", "REC-4", "goes on at the next magic behind tail damage", damage_passed_over),
    Variant("any-fault-is-tail", "REC-5", "takes any fault in the last segment for its end", any_fault_is_tail),
    Variant("bad-magic-is-tail", "REC-5", "takes a bad magic in the last segment for its end", bad_magic_is_tail),
    Variant("structural-as-io", "REC-5", "fails with the kind io for structural errors", structural_as_other),
    Variant("sealed-may-tear", "REC-6", "forgives tail damage in every segment", sealed_may_tear),
    Variant("sealed-crc-forgiven", "REC-6", "forgives a wrong checksum in sealed segments", sealed_crc_forgiven),
    Variant("last-has-records", "REC-7", "forgives damage in front of an empty last segment", last_has_records),
    Variant("empty-files-uncounted", "REC-8", "leaves empty segments out of files_scanned", empty_files_uncounted),
    Variant("raw-uncounted", "REC-9", "leaves Raw records out of records_replayed", raw_uncounted),
    Variant("count-of-last-segment", "REC-9", "reports the records of the last segment", count_of_last_segment),
    Variant("tail-flag-is-size", "REC-10", "reports a number of bytes in tail_truncated", tail_flag_is_size),
    Variant("tail-flag-of-cuts", "REC-10", "reports no tail damage for a wrong checksum", tail_flag_of_cuts),
    Variant("discards-nothing-of-crc", "REC-11", "counts no bytes for a wrong checksum", discards_nothing_of_crc),
    Variant("discards-one-frame", "REC-11", "counts the bytes of the damaged frame alone", discards_one_frame),
    Variant("tail-as-mid-stream", "REC-12", "counts tail damage in mid_stream_errors", tail_as_mid_stream),
    Variant("last-txid-of-last-record", "REC-13", "reports the last record's txid", last_txid_of_last_record),
    Variant(
        "next-txid-from-last-record", "REC-14", "goes on behind the last record's txid", next_txid_from_last_record
    ),
    Variant("next-txid-from-count", "REC-14", "goes on behind the number of records", next_txid_from_count),
    Variant("txids-ascend", "REC-15", "refuses txids that do not ascend", txids_ascend),
    Variant("txids-consecutive", "REC-15", "refuses gaps between txids", txids_consecutive),
    Variant("open-cuts", "REC-16", "cuts a damaged tail off at open", open_cuts),
    Variant("scan-cuts", "REC-16", "cuts a damaged tail off when it scans", scan_cuts),
    Variant("zeros-end-segment", "REC-17", "ends a segment at zeros", zeros_end_segment),
    Variant("zero-header-ends-segment", "REC-17", "ends a segment at 24 zeros", zero_header_ends_segment),
    Variant("missing-passed-over", "REC-18", "leaves out a segment it cannot open", missing_passed_over),
    Variant("missing-is-the-end", "REC-18", "ends at a segment it cannot open", missing_is_the_end),
    Variant("missing-as-io", "REC-18", "fails with the kind io for a segment that is gone", missing_as_io),
]
