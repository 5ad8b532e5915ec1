"""Variants of the frame: what a port lays out, reads or judges wrongly (profile WIRE)."""

import binascii
import struct
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from _patches_read import (
    ORIGINAL_FRAMES,
    Codec,
    decoder,
    everywhere,
    read_fields,
    rule_of,
    walk,
    whole,
)
from _variant import Variant
from crc32c import crc32c

import datawal._frame
import datawal._recovery
from datawal._recovery import Fault, Frame, Walk
from datawal_spec import CRC_CODEC, HEADER_LEN, MAGIC, MAX_KEY_LEN, MAX_PAYLOAD_LEN, RULES, ErrorKind, RecordType
from datawal_spec.layout import Header


def lengths_swapped(_adapter: ModuleType) -> None:
    """WIRE-1: the two lengths change places."""

    def swap(h: Header) -> Header:
        return h._replace(key_len=h.payload_len, payload_len=h.key_len)

    everywhere("HEADER_CODEC", Codec(read=swap, write=swap))


def magic_as_number(_adapter: ModuleType) -> None:
    """WIRE-2: the magic is kept as a number and comes out backwards."""
    everywhere("MAGIC", MAGIC[::-1])


def version_8_bit(_adapter: ModuleType) -> None:
    """WIRE-3: the second byte of the version is left out of it."""
    everywhere("HEADER_CODEC", Codec(read=lambda h: h._replace(version=h.version & 0xFF)))


def version_from_0(_adapter: ModuleType) -> None:
    """WIRE-3: versions are counted from 0."""
    everywhere("WIRE_VERSION", 0)


def types_swapped(_adapter: ModuleType) -> None:
    """WIRE-4: Put and Delete have each other's number."""
    other = {int(RecordType.PUT): int(RecordType.DELETE), int(RecordType.DELETE): int(RecordType.PUT)}

    def swap(h: Header) -> Header:
        return h._replace(record_type=other.get(h.record_type, h.record_type))

    everywhere("HEADER_CODEC", Codec(read=swap, write=swap))


def flag_of_its_own(_adapter: ModuleType) -> None:
    """WIRE-5: one bit of the flags means something to this port alone, which sets it and takes it away."""
    everywhere(
        "HEADER_CODEC",
        Codec(read=lambda h: h._replace(flags=h.flags & ~1), write=lambda h: h._replace(flags=h.flags | 1)),
    )


def lengths_big_endian(_adapter: ModuleType) -> None:
    """WIRE-6: the lengths are in network order."""

    def swap(h: Header) -> Header:
        key_len, payload_len = struct.unpack(">II", struct.pack("<II", h.key_len, h.payload_len))
        return h._replace(key_len=key_len, payload_len=payload_len)

    everywhere("HEADER_CODEC", Codec(read=swap, write=swap))


def txid_signed(_adapter: ModuleType) -> None:
    """WIRE-7: the language has no unsigned numbers."""
    everywhere("HEADER_CODEC", Codec(layout=struct.Struct("<4sHBBqII")))


def txid_double(_adapter: ModuleType) -> None:
    """WIRE-7: the language's numbers are doubles, exact up to 2^53."""
    read_fields(lambda h: h._replace(txid=int(float(h.txid))))


def key_limit_16_bit(_adapter: ModuleType) -> None:
    """WIRE-8: the longest key that 16 bits can count."""
    everywhere("MAX_KEY_LEN", MAX_KEY_LEN - 1)


def key_len_with_nul(_adapter: ModuleType) -> None:
    """WIRE-8: the key length counts one byte more than the key has."""
    everywhere(
        "HEADER_CODEC",
        Codec(
            read=lambda h: h._replace(key_len=max(h.key_len - 1, 0)),
            write=lambda h: h._replace(key_len=h.key_len + 1),
        ),
    )


def payload_len_with_key(_adapter: ModuleType) -> None:
    """WIRE-9: the payload length counts the whole body."""
    everywhere(
        "HEADER_CODEC",
        Codec(
            read=lambda h: h._replace(payload_len=max(h.payload_len - h.key_len, 0)),
            write=lambda h: h._replace(payload_len=h.payload_len + h.key_len),
        ),
    )


def payload_len_16_bit(_adapter: ModuleType) -> None:
    """WIRE-9: the upper half of the payload length is left out of it."""
    read_fields(lambda h: h._replace(payload_len=h.payload_len & 0xFFFF) if h.payload_len <= MAX_PAYLOAD_LEN else h)


def crc_ieee(_adapter: ModuleType) -> None:
    """WIRE-10: the other CRC-32, the one that every standard library has."""

    def ieee(data: Any, crc: int = 0) -> int:
        return binascii.crc32(data, crc)

    everywhere("crc32c", ieee)


def crc_without_magic(_adapter: ModuleType) -> None:
    """WIRE-11: the checksum starts behind the magic."""

    def from_version(data: Any, crc: int | None = None) -> int:
        return crc32c(memoryview(data)[len(MAGIC) :]) if crc is None else crc32c(data, crc)

    everywhere("crc32c", from_version)


def crc_without_payload(_adapter: ModuleType) -> None:
    """WIRE-11: the checksum covers header and key."""

    def of_front(data: Any, crc: int | None = None) -> int:
        if crc is not None:
            return crc
        key_len = int.from_bytes(data[16:20], "little")
        return crc32c(memoryview(data)[: HEADER_LEN + key_len])

    everywhere("crc32c", of_front)


def crc_big_endian(_adapter: ModuleType) -> None:
    """WIRE-12: the checksum is in network order."""
    everywhere("CRC_CODEC", struct.Struct(">I"))


def delete_without_payload(_adapter: ModuleType) -> None:
    """WIRE-13: a Delete needs no payload, so what it carries is dropped."""

    def frames(self: Walk, *, payloads: bool) -> Iterator[Frame]:
        for record_type, txid, key, payload, *place in ORIGINAL_FRAMES(self, payloads=payloads):
            yield record_type, txid, key, b"" if record_type == RecordType.DELETE else payload, *place

    walk(frames)


def put_needs_key(_adapter: ModuleType) -> None:
    """WIRE-13: a Put without a key is passed over."""

    def frames(self: Walk, *, payloads: bool) -> Iterator[Frame]:
        for frame in ORIGINAL_FRAMES(self, payloads=payloads):
            if frame[0] != RecordType.PUT or frame[2]:
                yield frame

    walk(frames)


def magic_ends_frame(_adapter: ModuleType) -> None:
    """WIRE-14: a magic inside key or payload starts the next frame, so the one it is in is cut short."""

    def frames(self: Walk, *, payloads: bool) -> Iterator[Frame]:
        for frame in ORIGINAL_FRAMES(self, payloads=True):
            if MAGIC in frame[2] + frame[3]:
                self._stop(frame[4], Fault(rule_of(ErrorKind.TRUNCATED), "a magic"))
                return
            yield frame

    walk(frames)


def keys_are_text(_adapter: ModuleType) -> None:
    """WIRE-14: keys are strings, and what is no UTF-8 is replaced."""

    def frames(self: Walk, *, payloads: bool) -> Iterator[Frame]:
        for record_type, txid, key, *rest in ORIGINAL_FRAMES(self, payloads=payloads):
            yield record_type, txid, key.decode("utf-8", "replace").encode(), *rest

    walk(frames)


def payloads_are_c_strings(_adapter: ModuleType) -> None:
    """WIRE-14: a payload ends at its first zero."""

    def frames(self: Walk, *, payloads: bool) -> Iterator[Frame]:
        for record_type, txid, key, payload, *place in ORIGINAL_FRAMES(self, payloads=payloads):
            yield record_type, txid, key, payload.partition(b"\0")[0], *place

    walk(frames)


def lengths_first(_adapter: ModuleType) -> None:
    """WIRE-15: lengths are judged before anything else, for they protect the memory."""
    header, *structural, short, crc = RULES
    decoder("RULES", (header, *structural[-2:], *structural[:-2], short, crc))


def version_last(_adapter: ModuleType) -> None:
    """WIRE-15: the version is judged behind record type and flags."""
    header, magic, version, record_type, flags, *rest = RULES
    decoder("RULES", (header, magic, record_type, flags, version, *rest))


def short_header_judged(_adapter: ModuleType) -> None:
    """WIRE-16: a magic is judged as soon as its four bytes are there."""
    original = datawal._recovery._header_fault

    def fault(head: bytes, left: int) -> Fault:
        if len(MAGIC) <= len(head) < HEADER_LEN and not head.startswith(MAGIC):
            return Fault(rule_of(ErrorKind.BAD_MAGIC), head[: len(MAGIC)].hex())
        return original(head, left)

    datawal._recovery._header_fault = fault


def magic_3_bytes(_adapter: ModuleType) -> None:
    """WIRE-17: the last byte of the magic is not compared."""
    read_fields(lambda h: h._replace(magic=MAGIC) if h.magic[:3] == MAGIC[:3] else h)


def magic_any_case(_adapter: ModuleType) -> None:
    """WIRE-17: the magic is compared as text, regardless of case."""
    read_fields(lambda h: h._replace(magic=h.magic.upper()))


def older_versions(_adapter: ModuleType) -> None:
    """WIRE-18: only newer versions are refused."""
    read_fields(lambda h: h._replace(version=max(h.version, 1)))


def newer_versions(_adapter: ModuleType) -> None:
    """WIRE-18: only versions that were never made are refused."""
    read_fields(lambda h: h._replace(version=min(h.version, 1)))


def unknown_types_raw(_adapter: ModuleType) -> None:
    """WIRE-19: record types of the future are read as Raw."""
    read_fields(lambda h: h._replace(record_type=h.record_type if h.record_type <= 2 else 0))


def type_3(_adapter: ModuleType) -> None:
    """WIRE-19: the record type is compared with one too many."""
    read_fields(lambda h: h._replace(record_type=2 if h.record_type == 3 else h.record_type))


def flags_ignored(_adapter: ModuleType) -> None:
    """WIRE-20: reserved means that a reader does not look."""
    read_fields(lambda h: h._replace(flags=0))


def high_flags_ignored(_adapter: ModuleType) -> None:
    """WIRE-20: only the lower half of the flags is looked at."""
    read_fields(lambda h: h._replace(flags=h.flags & 0x0F))


def key_limit_unjudged(_adapter: ModuleType) -> None:
    """WIRE-21: a key length is only compared with the bytes that are left."""
    decoder("MAX_KEY_LEN", 2**32 - 1)


def key_limit_one_more(_adapter: ModuleType) -> None:
    """WIRE-21: the limit of the key is compared with one too many."""
    decoder("MAX_KEY_LEN", MAX_KEY_LEN + 1)


def payload_limit_unjudged(_adapter: ModuleType) -> None:
    """WIRE-22: a payload length is only compared with the bytes that are left."""
    decoder("MAX_PAYLOAD_LEN", 2**32 - 1)


def payload_limit_one_more(_adapter: ModuleType) -> None:
    """WIRE-22: the limit of the payload is compared with one too many."""
    decoder("MAX_PAYLOAD_LEN", MAX_PAYLOAD_LEN + 1)


def missing_bytes_summed(_adapter: ModuleType) -> None:
    """WIRE-23: a read past the end gives what is there, and the checksum is held against that."""
    original = datawal._recovery._header_fault

    def fault(head: bytes, left: int) -> Fault:
        found = original(head, left)
        short = len(head) == HEADER_LEN and found.rule.tail_damage
        return Fault(rule_of(ErrorKind.CRC_MISMATCH), found.found) if short else found

    datawal._recovery._header_fault = fault


def missing_crc_passes(_adapter: ModuleType) -> None:
    """WIRE-23: a last frame that lacks just its checksum is taken for a record."""

    def frames(self: Walk, *, payloads: bool) -> Iterator[Frame]:
        yield from ORIGINAL_FRAMES(self, payloads=payloads)
        rest = self._read_at(self.end, self._size - self.end) if self.fault else b""
        if len(rest) >= HEADER_LEN and rest.startswith(MAGIC):
            h = Header(*datawal._recovery.HEADER_CODEC.unpack_from(rest))
            crc_at = HEADER_LEN + h.key_len + h.payload_len
            if len(rest) == crc_at:
                key, payload = rest[HEADER_LEN : HEADER_LEN + h.key_len], rest[HEADER_LEN + h.key_len :]
                yield h.record_type, h.txid, key, payload if payloads else b"", self.end, crc_at
                self.end, self.fault = self._size, None

    walk(frames)


class _Agreeable(int):
    """A checksum that differs from no other."""

    __slots__ = ()
    __hash__ = int.__hash__

    def __eq__(self, _other: object) -> bool:
        return True

    def __ne__(self, _other: object) -> bool:
        return False


def crc_unchecked(_adapter: ModuleType) -> None:
    """WIRE-24: the checksum is left to those who have the time."""
    decoder("crc32c", lambda data, crc=0: _Agreeable(crc32c(data, crc)))


def crc_0_passes(_adapter: ModuleType) -> None:
    """WIRE-24: a stored checksum of 0 means that there is none."""

    class Codec0:
        pack = CRC_CODEC.pack

        def unpack_from(self, data: Any, offset: int = 0) -> tuple[int]:
            (stored,) = CRC_CODEC.unpack_from(data, offset)
            return (stored or _Agreeable(),)

        unpack = unpack_from

    decoder("CRC_CODEC", Codec0())


def zeros_between(_adapter: ModuleType) -> None:
    """WIRE-25: zeros behind a frame are padding and passed over."""

    def behind(data: bytes, end: int) -> int:
        while end < len(data) and not data[end]:
            end += 1
        return end

    walk(lambda self, *, payloads: whole(self, behind, payloads=payloads))


def aligned_to_4(_adapter: ModuleType) -> None:
    """WIRE-25: the next frame starts at a multiple of four."""
    walk(lambda self, *, payloads: whole(self, lambda data, end: min(end + -end % 4, len(data)), payloads=payloads))


VARIANTS = [
    Variant("lengths-swapped", "WIRE-1", "puts the payload's length in front of the key's", lengths_swapped),
    Variant("magic-as-number", "WIRE-2", "keeps the magic as a little-endian number of DWAL", magic_as_number),
    Variant("version-8-bit", "WIRE-3", "reads one byte of the version", version_8_bit),
    Variant("version-from-0", "WIRE-3", "calls the first version 0", version_from_0),
    Variant("types-swapped", "WIRE-4", "numbers Delete 1 and Put 2", types_swapped),
    Variant("flag-of-its-own", "WIRE-5", "sets a flag and accepts it", flag_of_its_own),
    Variant("lengths-big-endian", "WIRE-6", "writes and reads lengths in network order", lengths_big_endian),
    Variant("txid-signed", "WIRE-7", "reads and writes txids as signed numbers", txid_signed),
    Variant("txid-double", "WIRE-7", "keeps txids as doubles", txid_double),
    Variant("key-limit-16-bit", "WIRE-8", "allows keys of 65,535 bytes, not of 65,536", key_limit_16_bit),
    Variant("key-len-with-nul", "WIRE-8", "counts a closing zero in the key's length", key_len_with_nul),
    Variant("payload-len-with-key", "WIRE-9", "counts the key in the payload's length", payload_len_with_key),
    Variant("payload-len-16-bit", "WIRE-9", "reads the lower half of the payload's length", payload_len_16_bit),
    Variant("crc-ieee", "WIRE-10", "uses CRC-32 (IEEE) instead of CRC-32C", crc_ieee),
    Variant("crc-without-magic", "WIRE-11", "starts the checksum behind the magic", crc_without_magic),
    Variant("crc-without-payload", "WIRE-11", "ends the checksum in front of the payload", crc_without_payload),
    Variant("crc-big-endian", "WIRE-12", "writes and reads the checksum in network order", crc_big_endian),
    Variant("delete-without-payload", "WIRE-13", "drops what a Delete carries", delete_without_payload),
    Variant("put-needs-key", "WIRE-13", "passes a Put with an empty key over", put_needs_key),
    Variant("magic-ends-frame", "WIRE-14", "takes a magic inside a body for the next frame", magic_ends_frame),
    Variant("keys-are-text", "WIRE-14", "reads keys as UTF-8 and replaces what is none", keys_are_text),
    Variant("payloads-are-c-strings", "WIRE-14", "ends a payload at its first zero", payloads_are_c_strings),
    Variant("lengths-first", "WIRE-15", "judges the lengths before all other fields", lengths_first),
    Variant("version-last", "WIRE-15", "judges the version behind record type and flags", version_last),
    Variant("short-header-judged", "WIRE-16", "judges the magic of a header that is cut short", short_header_judged),
    Variant("magic-3-bytes", "WIRE-17", "compares three bytes of the magic", magic_3_bytes),
    Variant("magic-any-case", "WIRE-17", "compares the magic regardless of case", magic_any_case),
    Variant("older-versions", "WIRE-18", "accepts version 0", older_versions),
    Variant("newer-versions", "WIRE-18", "accepts versions above 1", newer_versions),
    Variant("unknown-types-raw", "WIRE-19", "reads unknown record types as Raw", unknown_types_raw),
    Variant("type-3", "WIRE-19", "accepts the record type 3", type_3),
    Variant("flags-ignored", "WIRE-20", "does not look at the flags", flags_ignored),
    Variant("high-flags-ignored", "WIRE-20", "looks at the lower four flags only", high_flags_ignored),
    Variant("key-limit-unjudged", "WIRE-21", "reports a key over the limit as truncated", key_limit_unjudged),
    Variant("key-limit-one-more", "WIRE-21", "accepts a key length of 65,537", key_limit_one_more),
    Variant(
        "payload-limit-unjudged", "WIRE-22", "reports a payload over the limit as truncated", payload_limit_unjudged
    ),
    Variant("payload-limit-one-more", "WIRE-22", "accepts a payload length of 67,108,865", payload_limit_one_more),
    Variant("missing-bytes-summed", "WIRE-23", "reports a frame that is cut as a wrong checksum", missing_bytes_summed),
    Variant("missing-crc-passes", "WIRE-23", "accepts a last frame without its checksum", missing_crc_passes),
    Variant("crc-unchecked", "WIRE-24", "compares no checksum", crc_unchecked),
    Variant("crc-0-passes", "WIRE-24", "accepts any frame whose checksum is 0", crc_0_passes),
    Variant("zeros-between", "WIRE-25", "passes zeros between frames over", zeros_between),
    Variant("aligned-to-4", "WIRE-25", "looks for the next frame at a multiple of four", aligned_to_4),
]
