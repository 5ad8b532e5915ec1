"""The mistakes that ports make when they write frames, each as an encoder that makes it.

The report recognises a mistake by the files an implementation wrote: they hold exactly the bytes its encoder makes.
"""

import binascii
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from datawal_spec import (
    CRC_CODEC,
    CRC_LEN,
    HEADER_CODEC,
    HEADER_LEN,
    MAGIC,
    WIRE_VERSION,
    build_frame,
    crc32c,
)

_ALL_ONES: Final = 0xFFFFFFFF

Encoder = Callable[[int, int, bytes, bytes], bytes]
"""Lays out record type, txid, key and payload."""


@dataclass(frozen=True, slots=True)
class PortMistake:
    """One mistake: a permanent name, what a port that makes it does, and an encoder that makes it."""

    name: str
    does: str
    encode: Encoder


def _crc(value: Callable[[bytes, int, bytes], int]) -> Encoder:
    """Right but for the checksum, which is made from the body, the length of the key, and the payload."""

    def encode(record_type: int, txid: int, key: bytes, payload: bytes) -> bytes:
        body = build_frame(record_type, txid, key, payload)[:-CRC_LEN]
        return body + CRC_CODEC.pack(value(body, len(key), payload) & _ALL_ONES)

    return encode


def _header(header: Callable[[int, int, int, int], bytes]) -> Encoder:
    """Right but for the header, which is made from type, txid and both lengths; the checksum fits the bytes."""

    def encode(record_type: int, txid: int, key: bytes, payload: bytes) -> bytes:
        body = header(record_type, txid, len(key), len(payload)) + key + payload
        return body + CRC_CODEC.pack(crc32c(body))

    return encode


def _pack(record_type: int, txid: int, key_len: int, payload_len: int) -> bytes:
    return HEADER_CODEC.pack(MAGIC, WIRE_VERSION, record_type, 0, txid, key_len, payload_len)


def _big_endian(field: str) -> Callable[[int, int, int, int], bytes]:
    def header(record_type: int, txid: int, key_len: int, payload_len: int) -> bytes:
        order = dict.fromkeys(("version", "txid", "lengths"), "<") | {field: ">"}
        return (
            MAGIC
            + struct.pack(order["version"] + "H", WIRE_VERSION)
            + bytes([record_type, 0])
            + struct.pack(order["txid"] + "Q", txid)
            + struct.pack(order["lengths"] + "LL", key_len, payload_len)
        )

    return header


def _short_txid(record_type: int, txid: int, key_len: int, payload_len: int) -> bytes:
    values = (WIRE_VERSION, record_type, 0, txid & _ALL_ONES, key_len, payload_len)
    return MAGIC + struct.pack("<HBBLLL", *values)


def _short_version(record_type: int, txid: int, key_len: int, payload_len: int) -> bytes:
    return MAGIC + struct.pack("<BBBQLL", WIRE_VERSION, record_type, 0, txid, key_len, payload_len)


def _padded(width: int) -> Encoder:
    def encode(record_type: int, txid: int, key: bytes, payload: bytes) -> bytes:
        frame = build_frame(record_type, txid, key, payload)
        return frame + bytes(-len(frame) % width)

    return encode


def _without_final_xor(body: bytes, _key_len: int, _payload: bytes) -> int:
    return crc32c(body) ^ _ALL_ONES


def _from_zero(body: bytes, _key_len: int, _payload: bytes) -> int:
    # The library inverts on the way in and out: starting from all ones makes its register start from zero.
    return crc32c(body, _ALL_ONES)


def _byte_swapped(body: bytes, _key_len: int, _payload: bytes) -> int:
    return int.from_bytes(crc32c(body).to_bytes(CRC_LEN, "little"), "big")


MISTAKES: Final[tuple[PortMistake, ...]] = (
    PortMistake("ieee-crc", "uses CRC-32 (IEEE) instead of CRC-32C", _crc(lambda body, _k, _p: binascii.crc32(body))),
    PortMistake("crc-of-payload", "makes the checksum of the payload alone", _crc(lambda _b, _k, p: crc32c(p))),
    PortMistake(
        "crc-without-header",
        "makes the checksum of key and payload, without the header",
        _crc(lambda body, _k, _p: crc32c(body[HEADER_LEN:])),
    ),
    PortMistake(
        "crc-over-zeroed-field",
        "includes the checksum field itself, as zeros",
        _crc(lambda body, _k, _p: crc32c(body + bytes(CRC_LEN))),
    ),
    PortMistake("crc-from-zero", "starts the checksum from 0 instead of all ones", _crc(_from_zero)),
    PortMistake("crc-without-final-xor", "leaves out the final xor of the checksum", _crc(_without_final_xor)),
    PortMistake("crc-byte-swapped", "writes the checksum big-endian", _crc(_byte_swapped)),
    PortMistake("crc-of-zero", "leaves the checksum at 0", _crc(lambda _b, _k, _p: 0)),
    PortMistake("big-endian-lengths", "writes the lengths big-endian", _header(_big_endian("lengths"))),
    PortMistake("big-endian-txid", "writes the txid big-endian", _header(_big_endian("txid"))),
    PortMistake("big-endian-version", "writes the version big-endian", _header(_big_endian("version"))),
    PortMistake("txid-of-32-bits", "writes the txid in four bytes", _header(_short_txid)),
    PortMistake(
        "lengths-swapped",
        "writes the length of the payload before that of the key",
        _header(lambda kind, txid, key_len, payload_len: _pack(kind, txid, payload_len, key_len)),
    ),
    PortMistake(
        "length-counts-header",
        "counts the header in the length of the payload",
        _header(lambda kind, txid, key_len, payload_len: _pack(kind, txid, key_len, payload_len + HEADER_LEN)),
    ),
    PortMistake(
        "length-counts-crc",
        "counts the checksum in the length of the payload",
        _header(lambda kind, txid, key_len, payload_len: _pack(kind, txid, key_len, payload_len + CRC_LEN)),
    ),
    PortMistake("version-of-one-byte", "writes the version in one byte", _header(_short_version)),
    PortMistake(
        "type-shifted",
        "numbers the record types from 1",
        _header(lambda kind, txid, key_len, payload_len: _pack(kind + 1, txid, key_len, payload_len)),
    ),
    PortMistake("padded-to-4", "pads frames to a multiple of 4 bytes", _padded(4)),
    PortMistake("padded-to-8", "pads frames to a multiple of 8 bytes", _padded(8)),
)
"""Every mistake that is recognised."""
