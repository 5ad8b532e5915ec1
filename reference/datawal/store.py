"""The key/value projection: the last write of a key wins (profile KV)."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple, Self

from datawal import _compact, _files, _jsonl
from datawal._compact import CompactionStats
from datawal._files import StrPath
from datawal._frame import BytesLike, RecordRef, as_bytes, head
from datawal._recovery import frame_fault
from datawal.errors import ClosedError, FrameError, StaleReferenceError
from datawal.log import RecordLog
from datawal_spec import CRC_CODEC, CRC_LEN, MAX_OPEN_SEGMENTS, RecordType, crc32c, frame_len


class _Entry(NamedTuple):
    """What the key directory keeps of a value: where it stands, and the txid that tells versions apart."""

    ref: RecordRef
    txid: int


def _note(index: dict[bytes, _Entry], record_type: int, key: bytes, ref: RecordRef, txid: int) -> None:
    """Fold one record into the key directory (clauses KV-3 to KV-6)."""
    if record_type == RecordType.PUT:
        index[key] = _Entry(ref, txid)
    elif record_type == RecordType.DELETE:
        index.pop(key, None)


class DataWal:
    """A log read as a mapping from keys to values, both bytes (profile KV).

    `DataWal(dir)` and `DataWal.open(dir)` are the same, and open a `RecordLog` with all its rules and errors.
    Memory holds keys and references; values are read, and verified again, when they are asked for.
    `len`, `in`, `[]`, `del` and iteration over keys work as on a dict: like there, a loop must not add or
    remove keys, and keys come in no particular order.
    """

    def __init__(self, dir: StrPath) -> None:  # noqa: A002 - the crate's word
        self._index: dict[bytes, _Entry] = {}
        # One less than the limit: the log's own descriptor is the other one (clause KV-15).
        self._cache = _files.SegmentCache(_files.absolute(dir), MAX_OPEN_SEGMENTS - 1)
        self._closed = False
        # Not a bound method: in a cycle with its log, a dropped handle would keep the lock until some collection.
        self._log = RecordLog(dir, observer=partial(_note, self._index))

    @classmethod
    def open(cls, dir: StrPath) -> Self:  # noqa: A002 - the crate's word
        """Open the log in `dir` as a mapping, see the class."""
        return cls(dir)

    @property
    def dir(self) -> Path:
        """The directory, as it was given."""
        return self._log.dir

    @property
    def log(self) -> RecordLog:
        """The log beneath; what is appended through it shows here at once."""
        return self._log

    def put(self, key: BytesLike, value: BytesLike) -> RecordRef:
        """Bind `key` to `value`; tells where the record stands (clause KV-1).

        Raises what `RecordLog.append_record` raises.
        """
        return self._log.append_record(RecordType.PUT, key, value)

    def delete(self, key: BytesLike) -> RecordRef:
        """Write a tombstone for `key`, whether or not it is present (clause KV-2).

        Raises what `RecordLog.append_record` raises.
        """
        return self._log.append_record(RecordType.DELETE, key, b"")

    def get(self, key: BytesLike) -> bytes | None:
        """The value of `key`, or None when it has none (clauses KV-3, KV-9, KV-13, SAFE-13).

        Raises FrameError or StaleReferenceError when the frame is no longer the one that was indexed.
        """
        entry = self._find(key)
        return None if entry is None else self._read(as_bytes(key, "key"), entry)

    def contains_key(self, key: BytesLike) -> bool:
        """Whether `key` has a value (clause KV-10)."""
        return self._find(key) is not None

    def keys(self) -> Iterator[bytes]:
        """The present keys, lazily (clause KV-10)."""
        self._require_open()
        return iter(self._index)

    def items(self) -> Iterator[tuple[bytes, bytes]]:
        """The present keys with their values, lazily; one value is read at a time (clause KV-11).

        The iterator raises what `get` raises.
        """
        self._require_open()
        return ((key, self._read(key, entry)) for key, entry in self._index.items())

    def is_empty(self) -> bool:
        """Whether no key is present (clause KV-10)."""
        return len(self) == 0

    def ref_of(self, key: BytesLike) -> RecordRef | None:
        """Where the frame with the value of `key` stands, or None when it has none (clause KV-12)."""
        entry = self._find(key)
        return None if entry is None else entry.ref

    def fsync(self) -> None:
        """Bring everything put and deleted so far to stable storage, see `RecordLog.fsync`."""
        self._log.fsync()

    def compact_to(self, out: StrPath) -> CompactionStats:
        """Write the present keys into a new log in the directory `out` (profile CMP).

        `out` must be missing or an empty directory. It appears whole or not at all: the log is built beside it
        under a name that nobody can guess, synced, and renamed into place. Raises NotEmptyError,
        NotDirectoryError (a link is none either), ObstructedError when `out` is the name of a segment of this
        log, StorageError, and what `get` raises.
        """
        self._require_open()
        return _compact.compact(self._sorted_items(), self._cache.directory, out)

    def export_jsonl(self, path: StrPath) -> None:
        """Write the present keys as JSON lines into the file `path`, replacing it as a whole (profile EXP).

        Raises ObstructedError when `path` is the name of a segment or of the lock of this log, StorageError,
        and what `get` raises.
        """
        self._require_open()
        _jsonl.export(self._sorted_items(), self._cache.directory, path)

    def _sorted_items(self) -> Iterator[tuple[bytes, bytes]]:
        return ((key, self._read(key, self._index[key])) for key in sorted(self._index))

    def _find(self, key: BytesLike) -> _Entry | None:
        if self._closed:
            raise ClosedError(type(self).__name__)
        return self._index.get(as_bytes(key, "key"))

    def _read(self, key: bytes, entry: _Entry) -> bytes:
        """The payload of the frame that was indexed, verified (clauses KV-13 and SAFE-13)."""
        self._require_open()
        ref = entry.ref
        file = self._cache.get(ref.segment)
        frame = file.read_at(ref.offset, ref.len)
        expected = head(RecordType.PUT, entry.txid, key, ref.len - frame_len(len(key), 0))
        crc_at = ref.len - CRC_LEN
        if (
            len(frame) == ref.len
            and frame.startswith(expected)
            and crc32c(memoryview(frame)[:crc_at]) == CRC_CODEC.unpack_from(frame, crc_at)[0]
        ):
            return frame[len(expected) : crc_at]
        fault = frame_fault(frame)
        if fault is None:
            raise StaleReferenceError(path=file.path, segment=ref.segment, offset=ref.offset)
        raise FrameError(path=file.path, segment=ref.segment, offset=ref.offset, rule=fault.rule, found=fault.found)

    def _require_open(self) -> None:
        if self._closed:
            raise ClosedError(type(self).__name__)

    def close(self) -> None:
        """Close the log and all descriptors, without a sync; twice is harmless."""
        self._closed = True
        self._cache.close()
        self._log.close()

    def __enter__(self) -> Self:
        self._require_open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        self._require_open()
        return len(self._index)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[bytes]:
        return self.keys()

    def __contains__(self, key: BytesLike) -> bool:
        return self.contains_key(key)

    def __getitem__(self, key: BytesLike) -> bytes:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: BytesLike, value: BytesLike) -> None:
        self.put(key, value)

    def __delitem__(self, key: BytesLike) -> None:
        if not self.contains_key(key):
            raise KeyError(key)
        self.delete(key)

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{len(self._index)} keys"
        return f"<DataWal {self._cache.directory!r} {state}>"
