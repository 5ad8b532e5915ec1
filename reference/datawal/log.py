"""The record log: appending, syncing, rotating, and scanning what is there."""

import os
import stat
from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import Final, Self, TypeAlias
from weakref import WeakSet

from datawal import _files, _lock
from datawal._files import StrPath
from datawal._frame import BytesLike, Record, RecordRef, as_bytes, check_record_type, check_sizes, encode
from datawal._recovery import RecoveryReport, Replay
from datawal.errors import (
    ClosedError,
    MissingError,
    ObstructedError,
    PoisonedError,
    SegmentIdsExhaustedError,
    StorageError,
    TxidExhaustedError,
)
from datawal_spec import (
    FIRST_SEGMENT_ID,
    MAX_SEGMENT_ID,
    MAX_TXID,
    RecordType,
    segment_name,
)

Observer: TypeAlias = Callable[[int, bytes, RecordRef, int], None]
"""Called with type, key, reference and txid of every record: recovered ones first, then appended ones."""

_TYPES: Final = tuple(RecordType)
_open_logs: Final[WeakSet["RecordLog"]] = WeakSet()


def _records(replay: Replay) -> Generator[Record, None, None]:
    frames = replay.frames(payloads=True)
    with closing(frames):
        for record_type, txid, key, payload, offset, length in frames:
            yield Record(_TYPES[record_type], txid, key, payload, replay.segment, offset, length)


class RecordIter:
    """A lazy scan: an iterator over records that holds one of them at a time (clauses WRT-14 and WRT-15).

    It has descriptors of its own, so it goes on when the handle that made it is closed; `close` it, or use it
    in a `with` block, to stop early. Raises FrameError behind the last record in front of bad damage.
    """

    __slots__ = ("_records", "_replay")

    def __init__(self, directory: str, segments: list[int] | tuple[int, ...]) -> None:
        segments = tuple(segments)
        self._replay = Replay(_files.sources(directory, segments), segments[-1] if segments else -1)
        self._records = _records(self._replay)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Record:
        return next(self._records)

    def recovery_report(self) -> RecoveryReport:
        """What this scan has found so far; the whole truth once it is exhausted."""
        return self._replay.report()

    def close(self) -> None:
        """End the scan and close its descriptor."""
        self._records.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RecordLog:
    """A log opened for writing, by one handle at a time (profiles WRT, REC, LOCK, POI, DUR, SAFE).

    `RecordLog(dir)` and `RecordLog.open(dir)` are the same. Opening makes the directory and its first segment
    where they are missing, takes the lock, and verifies every frame. It raises LockedError, FrameError when
    the log is damaged anywhere but at its end, and StorageError or one of its subclasses.

    Damage at the end of the last segment is only reported. The first append or rotate cuts it off and syncs
    before it does anything else; fsync, close and scans never do. Should the active segment have another
    length than this handle left it with, the handle is poisoned instead of writing behind what it never saw.

    `observer` is told every record, first the recovered and then the appended ones; it must not raise.

    A handle belongs to one thread at a time. After `os.fork` the child's copy is closed: the lock is the
    parent's. A handle that is dropped closes itself.
    """

    def __init__(self, dir: StrPath, *, observer: Observer | None = None) -> None:  # noqa: A002 - the crate's word
        self._given = dir
        self._path = _files.absolute(dir)
        self._observer = observer
        self._poison_reason: str | None = None
        self._closed = True
        held: list[_files.File] = []
        try:
            held.append(_open_or_make_directory(self._path))
            held.append(_lock.acquire(self._path))
            self._segments = _files.list_segments(self._path)
            held.append(self._open_active(held[0]))
            self._directory, self._lock, self._active = held
            self._recover()
        except BaseException:
            for file in held:
                file.close()
            raise
        self._closed = False
        _open_logs.add(self)

    @classmethod
    def open(cls, dir: StrPath) -> Self:  # noqa: A002 - the crate's word
        """Open the log in `dir` for writing, see the class."""
        return cls(dir)

    def _open_active(self, directory: _files.File) -> _files.File:
        if self._segments:
            return _files.open_segment(self._path, self._segments[-1], writable=True)
        active = _files.create_segment(self._path, FIRST_SEGMENT_ID)
        try:
            directory.sync()
            # An earlier open may have been killed between making the directory and syncing its name.
            _files.sync_parent_if_allowed(self._path)
        except BaseException:
            active.close()
            raise
        self._segments = [FIRST_SEGMENT_ID]
        return active

    def _recover(self) -> None:
        sources = _files.sources(self._path, self._segments[:-1], self._active)
        replay = Replay(sources, self._segments[-1])
        frames = replay.frames(payloads=False)
        if self._observer is None:
            deque(frames, maxlen=0)
        else:
            for record_type, txid, key, _, offset, length in frames:
                self._observer(record_type, key, RecordRef(replay.segment, offset, length), txid)
        self._adopt(replay)

    def _adopt(self, replay: Replay) -> None:
        self._report = replay.report()
        self._next_txid = self._report.last_txid_seen + 1
        self._end = replay.end
        self._size = replay.size

    @property
    def dir(self) -> Path:
        """The directory, as it was given."""
        return Path(self._given)

    @property
    def active_segment(self) -> int:
        """Id of the segment that receives appends (clauses SEG-9 and WRT-19)."""
        return self._segments[-1]

    @property
    def is_poisoned(self) -> bool:
        """Whether a write, sync or rotation failed on this handle (clause POI-5)."""
        return self._poison_reason is not None

    def recovery_report(self) -> RecoveryReport:
        """What the latest open or scan of this handle found (clause WRT-16)."""
        return self._report

    def append(self, payload: BytesLike) -> RecordRef:
        """Append a Raw record with an empty key (clause WRT-3); see `append_record`."""
        return self.append_record(RecordType.RAW, b"", payload)

    def append_record(self, record_type: RecordType, key: BytesLike, payload: BytesLike) -> RecordRef:
        """Append one record with a single write and no sync; tells where it stands (clauses WRT-4 to WRT-11).

        Raises TypeError, TooLargeError and TxidExhaustedError before anything is written; PoisonedError;
        StorageError when the write fails, which poisons the handle.
        """
        self._require_writable()
        check_record_type(record_type)
        key = as_bytes(key, "key")
        payload = as_bytes(payload, "payload")
        check_sizes(key, payload)
        txid = self._next_txid
        if txid > MAX_TXID:
            raise TxidExhaustedError
        frame = encode(record_type, txid, key, payload)
        try:
            self._cut_damaged_tail()
            self._active.write(frame)
        except BaseException as error:
            self._poison(error)
            raise
        ref = RecordRef(self._active.segment, self._end, len(frame))
        self._end += ref.len
        self._size = self._end
        self._next_txid = txid + 1
        if self._observer is not None:
            self._observer(record_type, key, ref, txid)
        return ref

    def _cut_damaged_tail(self) -> None:
        """Make the logical end the end of the file (clauses SAFE-1 to SAFE-4)."""
        size = self._active.length()
        if size != self._size:
            raise StorageError(
                action="write",
                path=self._active.path,
                reason=f"expected a length of {self._size} bytes, found {size}: something else wrote to it",
            )
        if size != self._end:
            self._active.truncate(self._end)
            self._active.sync()
            self._size = self._end

    def fsync(self) -> None:
        """Bring every record appended so far to stable storage (clauses DUR-1 and WRT-20).

        Raises PoisonedError; StorageError when a sync fails, which poisons the handle.
        """
        self._require_writable()
        try:
            self._active.sync()
            self._directory.sync()
        except BaseException as error:
            self._poison(error)
            raise

    def rotate(self) -> None:
        """Sync the active segment and go on in a new one (clauses SEG-8, WRT-17, DUR-2, SAFE-3, SAFE-7).

        Raises SegmentIdsExhaustedError, and ObstructedError when something that is no segment has the next
        one's name; both leave everything as it was, the handle usable. Raises PoisonedError; any other failure
        poisons the handle, and so does a regular file in the next segment's place: it makes the active segment
        one that may not end torn.
        """
        self._require_writable()
        following = self._segments[-1] + 1
        if following > MAX_SEGMENT_ID:
            raise SegmentIdsExhaustedError(self._segments[-1])
        path = _files.segment_path(self._path, following)
        mode = _files.mode_at(path)
        if mode is not None and not stat.S_ISREG(mode):
            raise ObstructedError(
                action="rotate",
                path=path,
                reason="something stands where the next segment goes; move it away and try again",
            )
        try:
            self._cut_damaged_tail()
            self._active.sync()
            active = _files.create_segment(self._path, following)
            try:
                self._directory.sync()
            except BaseException:
                active.close()
                raise
        except BaseException as error:
            self._poison(error)
            raise
        self._active.close()
        self._active = active
        self._segments.append(following)
        self._end = self._size = 0

    def scan(self) -> list[Record]:
        """All records, verified anew; refreshes report, next txid and logical end (clauses WRT-12, WRT-13).

        Raises FrameError where an open would; the handle then stays as it was.
        """
        self._require_open()
        replay = Replay(_files.sources(self._path, self._segments), self._segments[-1])
        records = list(_records(replay))
        self._adopt(replay)
        return records

    def scan_iter(self) -> RecordIter:
        """The records that `scan` gives, one at a time; changes nothing in this handle (clause WRT-14)."""
        self._require_open()
        return RecordIter(self._path, self._segments)

    def close(self) -> None:
        """Release the lock and all descriptors, without a sync (clauses LOCK-4, LOCK-7); twice is harmless."""
        if not self._closed:
            _lock.release(self._lock)
            self._forget()

    def _forget(self) -> None:
        """Close the descriptors without releasing the lock: in a forked child it is the parent's (LOCK-10)."""
        self._closed = True
        _open_logs.discard(self)
        for file in (self._active, self._lock, self._directory):
            file.close()

    def _poison(self, error: BaseException | str) -> None:
        """Poison the handle; the first reason stays."""
        if self._poison_reason is None:
            self._poison_reason = str(error) or repr(error)

    def _require_open(self) -> None:
        if self._closed:
            raise ClosedError(type(self).__name__)

    def _require_writable(self) -> None:
        if self._closed:
            raise ClosedError(type(self).__name__)
        if self._poison_reason is not None:
            raise PoisonedError(self._poison_reason)

    def __enter__(self) -> Self:
        self._require_open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # The poisoned handle's advice is "drop handle and reopen": dropping has to release the lock.
        if not getattr(self, "_closed", True):
            self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "poisoned" if self.is_poisoned else "open"
        return f"<RecordLog {self._path!r} {state}, active segment {segment_name(self._segments[-1])}>"


def _open_or_make_directory(path: str) -> _files.File:
    try:
        return _files.open_directory(path)
    except MissingError:
        _files.make_directories(path)
        return _files.open_directory(path)


def _forget_all() -> None:
    for log in list(_open_logs):
        log._forget()  # noqa: SLF001 - the same module's


os.register_at_fork(after_in_child=_forget_all)
