"""Port mistakes: frames as a wrong encoder writes them, each with what its bytes deserve.

A port that makes such a mistake in both directions reads its own files happily; these cases show it.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from datawal_conformance.families import _samples
from datawal_conformance.families._build import Frame, Log, Segment, delete, put, raw
from datawal_conformance.families._damage import CLAUSE_OF
from datawal_conformance.families._model import Case, Family, at
from datawal_conformance.families._templates import fails, opens
from datawal_spec import CRC_LEN, HEADER_LEN, MIN_FRAME_LEN, ErrorKind, crc32c

_VICTIM: Final = put(2, b"k", b"beta")
_BODY: Final = _VICTIM.data[:-CRC_LEN]
_ONES: Final = 0xFFFFFFFF
_CASTAGNOLI_REFLECTED: Final = 0x82F63B78
_CASTAGNOLI: Final = 0x1EDC6F41
_KOOPMAN_REFLECTED: Final = 0xEB31D82E


def _crc(data: bytes, *, polynomial: int = _CASTAGNOLI_REFLECTED, start: int = _ONES, final: int = _ONES) -> int:
    """A reflected 32-bit CRC, bit by bit, with the parameters a port may get wrong."""
    state = start
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (polynomial if state & 1 else 0)
    return state ^ final


def _crc_not_reflected(data: bytes) -> int:
    state = _ONES
    for byte in data:
        state ^= byte << 24
        for _ in range(8):
            state = (state << 1 ^ (_CASTAGNOLI if state >> 31 else 0)) & _ONES
    return state ^ _ONES


def _swapped(number: int) -> int:
    return int.from_bytes(number.to_bytes(4, "little"), "big")


def _checksums() -> dict[str, tuple[str, int]]:
    """Wrong checksums of one frame: by name, what the mistake is and the number it gives."""
    good = crc32c(_BODY)
    assert good == _crc(_BODY), "the bitwise checksum agrees with the format's"
    masked = (good >> 15 | good << 17) + 0xA282EAD8 & _ONES
    return {
        "ieee": ("CRC-32 (IEEE) instead of CRC-32C", zlib.crc32(_BODY)),
        "koopman": ("CRC-32K instead of CRC-32C", _crc(_BODY, polynomial=_KOOPMAN_REFLECTED)),
        "not-reflected": ("CRC-32C without reflection", _crc_not_reflected(_BODY)),
        "start-0": ("CRC-32C with initial value 0", _crc(_BODY, start=0)),
        "final-0": ("CRC-32C without the final xor", _crc(_BODY, final=0)),
        "start-0-final-0": ("CRC-32C with neither initial value nor final xor", _crc(_BODY, start=0, final=0)),
        "masked": ("CRC-32C masked as LevelDB does", masked),
        "adler": ("Adler-32 instead of CRC-32C", zlib.adler32(_BODY)),
        "big-endian": ("the checksum with its bytes swapped", _swapped(good)),
        "payload-only": ("a checksum of the payload alone", crc32c(_VICTIM.payload)),
        "key-only": ("a checksum of the key alone", crc32c(_VICTIM.key)),
        "key-and-payload": ("a checksum without the header", crc32c(_BODY[HEADER_LEN:])),
        "header-only": ("a checksum of the header alone", crc32c(_BODY[:HEADER_LEN])),
        "without-magic": ("a checksum without the magic", crc32c(_BODY[4:])),
        "without-payload": ("a checksum without the payload", crc32c(_BODY[: -len(_VICTIM.payload)])),
        "without-last-byte": ("a checksum without the last byte", crc32c(_BODY[:-1])),
        "zero-crc-field": ("a checksum over the frame with zeros in its own field", crc32c(_BODY + bytes(CRC_LEN))),
        "payload-first": (
            "a checksum over payload before key",
            crc32c(_BODY[:HEADER_LEN] + _VICTIM.payload + _VICTIM.key),
        ),
        "16-bits": ("only the low half of the checksum", good & 0xFFFF),
        "31-bits": ("the checksum without its sign bit flipped", good ^ 1 << 31),
    }


def _crc_cases(place: str) -> Iterator[Case]:
    for name, (title, crc) in _checksums().items():
        tail = _VICTIM.damaged(crc=crc) + _samples.GAMMA.data
        log = Log.of(_samples.ALPHA, tail=tail)
        if place == "last":
            yield opens(at(mistake=name), f"{title}, in the last segment", ("WIRE-10", "WIRE-11", "WIRE-24"), log)
        else:
            sealed = Log((*log.segments, Segment(2, (_samples.OMEGA,))))
            clauses = ("WIRE-10", "WIRE-11", "WIRE-24", "REC-6")
            yield fails(at(mistake=name), f"{title}, in a sealed segment", clauses, sealed, ErrorKind.CRC_MISMATCH)


@dataclass(frozen=True)
class Misread:
    """Bytes of a wrong encoder that are a sound frame, though another one than was meant."""

    title: str
    clauses: tuple[str, ...]
    frame: Frame


def _big_endian_txid() -> Frame:
    return put(2 << 56, b"k", b"beta")


_MISREAD: Final[dict[str, Misread]] = {
    "big-endian-txid": Misread("the txid 2 with its bytes swapped is a large txid", ("WIRE-6",), _big_endian_txid()),
    "lengths-swapped": Misread(
        "key and payload lengths swapped split the same bytes elsewhere", ("WIRE-1",), put(2, b"kbet", b"a")
    ),
    "payload-first": Misread(
        "payload before key, lengths right, gives the first byte to the key", ("WIRE-1",), put(2, b"b", b"etak")
    ),
    "type-raw-1": Misread("a Raw record numbered 1 is a Put", ("WIRE-4",), put(2, b"", b"beta")),
    "type-put-2": Misread("a Put numbered 2 is a Delete", ("WIRE-4",), delete(2, b"k", b"beta")),
    "type-delete-0": Misread("a Delete numbered 0 is a Raw record", ("WIRE-4",), raw(2, b"", b"k")),
    "key-counts-payload": Misread(
        "a key length that covers the payload, and no payload length", ("WIRE-8",), put(2, b"kbeta", b"")
    ),
    "txid-from-0": Misread("a log whose first txid is 0", ("WIRE-7",), put(0, b"k", b"beta")),
    "signed-txid": Misread("a txid of -1 is 2^64-1", ("WIRE-6", "WIRE-7"), put(2**64 - 1, b"k", b"beta")),
}


def _misread_cases() -> Iterator[Case]:
    for name, misread in _MISREAD.items():
        log = Log.of(_samples.ALPHA, misread.frame, raw(5, b"behind"))
        yield opens(at(mistake=name), misread.title, (*misread.clauses, "WIRE-25", "REC-15"), log)


@dataclass(frozen=True)
class Layout:
    """Bytes of a wrong encoder that are no frame, and the fault they amount to."""

    title: str
    data: bytes
    kind: ErrorKind
    clauses: tuple[str, ...]

    def all_clauses(self) -> tuple[str, ...]:
        """Its clauses and that of the fault."""
        named = CLAUSE_OF[self.kind]
        return (*self.clauses, *(() if named in self.clauses else (named,)))


def _with_crc(body: bytes) -> bytes:
    return body + crc32c(body).to_bytes(CRC_LEN, "little")


def _layouts() -> dict[str, Layout]:
    """Each is worked out by laying the wrong bytes over the right header."""
    key, payload = _VICTIM.key, _VICTIM.payload
    start = _BODY[:8]
    txid, key_len, payload_len = _BODY[8:16], _BODY[16:20], _BODY[20:24]
    five = put(2, b"k", b"betas")
    mib4 = put(2, b"k", b"x" * 4)
    cut, magic = ErrorKind.TRUNCATED, ErrorKind.BAD_MAGIC
    return {
        # 1 becomes 0x01000000, far above the limit.
        "big-endian-key-len": Layout(
            "the key length with its bytes swapped",
            _VICTIM.damaged(key_len=1 << 24),
            ErrorKind.KEY_TOO_LARGE,
            ("WIRE-6",),
        ),
        # 5 becomes 0x05000000, above the limit of 0x04000000.
        "big-endian-payload-len-5": Layout(
            "a payload length of 5 with its bytes swapped",
            five.damaged(payload_len=5 << 24),
            ErrorKind.PAYLOAD_TOO_LARGE,
            ("WIRE-6",),
        ),
        # 4 becomes 0x04000000, which is the limit: more than is left.
        "big-endian-payload-len-4": Layout(
            "a payload length of 4 with its bytes swapped is the limit, and more than is left",
            mib4.damaged(payload_len=4 << 24),
            cut,
            ("WIRE-6", "WIRE-23"),
        ),
        # 1 becomes 0x0100.
        "big-endian-version": Layout(
            "the version with its bytes swapped",
            _VICTIM.damaged(version=0x0100),
            ErrorKind.UNKNOWN_VERSION,
            ("WIRE-6",),
        ),
        "little-endian-magic": Layout(
            "the magic as a swapped number", _VICTIM.damaged(magic=b"LAWD"), magic, ("WIRE-2",)
        ),
        # The key length's field is read as the txid's upper half; key and payload stand where lengths are read.
        # Key length = 4 (the payload's), payload length = "kbet", above the limit.
        "txid-32-bit": Layout(
            "a txid of 32 bits",
            _with_crc(start + txid[:4] + key_len + payload_len + key + payload),
            ErrorKind.PAYLOAD_TOO_LARGE,
            ("WIRE-7",),
        ),
        # Key length = 1 | 4 << 16 = 262145.
        "lengths-16-bit": Layout(
            "lengths of 16 bits",
            _with_crc(start + txid + key_len[:2] + payload_len[:2] + key + payload),
            ErrorKind.KEY_TOO_LARGE,
            ("WIRE-8", "WIRE-9"),
        ),
        # The upper half of the key length is read as the payload length, 0; then 28 + 1 bytes end inside.
        "lengths-64-bit": Layout(
            "lengths of 64 bits",
            _with_crc(start + txid + key_len + bytes(4) + payload_len + bytes(4) + key + payload),
            ErrorKind.CRC_MISMATCH,
            ("WIRE-8", "WIRE-9"),
        ),
        # The version is read as 0x0101, its upper byte being the type.
        "version-8-bit-put": Layout(
            "a version of one byte, in front of a Put",
            _with_crc(_BODY[:5] + _BODY[6:]),
            ErrorKind.UNKNOWN_VERSION,
            ("WIRE-3",),
        ),
        # version = 1 | 0 << 8, type = 0 (the flags), flags = 2 (the txid's lowest byte).
        "version-8-bit-raw": Layout(
            "a version of one byte, in front of a Raw record",
            _with_crc(raw(2, b"beta").data[:5] + raw(2, b"beta").data[6:-CRC_LEN]),
            ErrorKind.RESERVED_FLAGS,
            ("WIRE-3",),
        ),
        # flags = 0 still (the type's upper byte comes first only when big-endian), then the txid is off by one:
        # key length = 1 << 8 | 0, payload length = 4 << 8 | 0, both more than is left.
        "type-16-bit": Layout(
            "a record type of two bytes",
            _with_crc(_BODY[:7] + b"\0" + _BODY[7:]),
            cut,
            ("WIRE-4", "WIRE-23"),
        ),
        # The txid's lowest byte is read as flags.
        "no-flags": Layout("no flags at all", _with_crc(_BODY[:7] + _BODY[8:]), ErrorKind.RESERVED_FLAGS, ("WIRE-5",)),
        "type-delete-3": Layout(
            "a Delete numbered 3",
            delete(2, b"k").damaged(record_type=3),
            ErrorKind.UNKNOWN_RECORD_TYPE,
            ("WIRE-4",),
        ),
        "type-letter": Layout(
            "a Put numbered by the letter P",
            _VICTIM.damaged(record_type=ord("P")),
            ErrorKind.UNKNOWN_RECORD_TYPE,
            ("WIRE-4",),
        ),
        "type-in-flags": Layout(
            "the record type in the byte of the flags",
            _VICTIM.damaged(record_type=0, flags=1),
            ErrorKind.RESERVED_FLAGS,
            ("WIRE-4", "WIRE-5"),
        ),
        "payload-len-with-header": Layout(
            "a payload length that counts the header",
            _VICTIM.damaged(payload_len=len(payload) + HEADER_LEN),
            cut,
            ("WIRE-9", "WIRE-23"),
        ),
        "payload-len-with-crc": Layout(
            "a payload length that counts the checksum",
            _VICTIM.damaged(payload_len=len(payload) + CRC_LEN),
            cut,
            ("WIRE-9", "WIRE-23"),
        ),
        "payload-len-with-key": Layout(
            "a payload length that counts the key",
            _VICTIM.damaged(payload_len=len(payload) + len(key)),
            cut,
            ("WIRE-9", "WIRE-23"),
        ),
        "key-len-with-nul": Layout(
            "a key length that counts a closing zero that is not there",
            _VICTIM.damaged(key_len=len(key) + 1),
            cut,
            ("WIRE-8", "WIRE-23"),
        ),
        # The payload is read where the key's zero stands, the checksum one byte early.
        "key-with-nul": Layout(
            "a closing zero behind the key that its length does not count",
            _with_crc(_BODY[:HEADER_LEN] + key + b"\0" + payload),
            ErrorKind.CRC_MISMATCH,
            ("WIRE-1",),
        ),
        # The checksum is read four bytes before the end.
        "crc-in-header": Layout(
            "the checksum in front of the key",
            _BODY[:HEADER_LEN] + crc32c(_BODY).to_bytes(CRC_LEN, "little") + key + payload,
            ErrorKind.CRC_MISMATCH,
            ("WIRE-12",),
        ),
        "no-crc": Layout("no checksum at all", _BODY, cut, ("WIRE-12", "WIRE-23")),
        "crc-64-bit": Layout(
            "the checksum as 64 bits: the frame is sound, the four zeros behind it are not",
            _VICTIM.data + bytes(4),
            cut,
            ("WIRE-12",),
        ),
        "length-prefix": Layout(
            "the frame's length in front of it",
            len(_VICTIM).to_bytes(4, "little") + _VICTIM.data,
            magic,
            ("WIRE-1",),
        ),
        "newline-behind": Layout("a newline behind the frame", _VICTIM.data + b"\n", cut, ("WIRE-1",)),
        "text": Layout("the frame as hex digits", _VICTIM.data.hex().encode(), magic, ("WIRE-2",)),
    }


_SOUND_FIRST: Final = frozenset({"crc-64-bit", "newline-behind"})
"""Mistakes whose first frame is sound: what follows it is the fault."""


def _layout_cases(place: str) -> Iterator[Case]:
    for name, layout in _layouts().items():
        frames: tuple[Frame, ...] = (_samples.ALPHA,)
        tail = layout.data
        clauses = layout.all_clauses()
        if name in _SOUND_FIRST:
            frames, tail = (*frames, _VICTIM), tail[len(_VICTIM) :]
            clauses = tuple("WIRE-16" if clause == "WIRE-23" else clause for clause in clauses)
        broken = Segment(1, frames, tail)
        forgiven = layout.kind in {ErrorKind.TRUNCATED, ErrorKind.CRC_MISMATCH}
        title = f"{layout.title}, in {'the last' if place == 'last' else 'a sealed'} segment"
        if place == "sealed":
            log = Log((broken, Segment(2, (_samples.OMEGA,))))
            yield fails(at(mistake=name), title, clauses, log, layout.kind)
        elif forgiven:
            yield opens(at(mistake=name), title, clauses, Log((broken,)))
        else:
            yield fails(at(mistake=name), title, clauses, Log((broken,)), layout.kind)


def _padding_cases() -> Iterator[Case]:
    """Zeros behind a frame, up to a multiple of a word: they are judged like any bytes in a frame's place."""
    frame = put(2, b"key", b"four!")
    assert len(frame) == MIN_FRAME_LEN + 8, "the frame is as long as the arithmetic below takes it to be"
    for word in (8, 16, 64, 512, 4096):
        pad = -len(frame) % word
        last = Log.of(frame, tail=bytes(pad))
        title = f"a frame of {len(frame)} bytes padded with {pad} zeros to a multiple of {word}"
        clauses = ("WIRE-1", "REC-17")
        if pad < HEADER_LEN:
            yield opens(at(to=word, then="nothing"), title, clauses, last)
        else:
            yield fails(at(to=word, then="nothing"), title, clauses, last, ErrorKind.BAD_MAGIC)
        followed = Log.of(frame, tail=bytes(pad) + raw(3, b"next").data)
        more = f"{title}, then another frame"
        yield fails(at(to=word, then="frame"), more, ("WIRE-1", "WIRE-25", "WIRE-17"), followed, ErrorKind.BAD_MAGIC)


FAMILIES = (
    Family("wire.mistake-crc-last", "Checksums made the wrong way, in the last segment.", lambda: _crc_cases("last")),
    Family("wire.mistake-crc-sealed", "The same checksums in a sealed segment.", lambda: _crc_cases("sealed")),
    Family("wire.mistake-misread", "Wrong frames that are sound ones with another meaning.", _misread_cases),
    Family("wire.mistake-layout-last", "Frames laid out wrongly, in the last segment.", lambda: _layout_cases("last")),
    Family("wire.mistake-layout-sealed", "The same frames in a sealed segment.", lambda: _layout_cases("sealed")),
    Family("wire.mistake-padding", "Frames padded to a multiple of a word.", _padding_cases),
)
