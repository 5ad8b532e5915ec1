"""Variants of the reader: what a port does differently beside a writer (profile RDR)."""

import fcntl
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from _variant import Variant

import datawal.log
import datawal.reader
from datawal import Record, RecordType, _files
from datawal._files import File
from datawal._recovery import Frame, Replay, Source
from datawal.errors import FrameError, LockedError, MissingError
from datawal.log import RecordIter
from datawal.reader import RecordLogReader
from datawal_spec import LOCK_NAME, segment_name

_INIT = RecordLogReader.__init__
_SCAN = RecordLogReader.scan_iter
_CLOSE = RecordLogReader.close


def _opening(*, before: Callable[[Path], None] | None = None, then: Callable[[RecordLogReader], None] | None = None):
    """Do something in front of the open of a reader, or behind it."""

    def init(self: RecordLogReader, dir: str) -> None:  # noqa: A002 - the reference's word
        if before:
            before(Path(dir))
        _INIT(self, dir)
        if then:
            then(self)

    RecordLogReader.__init__ = init


def _scanning(scan: Callable[[RecordLogReader], Iterator]) -> None:
    RecordLogReader.scan_iter = scan


def _locked_with(kind: int) -> None:
    """Let a reader lock .lock where there is one."""

    def lock(self: RecordLogReader) -> None:
        path = Path(self._path, LOCK_NAME)
        self.held = path.open("rb") if path.exists() else None
        if self.held:
            try:
                fcntl.flock(self.held, kind | fcntl.LOCK_NB)
            except BlockingIOError as error:
                self.held.close()
                raise LockedError(path=str(path), holder=None) from error

    def close(self: RecordLogReader) -> None:
        _CLOSE(self)
        if self.held:
            self.held.close()

    _opening(then=lock)
    RecordLogReader.close = close


def reader_locks(_adapter: ModuleType) -> None:
    """RDR-1: a reader takes the writer's lock."""
    _locked_with(fcntl.LOCK_EX)


def reader_shares_lock(_adapter: ModuleType) -> None:
    """RDR-1: readers share a lock that keeps writers out."""
    _locked_with(fcntl.LOCK_SH)


def reader_makes_lock(_adapter: ModuleType) -> None:
    """RDR-2: a reader makes the lock file, without locking it."""
    _opening(before=lambda path: path.joinpath(LOCK_NAME).touch() if path.is_dir() else None)


def reader_makes_segment(_adapter: ModuleType) -> None:
    """RDR-2: a reader makes the first segment where there is none; what it tells is the same."""
    _opening(
        then=lambda self: None if self._segments else _files.create_file(f"{self._path}/{segment_name(1)}").close(),
    )


def reader_makes_directory(_adapter: ModuleType) -> None:
    """RDR-2: a reader makes the directory, and fails all the same."""

    def make(path: Path) -> None:
        if not path.exists() and not path.is_symlink():
            path.mkdir(parents=True)
            raise MissingError(action="open", path=str(path), reason="there was nothing")

    _opening(before=make)


def _instead_of_missing(answer: Callable[[Path], None]) -> None:
    def init(self: RecordLogReader, dir: str) -> None:  # noqa: A002 - the reference's word
        try:
            _INIT(self, dir)
        except MissingError:
            answer(Path(dir))
            self._segments = ()
            self._closed = False

    RecordLogReader.__init__ = init


def missing_is_empty(_adapter: ModuleType) -> None:
    """RDR-3: where nothing is, there are no records."""
    _instead_of_missing(lambda _path: None)


def dangling_link_is_empty(_adapter: ModuleType) -> None:
    """RDR-3: the same, only where a link leads nowhere."""

    def refuse(path: Path) -> None:
        if not path.is_symlink():
            raise MissingError(action="open", path=str(path), reason="nothing is there")

    _instead_of_missing(refuse)


def no_directory_is_missing(_adapter: ModuleType) -> None:
    """RDR-4: what is no directory is not found."""

    def look(path: Path) -> None:
        if not path.is_dir():
            raise MissingError(action="open", path=str(path), reason="no directory is there")

    _opening(before=look)


def segments_listed_by_scan(_adapter: ModuleType) -> None:
    """RDR-5: every scan lists the directory anew."""
    _scanning(lambda self: RecordIter(self._path, _files.list_segments(self._path)))


def reader_ids_as_text(_adapter: ModuleType) -> None:
    """RDR-5: a reader gives the ids as the directory happens to list them."""
    _opening(then=lambda self: setattr(self, "_segments", tuple(reversed(self._segments))))


def empty_directory_is_missing(_adapter: ModuleType) -> None:
    """RDR-6: a directory without segments is no log."""

    def look(self: RecordLogReader) -> None:
        if not self._segments:
            raise MissingError(action="open", path=self._path, reason="no segment is there")

    _opening(then=look)


def _iterating(kind: type[RecordIter]) -> None:
    """Let readers scan with another iterator; that of a log stays."""
    datawal.reader.RecordIter = kind


def reader_forgives_nothing(_adapter: ModuleType) -> None:
    """RDR-7: to a reader, damage is an error wherever it is."""

    class Strict(RecordIter):
        def __init__(self, directory: str, segments: tuple[int, ...]) -> None:
            super().__init__(directory, segments)
            self._replay._last = -1

    _iterating(Strict)


def reader_forgives_all(_adapter: ModuleType) -> None:
    """RDR-7: a reader ends at damage, wherever and whatever it is."""

    class Lenient(RecordIter):
        def __next__(self) -> object:
            try:
                return super().__next__()
            except FrameError:
                raise StopIteration from None

    _iterating(Lenient)


def reader_last_is_listed(_adapter: ModuleType) -> None:
    """RDR-7: to a reader, the last segment is the highest that is in the directory when it scans."""

    class Looking(RecordIter):
        def __init__(self, directory: str, segments: tuple[int, ...]) -> None:
            super().__init__(directory, segments)
            self._replay._last = max(_files.list_segments(directory), default=-1)

    _iterating(Looking)


def open_judges(_adapter: ModuleType) -> None:
    """RDR-8: a reader scans once when it opens, and fails there."""

    def scan(self: RecordLogReader) -> None:
        for _ in _SCAN(self):
            pass

    _opening(then=scan)


def sizes_of_open(_adapter: ModuleType) -> None:
    """RDR-9: a reader reads as much of each segment as there was when it opened."""

    def measure(self: RecordLogReader) -> None:
        paths = {segment: Path(_files.segment_path(self._path, segment)) for segment in self._segments}
        self.sizes = {segment: path.stat().st_size for segment, path in paths.items()}

    def scan(self: RecordLogReader) -> RecordIter:
        made = _SCAN(self)

        def clipped(sources: Iterator[File]) -> Iterator[File]:
            for file in sources:
                file.size = min(file.size, self.sizes[file.segment])
                yield file

        made._replay._sources = clipped(made._replay._sources)
        return made

    _opening(then=measure)
    _scanning(scan)


class _Remembered:
    """The answers of a scan, to be given again."""

    def __init__(self, scan: RecordIter) -> None:
        self.records = list(scan)
        self.report = scan.recovery_report()

    def __iter__(self) -> Iterator:
        return iter(self.records)

    def recovery_report(self) -> object:
        return self.report


def first_scan_again(_adapter: ModuleType) -> None:
    """RDR-9: the first scan is remembered, and given again."""

    def scan(self: RecordLogReader) -> _Remembered:
        if not hasattr(self, "remembered"):
            self.remembered = _Remembered(_SCAN(self))
        return self.remembered

    _scanning(scan)


def one_scan(_adapter: ModuleType) -> None:
    """RDR-10: a reader has one position, and is at the end after the first scan."""

    def scan(self: RecordLogReader) -> RecordIter:
        if not hasattr(self, "running"):
            self.running = _SCAN(self)
        return self.running

    _scanning(scan)


def _yielding(change: Callable[[Record], Record | None]) -> None:
    """Let readers scan what `change` makes of each record, and leave out those it makes nothing of."""

    class Changed(RecordIter):
        def __next__(self) -> Record:
            while (made := change(super().__next__())) is None:
                pass
            return made

    _iterating(Changed)


def reader_leaves_out_deletes(_adapter: ModuleType) -> None:
    """RDR-11: a reader is not told of what was deleted."""
    _yielding(lambda record: None if record.type is RecordType.DELETE else record)


def reader_raw_without_key(_adapter: ModuleType) -> None:
    """RDR-11: to a reader, a Raw record has a payload and nothing else."""
    _yielding(lambda record: replace(record, key=b"") if record.type is RecordType.RAW else record)


def reader_collects_first(_adapter: ModuleType) -> None:
    """RDR-12: a reader reads everything before it yields a record."""

    class Eager(RecordIter):
        found: Iterator[Record] | None = None

        def __next__(self) -> Record:
            if self.found is None:
                self.found = iter(list(iter(super().__next__, None)))
            return next(self.found)

    _iterating(Eager)


def reader_yields_by_segment(_adapter: ModuleType) -> None:
    """RDR-12: a reader reads a segment as a whole, so an error in it costs all its records."""

    class BySegment(Replay):
        def _segment(self, source: Source, *, payloads: bool) -> Iterator[Frame]:
            yield from list(super()._segment(source, payloads=payloads))

    class Scan(RecordIter):
        def __init__(self, directory: str, segments: tuple[int, ...]) -> None:
            super().__init__(directory, segments)
            self._replay = BySegment(self._replay._sources, self._replay._last)
            self._records = datawal.log._records(self._replay)

    _iterating(Scan)


VARIANTS = [
    Variant("reader-locks", "RDR-1", "takes the lock for reading where .lock is there", reader_locks),
    Variant("reader-shares-lock", "RDR-1", "takes a shared lock for reading", reader_shares_lock),
    Variant("reader-makes-lock", "RDR-2", "makes .lock when it opens for reading", reader_makes_lock),
    Variant("reader-makes-segment", "RDR-2", "makes the first segment when it reads", reader_makes_segment),
    Variant("reader-makes-directory", "RDR-2", "makes the directory when it reads", reader_makes_directory),
    Variant("missing-is-empty", "RDR-3", "reads nothing where nothing is", missing_is_empty),
    Variant("dangling-link-is-empty", "RDR-3", "reads nothing where a link leads nowhere", dangling_link_is_empty),
    Variant("no-directory-is-missing", "RDR-4", "calls what is no directory not found", no_directory_is_missing),
    Variant("segments-listed-by-scan", "RDR-5", "lists segments at each scan", segments_listed_by_scan),
    Variant("reader-unsorted", "RDR-5", "does not sort the ids for a reader", reader_ids_as_text),
    Variant("empty-directory-is-missing", "RDR-6", "finds no log without segments", empty_directory_is_missing),
    Variant("reader-forgives-nothing", "RDR-7", "reports tail damage as an error", reader_forgives_nothing),
    Variant("reader-forgives-all", "RDR-7", "ends quietly at any damage", reader_forgives_all),
    Variant("reader-last-is-listed", "RDR-7", "looks for the last segment when it scans", reader_last_is_listed),
    Variant("open-judges", "RDR-8", "fails to open a reader on a damaged log", open_judges),
    Variant("sizes-of-open", "RDR-9", "reads up to where a segment ended at open", sizes_of_open),
    Variant("first-scan-again", "RDR-9", "gives the first scan's records again", first_scan_again),
    Variant("one-scan", "RDR-10", "goes on where the scan before ended", one_scan),
    Variant("reader-leaves-out-deletes", "RDR-11", "leaves Delete records out for a reader", reader_leaves_out_deletes),
    Variant("reader-raw-without-key", "RDR-11", "reads Raw records without their key", reader_raw_without_key),
    Variant("reader-collects-first", "RDR-12", "yields nothing to a reader if an error comes", reader_collects_first),
    Variant("reader-yields-by-segment", "RDR-12", "yields nothing of a damaged segment", reader_yields_by_segment),
]
