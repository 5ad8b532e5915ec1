"""Variants of the frame's checksum."""

import binascii
from types import ModuleType

from _variant import Variant

import datawal._frame
import datawal._recovery
import datawal.store


def _ieee(data: object, crc: int = 0) -> int:
    return binascii.crc32(data, crc)  # type: ignore[arg-type]


def crc_ieee(_adapter: ModuleType) -> None:
    """Patch every place that looks the checksum up."""
    for module in (datawal._frame, datawal._recovery, datawal.store):
        module.crc32c = _ieee


VARIANTS = [Variant("crc-ieee", "WIRE-10", "uses CRC-32 (IEEE) instead of CRC-32C", crc_ieee)]
