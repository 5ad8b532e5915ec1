"""One record in memory, and how it becomes the bytes of a frame."""

from dataclasses import dataclass
from typing import Final, TypeAlias

from datawal.errors import TooLargeError
from datawal_spec import (
    CRC_CODEC,
    HEADER_CODEC,
    MAGIC,
    MAX_KEY_LEN,
    MAX_PAYLOAD_LEN,
    WIRE_VERSION,
    ErrorKind,
    RecordType,
    crc32c,
)

BytesLike: TypeAlias = bytes | bytearray | memoryview
"""What keys and payloads may be given as; answers are always `bytes`."""

_NO_FLAGS: Final = 0
_SHOWN: Final = 32


@dataclass(frozen=True, slots=True)
class RecordRef:
    """Where a frame stands (clause WRT-5).

    `segment` is the id of its segment, `offset` the place of its first byte there, `len` its length, both
    in bytes.
    """

    segment: int
    offset: int
    len: int


@dataclass(frozen=True, slots=True, repr=False)
class Record:
    """One record as a scan finds it (clause WRT-12).

    `segment`, `offset` and `len` tell where its frame stands, as in `RecordRef`.
    """

    type: RecordType
    txid: int
    key: bytes
    payload: bytes
    segment: int
    offset: int
    len: int

    @property
    def ref(self) -> RecordRef:
        """The reference that the append of this record answered with."""
        return RecordRef(self.segment, self.offset, self.len)

    def __repr__(self) -> str:
        return (
            f"Record(type={self.type.name}, txid={self.txid}, key={_shown(self.key)}, "
            f"payload={_shown(self.payload)}, segment={self.segment}, offset={self.offset}, len={self.len})"
        )


def _shown(value: bytes) -> str:
    if len(value) <= _SHOWN:
        return repr(value)
    return f"<{len(value)} bytes {value[:_SHOWN]!r}...>"


def as_bytes(value: BytesLike, what: str) -> bytes:
    """`value` as bytes of its own; raises TypeError for anything that is not bytes-like."""
    if type(value) is bytes:
        return value
    try:
        return bytes(memoryview(value))
    except TypeError:
        msg = f"{what} must be bytes, bytearray or memoryview, not {type(value).__name__}"
        raise TypeError(msg) from None


def check_record_type(value: object) -> None:
    """Raise TypeError when `value` is no RecordType; a bare number is too easily the wrong one."""
    if not isinstance(value, RecordType):
        msg = f"record_type must be a RecordType, not {type(value).__name__}"
        raise TypeError(msg)


def check_sizes(key: bytes, payload: bytes) -> None:
    """Raise TooLargeError when the key or the payload is over its limit (clauses WRT-10 and WRT-11)."""
    if len(key) > MAX_KEY_LEN:
        raise TooLargeError(ErrorKind.KEY_TOO_LARGE, size=len(key), limit=MAX_KEY_LEN)
    if len(payload) > MAX_PAYLOAD_LEN:
        raise TooLargeError(ErrorKind.PAYLOAD_TOO_LARGE, size=len(payload), limit=MAX_PAYLOAD_LEN)


def head(record_type: int, txid: int, key: bytes, payload_len: int) -> bytes:
    """Header and key of a frame: everything in front of its payload (clauses WIRE-1 to WIRE-9)."""
    return HEADER_CODEC.pack(MAGIC, WIRE_VERSION, record_type, _NO_FLAGS, txid, len(key), payload_len) + key


def encode(record_type: int, txid: int, key: bytes, payload: bytes) -> bytes:
    """The frame of one record whose sizes were checked (clauses WIRE-1 to WIRE-12)."""
    front = head(record_type, txid, key, len(payload))
    # The payload is summed where it lies: joining first and summing the whole would copy it twice.
    return b"".join((front, payload, CRC_CODEC.pack(crc32c(payload, crc32c(front)))))
