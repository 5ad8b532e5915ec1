"""The reference implementation of the datawal record log.

`RecordLog` appends, syncs and scans; `RecordLogReader` reads beside it; `DataWal` is the key/value projection.
"""

from datawal._compact import CompactionStats
from datawal._frame import Record, RecordRef
from datawal._recovery import RecoveryReport
from datawal._version import __version__
from datawal.errors import (
    ClosedError,
    DatawalError,
    FrameError,
    LockedError,
    MissingError,
    NotDirectoryError,
    NotEmptyError,
    ObstructedError,
    PoisonedError,
    SegmentIdsExhaustedError,
    StaleReferenceError,
    StorageError,
    TooLargeError,
    TxidExhaustedError,
)
from datawal.log import RecordIter, RecordLog
from datawal.reader import RecordLogReader
from datawal.store import DataWal
from datawal_spec import MAX_KEY_LEN, MAX_PAYLOAD_LEN, WIRE_VERSION, ErrorKind, RecordType

__all__ = [
    "MAX_KEY_LEN",
    "MAX_PAYLOAD_LEN",
    "WIRE_VERSION",
    "ClosedError",
    "CompactionStats",
    "DataWal",
    "DatawalError",
    "ErrorKind",
    "FrameError",
    "LockedError",
    "MissingError",
    "NotDirectoryError",
    "NotEmptyError",
    "ObstructedError",
    "PoisonedError",
    "Record",
    "RecordIter",
    "RecordLog",
    "RecordLogReader",
    "RecordRef",
    "RecordType",
    "RecoveryReport",
    "SegmentIdsExhaustedError",
    "StaleReferenceError",
    "StorageError",
    "TooLargeError",
    "TxidExhaustedError",
    "__version__",
]
