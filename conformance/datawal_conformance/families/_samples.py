"""The small logs that exhaustive families cut and flip."""

from typing import Final

from datawal_conformance.families._build import Frame, Log, Segment, delete, put, raw

ALPHA: Final = raw(1, b"alpha")
"""The frame whose 33 bytes are known from the published crate."""

BETA: Final = put(2, b"k", b"beta")
GAMMA: Final = delete(3, b"k")
OMEGA: Final = raw(9, b"omega")

THREE: Final = Log.of(ALPHA, BETA, GAMMA)
"""Three records, one of each type, in one segment."""

LOGS: Final[dict[str, Log]] = {
    "three": THREE,
    "single": Log.of(put(1, b"key", b"value")),
    "third-segment": Log((Segment(1, (ALPHA,)), Segment(2, (BETA,)), Segment(3, (GAMMA, raw(4, b"delta"))))),
    "empty-key": Log.of(put(1, b"", b"value")),
    "empty-payload": Log.of(put(1, b"key", b"")),
    "key-only": Log.of(raw(1, b"", b"key")),
    "bare": Log.of(raw(1, b"")),
}
"""Logs by the name they have in ids."""

FLIPPED: Final[dict[str, tuple[Log, int]]] = {
    "three": (THREE, 1),
    "single": (LOGS["single"], 0),
    "third-segment": (LOGS["third-segment"], 1),
    "empty-key": (LOGS["empty-key"], 0),
    "empty-payload": (LOGS["empty-payload"], 0),
    "key-only": (LOGS["key-only"], 0),
}
"""Logs by name, and which frame of the last segment is flipped."""

TITLES: Final[dict[str, str]] = {
    "three": "three records",
    "single": "a single record",
    "third-segment": "the last of three segments",
    "empty-key": "a Put with an empty key",
    "empty-payload": "a Put with an empty payload",
    "key-only": "a Raw record with a key and no payload",
    "bare": "a Raw record with neither key nor payload",
}


def each_type(txid: int, key: bytes, payload: bytes) -> tuple[Frame, Frame, Frame]:
    """A Raw, a Put and a Delete with the same content and ascending txids."""
    return raw(txid, payload, key), put(txid + 1, key, payload), delete(txid + 2, key, payload)
