"""The kinds of error that the specification tells apart."""

from enum import StrEnum


class ErrorKind(StrEnum):
    """Why an operation failed, as vectors, adapters and the reference name it."""

    BAD_MAGIC = "bad_magic"
    """The four magic bytes of a frame are wrong (WIRE-17)."""

    UNKNOWN_VERSION = "unknown_version"
    """The wire version is not one this specification defines (WIRE-18)."""

    UNKNOWN_RECORD_TYPE = "unknown_record_type"
    """The record type byte is none of the three (WIRE-19)."""

    RESERVED_FLAGS = "reserved_flags"
    """The flags byte is not zero (WIRE-20)."""

    KEY_TOO_LARGE = "key_too_large"
    """A key, or a stated key length, is over the limit (WIRE-21, WRT-10)."""

    PAYLOAD_TOO_LARGE = "payload_too_large"
    """A payload, or a stated payload length, is over the limit (WIRE-22, WRT-11)."""

    TRUNCATED = "truncated"
    """A frame is cut short where that is not tail damage (WIRE-16, WIRE-23, REC-6)."""

    CRC_MISMATCH = "crc_mismatch"
    """A frame's checksum differs where that is not tail damage (WIRE-24, REC-6)."""

    LOCKED = "locked"
    """Another handle holds the lock of the directory (LOCK-2)."""

    POISONED = "poisoned"
    """The handle saw a failed write, sync or rotation before (POI-2)."""

    TXID_EXHAUSTED = "txid_exhausted"
    """No transaction id is left (SAFE-5)."""

    SEGMENT_IDS_EXHAUSTED = "segment_ids_exhausted"
    """No segment id is left (SAFE-7)."""

    NOT_FOUND = "not_found"
    """A directory or file that must exist does not (RDR-3, REC-18)."""

    NOT_A_DIRECTORY = "not_a_directory"
    """Something that is no directory stands where one is needed (RDR-4, CMP-4)."""

    NOT_EMPTY = "not_empty"
    """The target of a compaction holds something (CMP-3)."""

    IO = "io"
    """The operating system refused, for a reason none of the others names (REC-18)."""

    OTHER = "other"
    """Anything else."""
