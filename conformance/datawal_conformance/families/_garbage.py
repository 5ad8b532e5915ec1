"""Bytes that may stand at the end of a log though no record does, each with what it is to a decoder."""

import random
from dataclasses import dataclass
from typing import Final

from datawal_conformance.families._build import put, raw
from datawal_spec import HEADER_LEN, MAX_KEY_LEN, MAX_PAYLOAD_LEN, ErrorKind

_CRC: Final = ErrorKind.CRC_MISMATCH
_CUT: Final = ErrorKind.TRUNCATED
_MAGIC: Final = ErrorKind.BAD_MAGIC


@dataclass(frozen=True)
class Garbage:
    """Bytes in place of a frame: what they are for people, and the fault a decoder finds at their start."""

    title: str
    data: bytes
    kind: ErrorKind
    clause: str

    @property
    def forgiven(self) -> bool:
        """Whether the end of the last segment may look like this."""
        return self.kind in {_CRC, _CUT}


def _zeros(size: int) -> Garbage:
    short = size < HEADER_LEN
    return Garbage(f"{size} zero bytes", bytes(size), _CUT if short else _MAGIC, "WIRE-16" if short else "WIRE-17")


def _random(size: int) -> bytes:
    """The same bytes on every machine and in every version of Python; the first is no D, so no magic."""
    state = random.Random(size)  # noqa: S311 - reproducible, not secret
    return b"\x9b" + bytes(state.getrandbits(8) for _ in range(size - 1))


_BAD_CRC = raw(4, b"torn").damaged(crc=0)
_VALID = put(5, b"k", b"valid")
_HUGE = raw(4, b"").damaged(payload_len=MAX_PAYLOAD_LEN)
_LONG_KEY = raw(4, b"").damaged(key_len=MAX_KEY_LEN)

GARBAGE: Final[dict[str, Garbage]] = {
    **{f"zeros-{size}": _zeros(size) for size in (1, 4, 23, 24, 25, 512, 4096)},
    "magic": Garbage("a lone magic", b"DWAL", _CUT, "WIRE-16"),
    "half-magic": Garbage("half a magic", b"DW", _CUT, "WIRE-16"),
    "magic-repeated": Garbage("a magic six times", b"DWAL" * 6, ErrorKind.UNKNOWN_VERSION, "WIRE-18"),
    "ff-23": Garbage("23 bytes of ff", b"\xff" * 23, _CUT, "WIRE-16"),
    "ff-24": Garbage("24 bytes of ff", b"\xff" * 24, _MAGIC, "WIRE-17"),
    "ff-4096": Garbage("4096 bytes of ff", b"\xff" * 4096, _MAGIC, "WIRE-17"),
    "text": Garbage("a line of text", b"the quick brown fox jumps over\n", _MAGIC, "WIRE-17"),
    "newline": Garbage("a newline", b"\n", _CUT, "WIRE-16"),
    "random-23": Garbage("23 random bytes", _random(23), _CUT, "WIRE-16"),
    "random-24": Garbage("24 random bytes", _random(24), _MAGIC, "WIRE-17"),
    "random-1000": Garbage("1000 random bytes", _random(1000), _MAGIC, "WIRE-17"),
    "bad-crc": Garbage("a frame with a wrong checksum", _BAD_CRC, _CRC, "WIRE-24"),
    "bad-crc-then-valid": Garbage(
        "a frame with a wrong checksum and a valid one", _BAD_CRC + _VALID.data, _CRC, "WIRE-24"
    ),
    "bad-crc-then-many": Garbage(
        "a frame with a wrong checksum and twenty valid ones", _BAD_CRC + _VALID.data * 20, _CRC, "WIRE-24"
    ),
    "bad-crc-then-zeros": Garbage(
        "a frame with a wrong checksum and 4096 zero bytes", _BAD_CRC + bytes(4096), _CRC, "WIRE-24"
    ),
    "bad-crc-then-bad-magic": Garbage(
        "a frame with a wrong checksum and one with a wrong magic",
        _BAD_CRC + _VALID.damaged(magic=b"XXXX"),
        _CRC,
        "WIRE-24",
    ),
    "bad-crc-twice": Garbage("two frames with wrong checksums", _BAD_CRC * 2, _CRC, "WIRE-24"),
    "bad-crc-then-cut": Garbage(
        "a frame with a wrong checksum and half a frame", _BAD_CRC + _VALID.data[:20], _CRC, "WIRE-24"
    ),
    "zero-payload": Garbage(
        "a frame whose payload never reached the disk",
        raw(4, b"x" * 40).data[:HEADER_LEN] + bytes(44),
        _CRC,
        "WIRE-24",
    ),
    "claims-64-mib": Garbage("a header that announces 64 MiB", _HUGE, _CUT, "WIRE-23"),
    "claims-64-mib-then-valid": Garbage(
        "a header that announces 64 MiB, and a valid frame", _HUGE + _VALID.data, _CUT, "WIRE-23"
    ),
    "claims-long-key": Garbage("a header that announces a key of 64 KiB", _LONG_KEY, _CUT, "WIRE-23"),
    "claims-one-more": Garbage(
        "a frame whose header announces one byte more than there is",
        raw(4, b"short").damaged(payload_len=6),
        _CUT,
        "WIRE-23",
    ),
    "claims-one-less": Garbage(
        "a frame whose header announces one byte less than there is",
        raw(4, b"long").damaged(payload_len=3),
        _CRC,
        "WIRE-24",
    ),
    "header-only": Garbage("a whole header and nothing more", raw(4, b"lost").data[:HEADER_LEN], _CUT, "WIRE-23"),
    "bare-header-zero-crc": Garbage(
        "an empty frame with zeros for a checksum", raw(4, b"").damaged(crc=0), _CRC, "WIRE-24"
    ),
    "bad-magic": Garbage("a frame with a wrong magic", raw(4, b"x").damaged(magic=b"DWAK"), _MAGIC, "WIRE-17"),
    "shifted": Garbage("a valid frame behind one stray byte", b"\0" + _VALID.data, _MAGIC, "WIRE-17"),
    "torn-middle": Garbage("a frame that lacks its middle", _VALID.data[:26] + _VALID.data[30:], _CUT, "WIRE-23"),
}
"""What may stand behind the last record, by the name it has in ids."""
