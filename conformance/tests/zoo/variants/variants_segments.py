"""Variants of the directory: which files a port takes for segments, and in which order (profile SEG)."""

# As in the module that is patched here.
# ruff: noqa: PTH110, PTH114, PTH118, PTH123, PTH202

import os
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from types import ModuleType

from _patches_read import replay
from _variant import Variant

import datawal.log
from datawal import _files
from datawal._files import File
from datawal._recovery import Frame, Replay, Source
from datawal.errors import FrameError, NotDirectoryError, StorageError
from datawal.log import RecordLog
from datawal.reader import RecordLogReader
from datawal_spec import LOCK_NAME, MAGIC, ErrorKind, segment_id, segment_name

_LISTED = _files.list_segments
_SOURCES = _files.sources


def _names(spelled: Callable[[str], int | None]) -> None:
    """Let segments have the names for which `spelled` gives an id, and open each by the name it was found under."""
    found: dict[int, str] = {}

    def note(name: str) -> int | None:
        number = spelled(name)
        if number is not None:
            found[number] = name
        return number

    _files.segment_id = note
    _files.segment_path = lambda directory, number: os.path.join(directory, found.get(number, segment_name(number)))


def _listing(change: Callable[[str, list[int]], list[int]]) -> None:
    """Let `change` have the last word on which segments a directory holds."""
    _files.list_segments = lambda path: change(path, _LISTED(path))


def _pattern(pattern: str, flags: int = 0) -> Callable[[str], int | None]:
    expression = re.compile(pattern, flags)

    def spelled(name: str) -> int | None:
        match = expression.fullmatch(name)
        return int(match[1]) if match else None

    return spelled


def suffix_any_case(_adapter: ModuleType) -> None:
    """SEG-1: .DWAL will do, as on file systems that know no case."""
    _names(_pattern(r"([0-9]{8})\.dwal", re.IGNORECASE))


def digits_any_number(_adapter: ModuleType) -> None:
    """SEG-1: whatever makes a number is an id."""
    _names(_pattern(r"([0-9]{1,18})\.dwal"))


def digits_any_script(_adapter: ModuleType) -> None:
    """SEG-1: the regular expression's digits are those of Unicode."""
    _names(_pattern(r"(\d{8})\.dwal"))


def links_followed(_adapter: ModuleType) -> None:
    """SEG-2: a link to a regular file counts as one."""

    def listed(path: str) -> list[int]:
        with os.scandir(path) as entries:
            found = ((segment_id(entry.name), entry.is_file()) for entry in entries)
            return sorted(number for number, regular in found if number is not None and regular)

    _files.list_segments = listed
    _files._NEVER_WAIT_OR_FOLLOW &= ~os.O_NOFOLLOW


def no_files_refused(_adapter: ModuleType) -> None:
    """SEG-2: every name of a segment is opened, and what cannot be read fails the open."""

    def listed(path: str) -> list[int]:
        with os.scandir(path) as entries:
            return sorted(number for entry in entries if (number := segment_id(entry.name)) is not None)

    _files.list_segments = listed


def strange_files_refused(_adapter: ModuleType) -> None:
    """SEG-3: a directory with anything else in it is no log."""

    def refuse(path: str, segments: list[int]) -> list[int]:
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_file() and segment_id(entry.name) is None and entry.name != LOCK_NAME:
                    raise StorageError(action="open the log", path=entry.path, reason="what is this?")
        return segments

    _listing(refuse)


def prefix_is_enough(_adapter: ModuleType) -> None:
    """SEG-3: what follows the suffix is not looked at, so copies count too."""
    _names(_pattern(r"([0-9]{8})\.dwal.*"))


def sealed_descending(_adapter: ModuleType) -> None:
    """SEG-4: sealed segments are read in the order of a listing that happens to be descending."""

    def sources(directory: str, segments: Iterable[int], active: File | None = None) -> Generator[File, None, None]:
        sealed, last = list(segments), []
        if active is None and sealed:
            last = [sealed.pop()]
        return _SOURCES(directory, [*reversed(sealed), *last], active)

    _files.sources = sources


def by_unpadded_name(_adapter: ModuleType) -> None:
    """SEG-4: ids are sorted as the text of a number: 10 comes before 9."""
    _listing(lambda _path, segments: sorted(segments, key=str))


def until_first_gap(_adapter: ModuleType) -> None:
    """SEG-5: segments are counted up from the first one until there is none."""

    def follow(_path: str, segments: list[int]) -> list[int]:
        return [number for place, number in enumerate(segments) if number == segments[0] + place]

    _listing(follow)


def gap_refused(_adapter: ModuleType) -> None:
    """SEG-5: a gap means that a segment was lost."""

    def refuse(path: str, segments: list[int]) -> list[int]:
        if segments and segments[-1] - segments[0] >= len(segments):
            raise StorageError(action="open the log", path=path, reason="a segment is missing")
        return segments

    _listing(refuse)


def id_0_ignored(_adapter: ModuleType) -> None:
    """SEG-6: an id of 0 is taken for a name that was not understood."""
    _listing(lambda _path, segments: [number for number in segments if number])


def first_is_0(_adapter: ModuleType) -> None:
    """SEG-7: counting starts at 0."""
    datawal.log.FIRST_SEGMENT_ID = 0


def _rotate_to(choose: Callable[[list[int]], int]) -> None:
    """Let rotation make the segment that `choose` picks, given the ids there are."""
    original = RecordLog.rotate

    def rotate(self: RecordLog) -> None:
        before = self._segments
        self._segments = [*before, choose(before) - 1]
        try:
            original(self)
        finally:
            made = self._segments[len(before) + 1 :]
            self._segments = [*before, *made]

    RecordLog.rotate = rotate


def rotates_to_count(_adapter: ModuleType) -> None:
    """SEG-8: the next id is the number of segments plus 1."""
    _rotate_to(lambda segments: len(segments) + 1)


def rotates_into_gap(_adapter: ModuleType) -> None:
    """SEG-8: the next id is the lowest one that is free."""
    _rotate_to(lambda segments: next(number for number in range(1, 10**8) if number not in segments))


def active_has_records(_adapter: ModuleType) -> None:
    """SEG-9: the active segment is the last one with something in it."""
    original = RecordLog._open_active

    def open_active(self: RecordLog, directory: File) -> File:
        while len(self._segments) > 1 and not os.path.getsize(_files.segment_path(self._path, self._segments[-1])):
            self._segments.pop()
        return original(self, directory)

    RecordLog._open_active = open_active


def opens_new_segment(_adapter: ModuleType) -> None:
    """SEG-9: a log that holds anything is opened with a new segment for what will be appended."""
    original = RecordLog._open_active

    def open_active(self: RecordLog, directory: File) -> File:
        if self._segments and os.path.getsize(_files.segment_path(self._path, self._segments[-1])):
            self._segments.append(self._segments[-1] + 1)
            return _files.create_segment(self._path, self._segments[-1])
        return original(self, directory)

    RecordLog._open_active = open_active


def manifest(_adapter: ModuleType) -> None:
    """SEG-10: a file beside the segments lists them, and is believed where there is one."""
    create = _files.create_segment

    def write(directory: str, segments: list[int]) -> None:
        with open(os.path.join(directory, "MANIFEST"), "w") as file:
            file.write("\n".join(map(str, segments)))

    def create_segment(directory: str, segment: int) -> File:
        made = create(directory, segment)
        write(directory, _LISTED(directory))
        return made

    def believe(path: str, segments: list[int]) -> list[int]:
        with suppress(FileNotFoundError), open(os.path.join(path, "MANIFEST")) as file:
            return list(map(int, file.read().split()))
        if os.path.exists(os.path.join(path, LOCK_NAME)):
            write(path, segments)
        return segments

    _files.create_segment = create_segment
    _listing(believe)


def remembered(_adapter: ModuleType) -> None:
    """SEG-10: a process lists a directory once, and after that knows what it holds."""
    known: dict[str, list[int]] = {}

    def recall(path: str, segments: list[int]) -> list[int]:
        return list(known.setdefault(path, segments)) if segments else segments

    _listing(recall)


def lock_is_segment_0(_adapter: ModuleType) -> None:
    """SEG-11: a .lock that starts with a magic counts as the segment 0, and is left as it is."""

    def holds_frame(path: str) -> bool:
        with suppress(OSError), open(os.path.join(path, LOCK_NAME), "rb") as file:
            return file.read(len(MAGIC)) == MAGIC
        return False

    plain = _files.segment_path
    _files.segment_path = lambda directory, number: (
        plain(directory, number) if number else os.path.join(directory, LOCK_NAME)
    )
    _files.write_diagnostic = lambda _file, _text: None
    _listing(lambda path, segments: [0, *segments] if holds_frame(path) else segments)


class _Behind:
    """A segment with the rest of the one before it in front."""

    def __init__(self, rest: bytes, source: Source) -> None:
        self.segment, self.path = source.segment, source.path
        self._rest, self._source = rest, source
        self.size = len(rest) + source.size

    def read_at(self, offset: int, size: int, /) -> bytes:
        front = self._rest[offset : offset + size]
        return front + self._source.read_at(max(offset - len(self._rest), 0), size - len(front))


def frames_span_segments(_adapter: ModuleType) -> None:
    """SEG-12: segments are pieces of one stream: a frame may go on in the next one."""

    class Joined(Replay):
        rest = b""

        def _segment(self, source: Source, *, payloads: bool) -> Iterator[Frame]:
            joined = _Behind(self.rest, source)
            self.rest = b""
            try:
                yield from super()._segment(joined, payloads=payloads)
            except FrameError as error:
                if error.kind is not ErrorKind.TRUNCATED:
                    raise
                self.rest = joined.read_at(error.offset, joined.size - error.offset)

    replay(Joined)


def empty_ends_scan(_adapter: ModuleType) -> None:
    """SEG-13: reading nothing means that the log is at its end."""

    def sources(directory: str, segments: Iterable[int], active: File | None = None) -> Generator[File, None, None]:
        for file in _SOURCES(directory, segments, active):
            yield file
            if not file.size:
                return

    _files.sources = sources


def empty_refused(_adapter: ModuleType) -> None:
    """SEG-13: a sealed segment without a byte is damage, or cannot be mapped."""

    class Refusing(Replay):
        def _segment(self, source: Source, *, payloads: bool) -> Iterator[Frame]:
            if not source.size and source.segment != self._last:
                raise StorageError(action="map the segment", path=source.path, reason="it is empty")
            yield from super()._segment(source, payloads=payloads)

    replay(Refusing)


def _refuse_link(path: str) -> None:
    if os.path.islink(path):
        raise NotDirectoryError(action="open the directory", path=path, reason="it is a link")


def link_refused_by_writer(_adapter: ModuleType) -> None:
    """SEG-14: a writer wants the directory itself, no link to it."""
    original = _files.open_directory

    def open_directory(path: str) -> File:
        _refuse_link(path)
        return original(path)

    _files.open_directory = open_directory


def link_refused_by_reader(_adapter: ModuleType) -> None:
    """SEG-14: a reader wants the directory itself, no link to it."""
    original = RecordLogReader.__init__

    def init(self: RecordLogReader, dir: str) -> None:  # noqa: A002 - the reference's word
        _refuse_link(dir)
        original(self, dir)

    RecordLogReader.__init__ = init


VARIANTS = [
    Variant("suffix-any-case", "SEG-1", "takes .DWAL for .dwal", suffix_any_case),
    Variant("digits-any-number", "SEG-1", "takes any number of digits", digits_any_number),
    Variant("digits-any-script", "SEG-1", "takes digits of every script", digits_any_script),
    Variant("links-followed", "SEG-2", "follows links with names of segments", links_followed),
    Variant("no-files-refused", "SEG-2", "opens whatever has the name of a segment", no_files_refused),
    Variant("strange-files-refused", "SEG-3", "refuses a directory with other files in it", strange_files_refused),
    Variant("prefix-is-enough", "SEG-3", "takes 00000001.dwal.bak for a segment", prefix_is_enough),
    Variant("sealed-descending", "SEG-4", "reads sealed segments in descending order", sealed_descending),
    Variant("by-unpadded-name", "SEG-4", "sorts ids as text", by_unpadded_name),
    Variant("until-first-gap", "SEG-5", "stops at the first id that is missing", until_first_gap),
    Variant("gap-refused", "SEG-5", "refuses a log with a gap in its ids", gap_refused),
    Variant("id-0-ignored", "SEG-6", "ignores the segment 0", id_0_ignored),
    Variant("first-is-0", "SEG-7", "starts a new log with the segment 0", first_is_0),
    Variant("rotates-to-count", "SEG-8", "rotates to the number of segments plus 1", rotates_to_count),
    Variant("rotates-into-gap", "SEG-8", "rotates to the lowest free id", rotates_into_gap),
    Variant("active-has-records", "SEG-9", "goes on in the last segment that is not empty", active_has_records),
    Variant("opens-new-segment", "SEG-9", "starts a segment with every open", opens_new_segment),
    Variant("manifest", "SEG-10", "writes a manifest and believes it", manifest),
    Variant("remembered", "SEG-10", "lists a directory once in a process", remembered),
    Variant("lock-is-segment-0", "SEG-11", "reads a .lock that looks like a segment", lock_is_segment_0),
    Variant("frames-span-segments", "SEG-12", "lets a frame go on in the next segment", frames_span_segments),
    Variant("empty-ends-scan", "SEG-13", "stops at an empty segment", empty_ends_scan),
    Variant("empty-refused", "SEG-13", "refuses an empty sealed segment", empty_refused),
    Variant("link-refused-by-writer", "SEG-14", "writes to no log behind a link", link_refused_by_writer),
    Variant("link-refused-by-reader", "SEG-14", "reads no log behind a link", link_refused_by_reader),
]
