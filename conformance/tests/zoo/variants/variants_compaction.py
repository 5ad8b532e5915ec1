"""Variants of compaction: one or more for every clause of CMP."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from _patches_write import before, change_answer, cut_tail, replaced, signed_bytes, utf_16, wrap
from _variant import Variant

from datawal import (
    CompactionStats,
    DataWal,
    DatawalError,
    MissingError,
    NotEmptyError,
    Record,
    RecordType,
    StorageError,
    _compact,
    _files,
)
from datawal._frame import encode
from datawal_spec import frame_len

_Items = Iterable[tuple[bytes, bytes]]


def _look_first(look: Callable[[str], object]) -> None:
    """Let a compaction `look` at its target before anything else."""

    def compact(inner: Callable[..., Any], items: _Items, source: str, out: str) -> Any:
        look(out)
        return inner(items, source, out)

    wrap(_compact, "compact", compact)


def target_parents_not_made(_adapter: ModuleType) -> None:
    """Make the target but no parents of it."""

    def look(out: str) -> None:
        if not Path(out).parent.exists():
            raise MissingError(action="compact into", path=out, reason="its parent is missing")

    _look_first(look)


def target_not_made(_adapter: ModuleType) -> None:
    """Want a target that exists."""

    def look(out: str) -> None:
        if not Path(out).exists():
            raise MissingError(action="compact into", path=out, reason="it is missing")

    _look_first(look)


def empty_target_refused(_adapter: ModuleType) -> None:
    """Want a target that does not exist."""

    def look(out: str) -> None:
        if Path(out).is_dir():
            raise NotEmptyError(action="compact into", path=out, reason="it exists")

    _look_first(look)


def hidden_files_removed(_adapter: ModuleType) -> None:
    """Take a target with nothing but hidden files for empty, and make it so."""

    def look(out: str) -> None:
        target = Path(out)
        found = list(target.iterdir()) if target.is_dir() else []
        if all(path.name.startswith(".") and path.is_file() for path in found):
            for path in found:
                path.unlink()

    _look_first(look)


def refused_target_marked(_adapter: ModuleType) -> None:
    """Leave a file in a target directory, before anything is judged."""

    def look(out: str) -> None:
        if Path(out).is_dir():
            Path(out, ".compacting").touch()

    _look_first(look)


def not_empty_is_io(_adapter: ModuleType) -> None:
    """Refuse a target that is not empty as if the system had."""

    def compact(inner: Callable[..., Any], *args: Any) -> Any:
        try:
            return inner(*args)
        except NotEmptyError as problem:
            raise StorageError(action="compact into", path=problem.path, reason="not empty") from problem

    wrap(_compact, "compact", compact)


def file_target_replaced(_adapter: ModuleType) -> None:
    """Remove a file that stands where the target goes."""
    _look_first(lambda out: Path(out).is_file() and Path(out).unlink())


def _reordered(change: Callable[[_Items], _Items]) -> None:
    wrap(_compact, "compact", lambda inner, items, source, out: inner(change(items), source, out))


def compact_sorts_signed(_adapter: ModuleType) -> None:
    """Sort keys by signed bytes."""
    _reordered(lambda items: sorted(items, key=signed_bytes))


def compact_sorts_utf_16(_adapter: ModuleType) -> None:
    """Sort keys as strings of UTF-16 are sorted."""
    _reordered(lambda items: sorted(items, key=utf_16))


def compact_keeps_order(_adapter: ModuleType) -> None:
    """Write keys in the order in which they were first put."""

    def compact_to(inner: Callable[..., Any], self: DataWal, out: str) -> Any:
        with replaced(DataWal, "_sorted_items", DataWal.items):
            return inner(self, out)

    wrap(DataWal, "compact_to", compact_to)


def compact_drops_empty_values(_adapter: ModuleType) -> None:
    """Leave out keys with an empty value."""
    _reordered(lambda items: (item for item in items if item[1]))


def compact_keeps_txids(_adapter: ModuleType) -> None:
    """Write the txids of the source."""

    def compact_to(inner: Callable[..., Any], self: DataWal, out: str) -> Any:
        def frames(items: _Items) -> Iterator[bytes]:
            for key, value in items:
                yield encode(RecordType.PUT, self._index[key].txid, key, value)

        with replaced(_compact, "_frames", frames):
            return inner(self, out)

    wrap(DataWal, "compact_to", compact_to)


def compact_counts_from_0(_adapter: ModuleType) -> None:
    """Write the txids 0, 1, 2 and so on."""
    _compact.FIRST_TXID = 0


def _carry_over(choose: Callable[[DataWal, Record], bool]) -> None:
    """Let a compaction write more records of the source, in front of the live ones."""

    def compact_to(inner: Callable[..., Any], self: DataWal, out: str) -> Any:
        extra = [record for record in self.log.scan_iter() if choose(self, record)]

        def frames(items: _Items) -> Iterator[bytes]:
            for txid, record in enumerate(extra, 1):
                yield encode(record.type, txid, record.key, record.payload)
            for txid, (key, value) in enumerate(items, len(extra) + 1):
                yield encode(RecordType.PUT, txid, key, value)

        with replaced(_compact, "_frames", frames):
            return inner(self, out)

    wrap(DataWal, "compact_to", compact_to)


def tombstones_carried_over(_adapter: ModuleType) -> None:
    """Write Delete records too."""
    _carry_over(lambda _store, record: record.type is RecordType.DELETE)


def raw_carried_over(_adapter: ModuleType) -> None:
    """Write Raw records too."""
    _carry_over(lambda _store, record: record.type is RecordType.RAW)


def overwritten_carried_over(_adapter: ModuleType) -> None:
    """Write overwritten values of present keys too."""

    def overwritten(store: DataWal, record: Record) -> bool:
        ref = store.ref_of(record.key)
        return record.type is RecordType.PUT and ref is not None and ref != record.ref

    _carry_over(overwritten)


def stats_without_frames(_adapter: ModuleType) -> None:
    """Count the bytes of keys and values only."""

    def fewer(stats: CompactionStats) -> CompactionStats:
        return replace(stats, bytes_written=stats.bytes_written - frame_len(0, 0) * stats.records_written)

    change_answer(_compact, "compact", fewer)


def stats_of_source(_adapter: ModuleType) -> None:
    """Count the records of the source as live keys."""

    def compact_to(inner: Callable[..., Any], self: DataWal, out: str) -> Any:
        return replace(inner(self, out), live_keys=sum(1 for _ in self.log.scan_iter()))

    wrap(DataWal, "compact_to", compact_to)


def compact_cuts_source(_adapter: ModuleType) -> None:
    """Cut a damaged tail of the source off first."""
    before(DataWal, "compact_to", lambda self: cut_tail(self.log))


def compact_rotates_source(_adapter: ModuleType) -> None:
    """Rotate the source first."""
    before(DataWal, "compact_to", lambda self: self.log.rotate())


def refused_compact_marks_source(_adapter: ModuleType) -> None:
    """Leave a Raw record in the source when a target is refused."""

    def compact_to(inner: Callable[..., Any], self: DataWal, out: str) -> Any:
        try:
            return inner(self, out)
        except DatawalError:
            self.log.append(b"compaction failed")
            raise

    wrap(DataWal, "compact_to", compact_to)


def target_continues_ids(_adapter: ModuleType) -> None:
    """Give the target's segment the id of the source's active one."""

    def compact_to(inner: Callable[..., Any], self: DataWal, out: str) -> Any:
        with replaced(_compact, "FIRST_SEGMENT_ID", self.log.active_segment):
            return inner(self, out)

    wrap(DataWal, "compact_to", compact_to)


def target_rotated(_adapter: ModuleType) -> None:
    """Leave an empty second segment in the target."""

    def build(inner: Callable[..., Any], items: _Items, directory: str) -> Any:
        stats = inner(items, directory)
        _files.create_segment(directory, 2).close()
        return stats

    wrap(_compact, "_build", build)


VARIANTS = [
    Variant("target-parents-not-made", "CMP-1", "makes the target but not its parents", target_parents_not_made),
    Variant("target-not-made", "CMP-1", "compacts only into an existing directory", target_not_made),
    Variant("empty-target-refused", "CMP-2", "refuses an empty target", empty_target_refused),
    Variant("hidden-files-removed", "CMP-3", "empties a target with only hidden files", hidden_files_removed),
    Variant("refused-target-marked", "CMP-3", "leaves a file in a target it refuses", refused_target_marked),
    Variant("not-empty-is-io", "CMP-3", "does not say that the target is not empty", not_empty_is_io),
    Variant("file-target-replaced", "CMP-4", "replaces a file that stands at the target", file_target_replaced),
    Variant("compact-sorts-signed", "CMP-5", "sorts keys by signed bytes", compact_sorts_signed),
    Variant("compact-sorts-utf-16", "CMP-5", "sorts keys as UTF-16 strings", compact_sorts_utf_16),
    Variant("compact-keeps-order", "CMP-5", "writes keys in the order of the source", compact_keeps_order),
    Variant("compact-drops-empty-values", "CMP-5", "leaves out keys with an empty value", compact_drops_empty_values),
    Variant("compact-keeps-txids", "CMP-6", "writes the txids of the source", compact_keeps_txids),
    Variant("compact-counts-from-0", "CMP-6", "starts with the txid 0", compact_counts_from_0),
    Variant("tombstones-carried-over", "CMP-7", "writes Delete records into the target", tombstones_carried_over),
    Variant("raw-carried-over", "CMP-7", "writes Raw records into the target", raw_carried_over),
    Variant("overwritten-carried-over", "CMP-7", "writes overwritten values into the target", overwritten_carried_over),
    Variant("stats-without-frames", "CMP-8", "counts only the bytes of keys and values", stats_without_frames),
    Variant("stats-of-source", "CMP-8", "states the records of the source as live keys", stats_of_source),
    Variant("compact-cuts-source", "CMP-9", "cuts a damaged tail of the source off", compact_cuts_source),
    Variant("compact-rotates-source", "CMP-9", "rotates the source", compact_rotates_source),
    Variant(
        "refused-compact-marks-source", "CMP-9", "writes of a failure into the source", refused_compact_marks_source
    ),
    Variant("target-continues-ids", "CMP-10", "numbers the target's segment on", target_continues_ids),
    Variant("target-rotated", "CMP-10", "leaves a second, empty segment in the target", target_rotated),
]
