"""Variants of safety: the mistakes of the published crate 0.1.5, and what someone may do who corrects half of one."""

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from _patches_write import checked_frame, end_of, replaced, wrap, write_plainly
from _variant import Variant

from datawal import DataWal, ObstructedError, RecordLog, TxidExhaustedError, _files, _jsonl
from datawal import log as log_module
from datawal_spec import HEADER_LEN, LOCK_NAME, MAX_SEGMENT_ID, MAX_TXID

_Items = Iterable[tuple[bytes, bytes]]


def _kept_tails(keeps: Callable[[int], bool]) -> None:
    """Write behind a damaged tail when `keeps` says so of its length, with true references."""

    def cut(inner: Callable[..., None], self: RecordLog) -> None:
        if keeps(self._size - self._end):
            end_of(self, self._active.length())
        inner(self)

    wrap(RecordLog, "_cut_damaged_tail", cut)


def tail_kept(_adapter: ModuleType) -> None:
    """S1: write behind whatever is there."""
    _kept_tails(lambda _size: True)


def long_tail_kept(_adapter: ModuleType) -> None:
    """Cut a torn header, and write behind a torn body."""
    _kept_tails(lambda size: size >= HEADER_LEN)


def short_tail_kept(_adapter: ModuleType) -> None:
    """S2: cut a torn body, and write behind a torn header."""
    _kept_tails(lambda size: size < HEADER_LEN)


def rotation_keeps_tail(_adapter: ModuleType) -> None:
    """S3: rotation seals a segment with its damaged tail."""

    def rotate(inner: Callable[..., None], self: RecordLog) -> None:
        with replaced(RecordLog, "_cut_damaged_tail", lambda _self: None):
            inner(self)

    wrap(RecordLog, "rotate", rotate)


def references_ignore_tail(_adapter: ModuleType) -> None:
    """S4: write behind the damage, and count offsets from in front of it."""
    RecordLog._cut_damaged_tail = lambda _self: None


def reference_counts_tail(_adapter: ModuleType) -> None:
    """Cut the tail, and answer with the offset behind what was cut."""

    def append(inner: Callable[..., Any], self: RecordLog, *args: Any) -> Any:
        cut = self._size - self._end
        ref = inner(self, *args)
        return replace(ref, offset=ref.offset + cut)

    wrap(RecordLog, "append_record", append)


def _when_exhausted(extra: Callable[[RecordLog], object]) -> None:
    def append(inner: Callable[..., Any], self: RecordLog, *args: Any) -> Any:
        if self._next_txid > MAX_TXID:
            extra(self)
        return inner(self, *args)

    wrap(RecordLog, "append_record", append)


def txid_wraps(_adapter: ModuleType) -> None:
    """S5: 1 follows the highest txid."""
    _when_exhausted(lambda self: setattr(self, "_next_txid", 1))


def txid_stays(_adapter: ModuleType) -> None:
    """The highest txid follows itself."""
    _when_exhausted(lambda self: setattr(self, "_next_txid", MAX_TXID))


def last_txid_written_as_failed(_adapter: ModuleType) -> None:
    """S6: raise the txid after writing, and fail when that is not possible."""

    def append(inner: Callable[..., Any], self: RecordLog, *args: Any) -> Any:
        last = self._next_txid == MAX_TXID
        ref = inner(self, *args)
        if last:
            raise TxidExhaustedError
        return ref

    wrap(RecordLog, "append_record", append)


def segment_ids_go_on(_adapter: ModuleType) -> None:
    """S7: 100000000 follows 99999999."""
    log_module.MAX_SEGMENT_ID = MAX_SEGMENT_ID * 10
    _files.segment_name = lambda number: f"{number:08}.dwal"


def segment_ids_wrap(_adapter: ModuleType) -> None:
    """0 follows 99999999."""

    def rotate(inner: Callable[..., None], self: RecordLog) -> None:
        if self._segments[-1] == MAX_SEGMENT_ID:
            self._segments.append(-1)
        inner(self)

    wrap(RecordLog, "rotate", rotate)


def _create_with(flags: int) -> None:
    """Create segments with other flags, and let rotation look through links before it does."""

    def create(directory: str, segment: int) -> _files.File:
        path = _files.segment_path(directory, segment)
        return _files.File(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | flags, 0o666), path, segment)

    def mode_at(path: str) -> int | None:
        return os.stat(path).st_mode if os.path.exists(path) else None  # noqa: PTH110, PTH116 - like what it replaces

    def rotate(inner: Callable[..., None], self: RecordLog) -> None:
        with replaced(_files, "mode_at", mode_at):
            inner(self)

    _files.create_segment = create
    wrap(RecordLog, "rotate", rotate)


def new_segment_truncates(_adapter: ModuleType) -> None:
    """S8: empty what has the next segment's name, through links too."""
    _create_with(os.O_TRUNC)


def new_segment_through_link(_adapter: ModuleType) -> None:
    """Follow a link, but empty nothing."""
    _create_with(0)


def new_segment_truncates_file(_adapter: ModuleType) -> None:
    """Empty a file that has the next segment's name, but follow no link."""
    _create_with(os.O_TRUNC | os.O_NOFOLLOW)


def _export_through(name: Callable[[str], str]) -> None:
    """Write an export into a file that `name` calls after the target, then rename it."""

    def export(items: _Items, _source: str, path: str) -> None:
        _files.make_directories(_files.parent_of(path))
        building = name(path)
        try:
            write_plainly(building, _jsonl._lines(items))
            _files.rename(building, path)
        except BaseException:
            _files.discard_file(building)
            raise

    _jsonl.export = export


def export_through_o_tmp(_adapter: ModuleType) -> None:
    """S10: o.jsonl is written as o.tmp."""
    _export_through(lambda path: str(Path(path).with_suffix(".tmp")))


def export_through_o_jsonl_tmp(_adapter: ModuleType) -> None:
    """o.jsonl is written as o.jsonl.tmp."""
    _export_through(lambda path: f"{path}.tmp")


def export_through_hidden_tmp(_adapter: ModuleType) -> None:
    """o.jsonl is written as .o.jsonl.tmp."""
    _export_through(lambda path: str(Path(path).with_name(f".{Path(path).name}.tmp")))


def get_asks_no_key(_adapter: ModuleType) -> None:
    """S13: get verifies the frame, whosever it is."""
    DataWal._read = lambda self, _key, entry: checked_frame(self, entry)[1]


def lock_through_link(_adapter: ModuleType) -> None:
    """S14: open .lock through a link."""

    def open_lock_file(directory: str) -> _files.File:
        path = str(Path(directory, LOCK_NAME))
        return _files.File(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), path)

    _files.open_lock_file = open_lock_file


def _next_path(self: RecordLog) -> Path:
    return Path(_files.segment_path(self._path, self._segments[-1] + 1))


def _is_obstacle(path: Path) -> bool:
    return path.is_symlink() or (path.exists() and not path.is_file())


def rotation_clears_the_way(_adapter: ModuleType) -> None:
    """Remove what stands in the way of the next segment."""

    def rotate(inner: Callable[..., None], self: RecordLog) -> None:
        path = _next_path(self)
        if _is_obstacle(path):
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()
        inner(self)

    wrap(RecordLog, "rotate", rotate)


def rotation_passes_by(_adapter: ModuleType) -> None:
    """Take the next name that is free."""

    def rotate(inner: Callable[..., None], self: RecordLog) -> None:
        kept = list(self._segments)
        while _is_obstacle(_next_path(self)):
            self._segments[-1] += 1
        inner(self)
        self._segments[: len(kept)] = kept

    wrap(RecordLog, "rotate", rotate)


def rotation_gives_up_silently(_adapter: ModuleType) -> None:
    """Go on in the old segment, and say nothing."""

    def rotate(inner: Callable[..., None], self: RecordLog) -> None:
        try:
            inner(self)
        except ObstructedError:
            return

    wrap(RecordLog, "rotate", rotate)


def obstructed_rotation_loses_last(_adapter: ModuleType) -> None:
    """When rotation fails, take back too much."""

    def rotate(inner: Callable[..., None], self: RecordLog) -> None:
        try:
            inner(self)
        except ObstructedError:
            self._active.truncate(0)
            raise

    wrap(RecordLog, "rotate", rotate)


VARIANTS = [
    Variant("tail-kept", "SAFE-1", "appends behind a damaged tail", tail_kept),
    Variant("long-tail-kept", "SAFE-1", "appends behind a damaged tail of 24 bytes or more", long_tail_kept),
    Variant("short-tail-kept", "SAFE-2", "appends behind a torn header", short_tail_kept),
    Variant("rotation-keeps-tail", "SAFE-3", "rotates away from a damaged tail", rotation_keeps_tail),
    Variant("references-ignore-tail", "SAFE-4", "counts offsets from in front of a kept tail", references_ignore_tail),
    Variant("reference-counts-tail", "SAFE-4", "counts offsets from behind a tail it cut", reference_counts_tail),
    Variant("txid-wraps", "SAFE-5", "gives the txid 1 after the highest", txid_wraps),
    Variant("txid-stays", "SAFE-5", "gives the highest txid again", txid_stays),
    Variant("last-txid-written-as-failed", "SAFE-6", "writes the last txid and fails", last_txid_written_as_failed),
    Variant("segment-ids-go-on", "SAFE-7", "makes 100000000.dwal", segment_ids_go_on),
    Variant("segment-ids-wrap", "SAFE-7", "makes 00000000.dwal after 99999999.dwal", segment_ids_wrap),
    Variant(
        "new-segment-truncates", "SAFE-8", "empties what a link with a segment's name names", new_segment_truncates
    ),
    Variant(
        "new-segment-through-link", "SAFE-8", "writes through a link with a segment's name", new_segment_through_link
    ),
    Variant(
        "new-segment-truncates-file",
        "SAFE-8",
        "empties a file with the next segment's name",
        new_segment_truncates_file,
    ),
    Variant("export-through-o-tmp", "SAFE-10", "overwrites and removes o.tmp", export_through_o_tmp),
    Variant("export-through-o-jsonl-tmp", "SAFE-10", "overwrites o.jsonl.tmp", export_through_o_jsonl_tmp),
    Variant("export-through-hidden-tmp", "SAFE-10", "overwrites .o.jsonl.tmp", export_through_hidden_tmp),
    Variant("get-asks-no-key", "SAFE-13", "gives another key's value", get_asks_no_key),
    Variant("lock-through-link", "SAFE-14", "writes its process id through a link", lock_through_link),
    Variant("rotation-clears-the-way", "SAFE-15", "removes what stands in the way", rotation_clears_the_way),
    Variant("rotation-passes-by", "SAFE-15", "takes the next free segment id", rotation_passes_by),
    Variant("rotation-gives-up-silently", "SAFE-15", "says nothing of a failed rotation", rotation_gives_up_silently),
    Variant(
        "obstructed-rotation-loses-last",
        "SAFE-15",
        "empties the segment when rotation fails",
        obstructed_rotation_loses_last,
    ),
]
