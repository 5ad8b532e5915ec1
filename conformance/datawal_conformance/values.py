"""Values of bytes as vectors and adapters write them: hex, `fill` recipes, lists, digests."""

import contextlib
from typing import Any

from datawal_spec import crc32c

MAX_VALUE_LEN = 1 << 28
"""Most bytes a recipe in a case may expand to: 256 MiB, well above the largest legal frame."""


def to_bytes(value: Any) -> bytes:
    """Expand a value of bytes.

    Accepts lower-case hex, `{"fill": hex, "len": n}` and lists of values to be joined.
    Raises ValueError on anything else, and on recipes above `MAX_VALUE_LEN` bytes.
    """
    if isinstance(value, str):
        return _from_hex(value)
    if isinstance(value, list):
        return b"".join(to_bytes(part) for part in value)
    if isinstance(value, dict) and value.keys() == {"fill", "len"}:
        return _fill(value["fill"], value["len"])
    msg = f"not a value of bytes: {str(value)[:60]}"
    raise ValueError(msg)


def _from_hex(text: str) -> bytes:
    # fromhex alone would take capitals and spaces.
    with contextlib.suppress(ValueError):
        data = bytes.fromhex(text)
        if data.hex() == text:
            return data
    msg = f"not lower-case hex: {text[:40]!r}"
    raise ValueError(msg)


def _fill(pattern: Any, length: Any) -> bytes:
    unit = to_bytes(pattern) if isinstance(pattern, str) else b""
    if not unit or not isinstance(length, int) or isinstance(length, bool) or not 0 <= length <= MAX_VALUE_LEN:
        msg = f"not a fill of at most {MAX_VALUE_LEN} bytes: {pattern!r} x {length!r}"
        raise ValueError(msg)
    return (unit * (length // len(unit) + 1))[:length]


def is_digest(value: Any) -> bool:
    """Whether an answered value is given as length and CRC-32C instead of its bytes."""
    return isinstance(value, dict) and value.keys() == {"len", "crc32c"}


def digest(data: bytes) -> dict[str, Any]:
    """Length in bytes and CRC-32C, as an adapter may answer a long value."""
    return {"len": len(data), "crc32c": f"{crc32c(data):08x}"}
