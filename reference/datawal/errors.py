"""Everything that can go wrong, as one tree under `DatawalError`.

Where each error comes from:

| step | errors |
|---|---|
| open a directory | `MissingError`, `NotDirectoryError`, `StorageError` |
| take the lock | `LockedError`, `ObstructedError` |
| recover or scan | `FrameError` |
| append | `TooLargeError`, `TxidExhaustedError`, `StorageError` (poisons) |
| fsync | `StorageError` (poisons) |
| rotate | `SegmentIdsExhaustedError`, `ObstructedError`, `StorageError` (poisons) |
| any mutating call on a poisoned handle | `PoisonedError` |
| any call on a closed handle | `ClosedError` |
| get | `FrameError`, `StaleReferenceError` |
| compact_to, export_jsonl | `NotEmptyError`, `NotDirectoryError`, `ObstructedError`, those of get |

Values of a wrong type are a `TypeError`, raised before anything is written.
"""

import errno
from typing import Final, NoReturn

from datawal_spec import TAIL_DAMAGE_KINDS, ErrorKind, Rule, segment_name

__all__ = [
    "ClosedError",
    "DatawalError",
    "FrameError",
    "LockedError",
    "MissingError",
    "NotDirectoryError",
    "NotEmptyError",
    "ObstructedError",
    "PoisonedError",
    "SegmentIdsExhaustedError",
    "StaleReferenceError",
    "StorageError",
    "TooLargeError",
    "TxidExhaustedError",
]


class DatawalError(Exception):
    """Root of the tree. `kind` is the name the specification has for the reason."""

    kind: ErrorKind = ErrorKind.OTHER


class FrameError(DatawalError):
    """The bytes at one place are not the frame that must be there (clauses WIRE-16 to WIRE-24).

    `path` is the file, `segment` its id, `offset` the frame's first byte in it; `clause` is the rule that
    is broken, `field` the field that breaks it, `expected` and `found` describe both sides for people.
    """

    def __init__(self, *, path: str, segment: int, offset: int, rule: Rule, found: str) -> None:
        self.path = path
        self.segment = segment
        self.offset = offset
        self.kind = rule.kind
        self.clause = rule.clause
        self.field = rule.field
        self.expected = rule.expected
        self.found = found
        if rule.kind in TAIL_DAMAGE_KINDS:
            advice = "only the end of the last segment may be damaged; restore this segment from a copy"
        else:
            advice = "no torn write leaves this behind; restore the segment from a copy"
        super().__init__(
            f"{segment_name(segment)} at offset {offset}: {rule.kind}: {rule.field}: "
            f"expected {rule.expected}, found {found} ({rule.clause}); {advice} [{path}]"
        )


class StaleReferenceError(DatawalError):
    """A sound frame stands where another one was indexed: the file was changed after the open (KV-13).

    `path` is the file, `segment` its id, `offset` the frame's first byte in it.
    """

    def __init__(self, *, path: str, segment: int, offset: int) -> None:
        self.path = path
        self.segment = segment
        self.offset = offset
        super().__init__(
            f"{segment_name(segment)} at offset {offset}: expected the record indexed at open or put, found "
            f"another one; something changed the file, reopen to read what is there now [{path}]"
        )


class TooLargeError(DatawalError):
    """A key or payload is over its limit; nothing was written (clauses WRT-10 and WRT-11).

    `size` and `limit` are in bytes; `kind` tells whether it is the key or the payload.
    """

    def __init__(self, kind: ErrorKind, *, size: int, limit: int) -> None:
        self.kind = kind
        self.size = size
        self.limit = limit
        super().__init__(f"{kind}: expected at most {limit} bytes, found {size}; nothing was written")


class TxidExhaustedError(DatawalError):
    """Every transaction id is used; nothing was written (clause SAFE-5)."""

    kind = ErrorKind.TXID_EXHAUSTED

    def __init__(self) -> None:
        super().__init__("no txid is left behind 2^64-1; nothing was written; compact into a new log to go on")


class SegmentIdsExhaustedError(DatawalError):
    """The highest segment id is in use; no file was made (clause SAFE-7)."""

    kind = ErrorKind.SEGMENT_IDS_EXHAUSTED

    def __init__(self, segment: int) -> None:
        self.segment = segment
        super().__init__(
            f"no segment id is left behind {segment}; no file was made; appending to {segment_name(segment)} "
            "still works, or compact into a new log"
        )


class LockedError(DatawalError):
    """Another handle has the log open for writing (clauses LOCK-2 and LOCK-3).

    `path` is the lock file, `holder` the process id written in it or None when it names none.
    """

    kind = ErrorKind.LOCKED

    def __init__(self, *, path: str, holder: int | None) -> None:
        self.path = path
        self.holder = holder
        who = "another handle" if holder is None else f"process {holder}"
        super().__init__(f"already locked by {who}: close that one first, or use RecordLogReader [{path}]")


class PoisonedError(DatawalError):
    """The handle saw a failed write, sync or rotation before (clauses POI-2 and POI-3).

    `reason` tells what failed. Reading still works; reopening recovers.
    """

    kind = ErrorKind.POISONED

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"datawal: writer poisoned: {reason}; drop handle and reopen")


class ClosedError(DatawalError):
    """The handle was closed."""

    def __init__(self, what: str) -> None:
        super().__init__(f"this {what} is closed; open the directory again")


class StorageError(DatawalError):
    """The operating system refused. `path` is the file, `errno` its error number; the cause is chained."""

    kind = ErrorKind.IO

    def __init__(self, *, action: str, path: str, reason: OSError | str) -> None:
        self.path = path
        self.errno = reason.errno if isinstance(reason, OSError) else None
        text = (reason.strerror or str(reason)) if isinstance(reason, OSError) else reason
        super().__init__(f"cannot {action}: {text} [{path}]")


class ObstructedError(StorageError):
    """Something stands where a file of the log belongs. It was left as it is (SAFE-8, SAFE-14, SAFE-15)."""


class MissingError(StorageError):
    """A directory or file that must exist does not (clause RDR-3)."""

    kind = ErrorKind.NOT_FOUND


class NotDirectoryError(StorageError):
    """Something that is no directory stands where one is needed (clauses RDR-4 and CMP-4)."""

    kind = ErrorKind.NOT_A_DIRECTORY


class NotEmptyError(StorageError):
    """The target of a compaction holds something (clause CMP-3)."""

    kind = ErrorKind.NOT_EMPTY


_BY_ERRNO: Final[dict[int | None, type[StorageError]]] = {
    errno.ENOENT: MissingError,
    errno.ENOTDIR: NotDirectoryError,
    errno.ENOTEMPTY: NotEmptyError,
}


def fail(action: str, path: str, error: OSError) -> NoReturn:
    """Raise the error of the tree for what the operating system said while doing `action` with `path`."""
    raise _BY_ERRNO.get(error.errno, StorageError)(action=action, path=path, reason=error) from error
