"""Variants of the record log's writer: one or more for every clause of WRT."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from _patches_write import after, before, change_answer, cut_tail, keep, wrap
from _variant import Variant

from datawal import FrameError, MissingError, Record, RecordLog, RecordType, TooLargeError, _files
from datawal import log as log_module
from datawal._frame import check_sizes, encode
from datawal._recovery import RecoveryReport, Replay
from datawal_spec import MAX_KEY_LEN, ErrorKind, segment_name

_TAIL = 16


def directory_not_made(_adapter: ModuleType) -> None:
    """Only open what is there."""
    log_module._open_or_make_directory = _files.open_directory


def parents_not_made(_adapter: ModuleType) -> None:
    """Make one directory, none above it."""

    def open_or_make(path: str) -> _files.File:
        try:
            return _files.open_directory(path)
        except MissingError:
            _files.make_directory(path)
            return _files.open_directory(path)

    log_module._open_or_make_directory = open_or_make


def first_segment_withdrawn(_adapter: ModuleType) -> None:
    """Remove the first segment at close when nothing was written."""

    def close(inner: Callable[..., None], self: RecordLog) -> None:
        unused = not self._closed and self._segments == [1] and not self._active.length()
        inner(self)
        if unused:
            Path(self._path, segment_name(1)).unlink(missing_ok=True)

    wrap(RecordLog, "close", close)


def append_writes_put(_adapter: ModuleType) -> None:
    """append gives its record the type Put."""
    RecordLog.append = lambda self, payload: self.append_record(RecordType.PUT, b"", payload)


def append_with_key(_adapter: ModuleType) -> None:
    """append gives its record a key."""
    RecordLog.append = lambda self, payload: self.append_record(RecordType.RAW, b"raw", payload)


def raw_loses_key(_adapter: ModuleType) -> None:
    """append_record drops the key of a Raw record."""

    def append(inner: Callable[..., Any], self: RecordLog, kind: RecordType, key: bytes, payload: bytes) -> Any:
        return inner(self, kind, b"" if kind is RecordType.RAW else key, payload)

    wrap(RecordLog, "append_record", append)


def delete_loses_payload(_adapter: ModuleType) -> None:
    """append_record drops the payload of a Delete record."""

    def append(inner: Callable[..., Any], self: RecordLog, kind: RecordType, key: bytes, payload: bytes) -> Any:
        return inner(self, kind, key, b"" if kind is RecordType.DELETE else payload)

    wrap(RecordLog, "append_record", append)


def ref_to_the_end(_adapter: ModuleType) -> None:
    """References have the offset behind the frame."""
    change_answer(RecordLog, "append_record", lambda ref: replace(ref, offset=ref.offset + ref.len))


def ref_without_crc(_adapter: ModuleType) -> None:
    """References have the length without the checksum."""
    change_answer(RecordLog, "append_record", lambda ref: replace(ref, len=ref.len - 4))


def ref_counts_segments(_adapter: ModuleType) -> None:
    """References count segments from 0."""
    change_answer(RecordLog, "append_record", lambda ref: replace(ref, segment=ref.segment - 1))


def append_preallocates(_adapter: ModuleType) -> None:
    """Have zeros behind the last record until the handle is closed."""

    def grow(self: RecordLog) -> None:
        self._size = self._end + _TAIL
        self._active.truncate(self._size)

    after(RecordLog, "append_record", grow)
    before(RecordLog, "close", cut_tail)


def append_counts_in_a_file(_adapter: ModuleType) -> None:
    """Every append rewrites a file that names the last txid."""
    after(RecordLog, "append_record", lambda self: Path(self._path, "last-txid").write_text(f"{self._next_txid - 1}\n"))


def _set_next(txid: int) -> Callable[[RecordLog], None]:
    return lambda self: setattr(self, "_next_txid", txid)


def txid_restarts_with_segment(_adapter: ModuleType) -> None:
    """Rotation sets the next txid back to 1."""
    after(RecordLog, "rotate", _set_next(1))


def txid_taken_by_rotation(_adapter: ModuleType) -> None:
    """Rotation takes a txid."""
    after(RecordLog, "rotate", lambda self: setattr(self, "_next_txid", self._next_txid + 1))


def txid_restarts_at_open(_adapter: ModuleType) -> None:
    """Every open starts with the txid 1."""
    after(RecordLog, "__init__", _set_next(1))


def txid_of_active_segment(_adapter: ModuleType) -> None:
    """Look for the highest txid in the active segment only."""

    def look(self: RecordLog) -> None:
        active = [record.txid for record in self.scan_iter() if record.segment == self.active_segment]
        self._next_txid = max(active, default=0) + 1

    after(RecordLog, "__init__", look)


def append_waits_for_sync(_adapter: ModuleType) -> None:
    """Keep appended frames in memory until a sync or the end."""
    waiting: dict[_files.File, bytearray] = {}
    write = _files.File.write

    def flush(self: _files.File) -> None:
        if data := waiting.pop(self, None):
            write(self, bytes(data))

    def put_aside(inner: Callable[..., None], self: _files.File, data: bytes) -> None:
        if self.segment < 0:
            inner(self, data)
        else:
            waiting.setdefault(self, bytearray()).extend(data)

    wrap(_files.File, "write", put_aside)
    wrap(_files.File, "length", lambda inner, self: inner(self) + len(waiting.get(self, b"")))
    before(_files.File, "sync", flush)
    before(_files.File, "close", flush)


def key_unlimited(_adapter: ModuleType) -> None:
    """Accept a key of any length."""
    log_module.check_sizes = lambda _key, payload: check_sizes(b"", payload)


def payload_unlimited(_adapter: ModuleType) -> None:
    """Accept a payload of any length."""
    log_module.check_sizes = lambda key, _payload: check_sizes(key, b"")


def _on_refusal(kind: ErrorKind, extra: Callable[[RecordLog], object]) -> None:
    def append(inner: Callable[..., Any], self: RecordLog, *args: Any) -> Any:
        try:
            return inner(self, *args)
        except TooLargeError as problem:
            if problem.kind is kind:
                extra(self)
            raise

    wrap(RecordLog, "append_record", append)


def _take_txid(self: RecordLog) -> None:
    self._next_txid += 1


def refused_key_takes_txid(_adapter: ModuleType) -> None:
    """Take the txid before the key is measured."""
    _on_refusal(ErrorKind.KEY_TOO_LARGE, _take_txid)


def refused_key_cuts_tail(_adapter: ModuleType) -> None:
    """Cut the damaged tail before the key is measured."""
    _on_refusal(ErrorKind.KEY_TOO_LARGE, cut_tail)


def refused_payload_takes_txid(_adapter: ModuleType) -> None:
    """Take the txid before the payload is measured."""
    _on_refusal(ErrorKind.PAYLOAD_TOO_LARGE, _take_txid)


def scan_sorts_by_txid(_adapter: ModuleType) -> None:
    """scan sorts records by their txids."""
    change_answer(RecordLog, "scan", lambda records: sorted(records, key=lambda record: record.txid))


def scan_offsets_run_on(_adapter: ModuleType) -> None:
    """scan counts offsets over all segments."""

    def run_on(records: list[Record]) -> list[Record]:
        offset, found = 0, []
        for record in records:
            found.append(replace(record, offset=offset))
            offset += record.len
        return found

    change_answer(RecordLog, "scan", run_on)


def scan_delete_without_payload(_adapter: ModuleType) -> None:
    """scan knows no payloads of Delete records."""

    def without(record: Record) -> Record:
        return replace(record, payload=b"") if record.type is RecordType.DELETE else record

    change_answer(RecordLog, "scan", lambda records: [without(record) for record in records])


def scan_leaves_out_deleted(_adapter: ModuleType) -> None:
    """scan leaves out Delete records."""
    change_answer(RecordLog, "scan", lambda records: [r for r in records if r.type is not RecordType.DELETE])


def scan_keeps_report(_adapter: ModuleType) -> None:
    """scan leaves the report as it was."""
    keep(RecordLog, "scan", "_report")


def scan_keeps_next_txid(_adapter: ModuleType) -> None:
    """scan leaves the next txid as it was."""
    keep(RecordLog, "scan", "_next_txid")


def _scan_too(self: RecordLog) -> None:
    with suppress(FrameError):
        self.scan()


def scan_iter_refreshes_report(_adapter: ModuleType) -> None:
    """scan_iter refreshes the report as scan does."""

    def refresh(self: RecordLog) -> None:
        kept = self._next_txid
        _scan_too(self)
        self._next_txid = kept

    after(RecordLog, "scan_iter", refresh)


def scan_iter_refreshes_next_txid(_adapter: ModuleType) -> None:
    """scan_iter refreshes the next txid as scan does."""

    def refresh(self: RecordLog) -> None:
        kept = self._report
        _scan_too(self)
        self._report = kept

    after(RecordLog, "scan_iter", refresh)


def scan_iter_of_active_segment(_adapter: ModuleType) -> None:
    """scan_iter begins with the active segment."""

    def shorter(inner: Callable[..., Any], self: RecordLog) -> Any:
        kept = self._segments
        self._segments = kept[-1:]
        try:
            return inner(self)
        finally:
            self._segments = kept

    wrap(RecordLog, "scan_iter", shorter)


def scan_iter_ends_in_silence(_adapter: ModuleType) -> None:
    """scan_iter takes an error for the end."""

    def quietly(inner: Callable[..., Any], self: Any) -> Any:
        try:
            return inner(self)
        except FrameError:
            raise StopIteration from None

    wrap(log_module.RecordIter, "__next__", quietly)


def scan_iter_collects_first(_adapter: ModuleType) -> None:
    """scan_iter reads everything before it yields a record."""
    inner = log_module._records

    def eager(replay: Replay) -> Any:
        yield from list(inner(replay))

    log_module._records = eager


def scan_iter_tries_next_segment(_adapter: ModuleType) -> None:
    """scan_iter goes on in the next segment, and tells the error at the end."""

    def frames(self: Replay, *, payloads: bool) -> Any:
        problem = None
        for source in self._sources:
            try:
                yield from self._segment(source, payloads=payloads)
            except FrameError as found:
                problem = problem or found
        if problem:
            raise problem

    Replay.frames = frames


def report_of_open(_adapter: ModuleType) -> None:
    """The report is always that of the open."""
    after(RecordLog, "__init__", lambda self: setattr(self, "_first_report", self._report))
    RecordLog.recovery_report = lambda self: self._first_report


def report_counts_appends(_adapter: ModuleType) -> None:
    """The report counts appended records too."""

    def count(self: RecordLog) -> None:
        self._report = replace(self._report, records_replayed=self._report.records_replayed + 1)

    after(RecordLog, "append_record", count)


def appends_stay_behind(_adapter: ModuleType) -> None:
    """Rotation makes the next segment and goes on in the old one."""

    def rotate(self: RecordLog) -> None:
        self._require_writable()
        following = self._segments[-1] + 1
        _files.create_segment(self._path, following).close()
        self._segments.append(following)

    RecordLog.rotate = rotate


def offsets_run_on_after_rotation(_adapter: ModuleType) -> None:
    """After a rotation, references count offsets on from the segment before."""

    def rotate(inner: Callable[..., None], self: RecordLog) -> None:
        size = self._end
        inner(self)
        self._in_front = getattr(self, "_in_front", 0) + size

    def append(inner: Callable[..., Any], self: RecordLog, *args: Any) -> Any:
        ref = inner(self, *args)
        return replace(ref, offset=ref.offset + getattr(self, "_in_front", 0))

    wrap(RecordLog, "rotate", rotate)
    wrap(RecordLog, "append_record", append)


def rotation_leaves_a_mark(_adapter: ModuleType) -> None:
    """A rotated segment begins with a Raw record."""
    after(RecordLog, "rotate", lambda self: self.append(b""))


def _key_at_limit_refused(key: bytes, payload: bytes) -> None:
    check_sizes(key, payload)
    if len(key) == MAX_KEY_LEN:
        raise TooLargeError(ErrorKind.KEY_TOO_LARGE, size=len(key), limit=len(key) - 1)


def key_limit_excluded(_adapter: ModuleType) -> None:
    """Refuse a key of exactly the limit."""
    log_module.check_sizes = _key_at_limit_refused


def _payload_like_key(key: bytes, payload: bytes) -> None:
    check_sizes(key, payload)
    if len(payload) > MAX_KEY_LEN:
        raise TooLargeError(ErrorKind.PAYLOAD_TOO_LARGE, size=len(payload), limit=MAX_KEY_LEN)


def payload_limit_of_keys(_adapter: ModuleType) -> None:
    """Hold payloads to the limit of keys."""
    log_module.check_sizes = _payload_like_key


def active_segment_of_open(_adapter: ModuleType) -> None:
    """active_segment is the one found at open."""
    after(RecordLog, "__init__", lambda self: setattr(self, "_first_active", self._segments[-1]))
    RecordLog.active_segment = property(lambda self: self._first_active)


def active_segment_is_a_count(_adapter: ModuleType) -> None:
    """active_segment is the number of segments."""
    RecordLog.active_segment = property(lambda self: len(self._segments))


def fsync_cuts_tail(_adapter: ModuleType) -> None:
    """fsync cuts a damaged tail off."""
    before(RecordLog, "fsync", cut_tail)


def close_cuts_tail(_adapter: ModuleType) -> None:
    """close cuts a damaged tail off."""
    before(RecordLog, "close", cut_tail)


def close_leaves_a_mark(_adapter: ModuleType) -> None:
    """close writes a record that says so."""

    def mark(self: RecordLog) -> None:
        if not self._closed:
            self._active.write(encode(RecordType.RAW, self._next_txid, b"", b"closed"))

    before(RecordLog, "close", mark)


def _scanning_only(choose: Callable[[RecordLog], list[int]]) -> None:
    """Let scan and scan_iter read the segments that `choose` picks."""

    def chosen(inner: Callable[..., Any], self: RecordLog) -> Any:
        kept = self._segments
        self._segments = choose(self)
        try:
            return inner(self)
        finally:
            self._segments = kept

    wrap(RecordLog, "scan", chosen)
    wrap(RecordLog, "scan_iter", chosen)


def scans_segments_of_open(_adapter: ModuleType) -> None:
    """A scan reads what the open found and nothing a rotation made."""
    after(RecordLog, "__init__", lambda self: setattr(self, "_found", list(self._segments)))
    _scanning_only(lambda self: self._found)


def scans_from_latest_rotation(_adapter: ModuleType) -> None:
    """A scan reads nothing from before the latest rotation."""
    _scanning_only(lambda self: self._segments[-1:])


def _on_failed_scan(extra: Callable[[RecordLog, RecoveryReport], object]) -> None:
    def scan(inner: Callable[..., Any], self: RecordLog) -> Any:
        try:
            return inner(self)
        except FrameError:
            replay = Replay(_files.sources(self._path, self._segments), self._segments[-1])
            with suppress(FrameError):
                deque(replay.frames(payloads=False), maxlen=0)
            extra(self, replay.report())
            raise

    wrap(RecordLog, "scan", scan)


def failed_scan_changes_report(_adapter: ModuleType) -> None:
    """A scan that fails leaves what it counted so far in the report."""
    _on_failed_scan(lambda self, seen: setattr(self, "_report", seen))


def failed_scan_changes_next_txid(_adapter: ModuleType) -> None:
    """A scan that fails leaves the next txid behind the highest it met."""
    _on_failed_scan(lambda self, seen: setattr(self, "_next_txid", seen.last_txid_seen + 1))


def target_of_link_made(_adapter: ModuleType) -> None:
    """Make the directory that a link names when it is missing."""
    original = log_module._open_or_make_directory

    def open_or_make(path: str) -> _files.File:
        target = Path(path).resolve()
        target.mkdir(parents=True, exist_ok=True)
        return original(path)

    log_module._open_or_make_directory = open_or_make


VARIANTS = [
    Variant("directory-not-made", "WRT-1", "opens only directories that exist", directory_not_made),
    Variant("parents-not-made", "WRT-1", "makes the directory but not its parents", parents_not_made),
    Variant("first-segment-withdrawn", "WRT-2", "leaves no segment when none was written to", first_segment_withdrawn),
    Variant("append-writes-put", "WRT-3", "writes a Put record for append", append_writes_put),
    Variant("append-with-key", "WRT-3", "gives the records of append a key", append_with_key),
    Variant("raw-loses-key", "WRT-4", "writes Raw records without their key", raw_loses_key),
    Variant("delete-loses-payload", "WRT-4", "writes Delete records without their payload", delete_loses_payload),
    Variant("ref-to-the-end", "WRT-5", "answers an append with the offset behind the frame", ref_to_the_end),
    Variant("ref-without-crc", "WRT-5", "answers an append with the length without the checksum", ref_without_crc),
    Variant("ref-counts-segments", "WRT-5", "counts the segments in references from 0", ref_counts_segments),
    Variant("append-preallocates", "WRT-6", "keeps zeros behind the last record until close", append_preallocates),
    Variant("append-counts-in-a-file", "WRT-6", "writes a file of its own at every append", append_counts_in_a_file),
    Variant("txid-restarts-with-segment", "WRT-7", "starts txids anew in every segment", txid_restarts_with_segment),
    Variant("txid-taken-by-rotation", "WRT-7", "takes a txid for a rotation", txid_taken_by_rotation),
    Variant("txid-restarts-at-open", "WRT-8", "starts txids anew at every open", txid_restarts_at_open),
    Variant(
        "txid-of-active-segment", "WRT-8", "continues the txids of the active segment only", txid_of_active_segment
    ),
    Variant("append-waits-for-sync", "WRT-9", "keeps appended records in memory until a sync", append_waits_for_sync),
    Variant("key-unlimited", "WRT-10", "writes keys over the limit", key_unlimited),
    Variant("refused-key-takes-txid", "WRT-10", "uses a txid for a key it refuses", refused_key_takes_txid),
    Variant("refused-key-cuts-tail", "WRT-10", "cuts a damaged tail for a key it refuses", refused_key_cuts_tail),
    Variant("payload-unlimited", "WRT-11", "writes payloads over the limit", payload_unlimited),
    Variant("refused-payload-takes-txid", "WRT-11", "uses a txid for a payload it refuses", refused_payload_takes_txid),
    Variant("scan-sorts-by-txid", "WRT-12", "sorts the records of a scan by txid", scan_sorts_by_txid),
    Variant("scan-offsets-run-on", "WRT-12", "counts the offsets of a scan over all segments", scan_offsets_run_on),
    Variant("scan-delete-without-payload", "WRT-12", "scans no payload of a Delete", scan_delete_without_payload),
    Variant("scan-leaves-out-deletes", "WRT-12", "leaves Delete records out of a scan", scan_leaves_out_deleted),
    Variant("scan-keeps-report", "WRT-13", "keeps the report of the open after a scan", scan_keeps_report),
    Variant(
        "scan-keeps-next-txid", "WRT-13", "keeps its next txid after a scan found a higher one", scan_keeps_next_txid
    ),
    Variant("scan-iter-refreshes-report", "WRT-14", "refreshes the report in a lazy scan", scan_iter_refreshes_report),
    Variant(
        "scan-iter-refreshes-next-txid",
        "WRT-14",
        "refreshes the next txid in a lazy scan",
        scan_iter_refreshes_next_txid,
    ),
    Variant(
        "scan-iter-of-active-segment", "WRT-14", "scans lazily the active segment only", scan_iter_of_active_segment
    ),
    Variant(
        "scan-iter-ends-in-silence", "WRT-15", "takes an error in a lazy scan for its end", scan_iter_ends_in_silence
    ),
    Variant("scan-iter-collects-first", "WRT-15", "yields nothing when an error comes later", scan_iter_collects_first),
    Variant(
        "scan-iter-tries-next-segment",
        "WRT-15",
        "goes on in the next segment and tells the error afterwards",
        scan_iter_tries_next_segment,
    ),
    Variant("report-of-open", "WRT-16", "answers with the report of the open for ever", report_of_open),
    Variant("report-counts-appends", "WRT-16", "counts appended records in the report", report_counts_appends),
    Variant("appends-stay-behind", "WRT-17", "appends to the old segment after a rotation", appends_stay_behind),
    Variant(
        "offsets-run-on-after-rotation", "WRT-17", "counts offsets on after a rotation", offsets_run_on_after_rotation
    ),
    Variant("rotation-leaves-a-mark", "WRT-17", "starts a rotated segment with a record", rotation_leaves_a_mark),
    Variant("key-limit-excluded", "WRT-18", "refuses a key of exactly the limit", key_limit_excluded),
    Variant("payload-limit-of-keys", "WRT-18", "holds payloads to the limit of keys", payload_limit_of_keys),
    Variant("active-segment-of-open", "WRT-19", "names the segment that was active at open", active_segment_of_open),
    Variant("active-segment-is-a-count", "WRT-19", "counts segments instead of naming one", active_segment_is_a_count),
    Variant("fsync-cuts-tail", "WRT-20", "cuts a damaged tail off in fsync", fsync_cuts_tail),
    Variant("close-cuts-tail", "WRT-20", "cuts a damaged tail off in close", close_cuts_tail),
    Variant("close-leaves-a-mark", "WRT-20", "writes a last record in close", close_leaves_a_mark),
    Variant("scans-segments-of-open", "WRT-21", "scans no segment that a rotation made", scans_segments_of_open),
    Variant("scans-from-latest-rotation", "WRT-21", "scans the active segment only", scans_from_latest_rotation),
    Variant("failed-scan-changes-report", "WRT-23", "reports a scan that failed", failed_scan_changes_report),
    Variant(
        "failed-scan-changes-next-txid",
        "WRT-23",
        "goes on behind a txid of a failed scan",
        failed_scan_changes_next_txid,
    ),
    Variant("target-of-link-made", "WRT-24", "makes the directory that a link names", target_of_link_made),
]
