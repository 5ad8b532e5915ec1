"""Writing the live keys into a fresh log that appears whole or not at all (profile CMP).

Strategy: the log is built in a directory beside the target, under a name nobody can guess; its segment and its
names are synced; one rename puts it into place, and the parent is synced. rename(2) replaces an empty directory
and refuses any other, so a target that fills up meanwhile is not harmed.
"""

import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from datawal import _files
from datawal._frame import encode
from datawal.errors import NotDirectoryError, NotEmptyError
from datawal_spec import FIRST_SEGMENT_ID, FIRST_TXID, RecordType


@dataclass(frozen=True, slots=True)
class CompactionStats:
    """What a compaction wrote (clause CMP-8).

    `live_keys` and `records_written` count records, `bytes_written` the bytes of their frames.
    """

    live_keys: int
    records_written: int
    bytes_written: int


def compact(items: Iterable[tuple[bytes, bytes]], source: str, out: _files.StrPath) -> CompactionStats:
    """Write `items`, sorted by key, as a log into the directory `out`; `source` is the log they come from."""
    target = _files.absolute(out)
    _files.refuse_own_names("compact into", target, source)
    mode = _files.mode_at(target)
    if mode is None:
        _files.make_directories(_files.parent_of(target))
    elif stat.S_ISLNK(mode):
        raise NotDirectoryError(action="compact into", path=target, reason="a symbolic link stands there")
    elif not _files.is_empty(target):
        raise NotEmptyError(action="compact into", path=target, reason="expected a missing or empty directory")
    building = _files.unpredictable_sibling(target)
    _files.make_directory(building)
    try:
        stats = _build(items, building)
        _files.rename(building, target)
    except BaseException:
        _files.discard_file(_files.segment_path(building, FIRST_SEGMENT_ID))
        _files.discard_directory(building)
        raise
    _files.sync_directory(_files.parent_of(target))
    return stats


def _build(items: Iterable[tuple[bytes, bytes]], directory: str) -> CompactionStats:
    segment = _files.create_segment(directory, FIRST_SEGMENT_ID)
    records = size = 0
    try:
        for piece, count in _files.batched(_frames(items)):
            segment.write(piece)
            records += count
            size += len(piece)
        segment.sync()
    finally:
        segment.close()
    _files.sync_directory(directory)
    return CompactionStats(live_keys=records, records_written=records, bytes_written=size)


def _frames(items: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    for txid, (key, value) in enumerate(items, FIRST_TXID):
        yield encode(RecordType.PUT, txid, key, value)
