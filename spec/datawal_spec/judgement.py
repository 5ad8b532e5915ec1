"""The order of judgement: which fault of a frame is the one that counts (clause WIRE-15).

`RULES` is that order, as one table. `judge` walks it for one frame. Hot paths may test for the good
case at once and come here only to learn what is wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from datawal_spec.checksum import crc32c
from datawal_spec.kinds import ErrorKind
from datawal_spec.layout import CRC_CODEC, CRC_LEN, HEADER_LEN, Header, frame_len, parse_header
from datawal_spec.limits import MAGIC, MAX_KEY_LEN, MAX_PAYLOAD_LEN, WIRE_VERSION
from datawal_spec.record_type import RecordType

_RECORD_TYPES: Final = frozenset(int(member) for member in RecordType)


@dataclass(frozen=True, slots=True)
class Rule:
    """One step of the order of judgement.

    `needs_header` tells whether the 24 header bytes must be there before `broken` may be asked.
    `broken(header, data)` is true when this fault is present; `data` holds all bytes from the frame's
    start to the end of the segment. `tail_damage` says that recovery forgives the fault at the end of a
    log (clauses REC-2 and REC-3); every other fault is structural.
    """

    kind: ErrorKind
    clause: str
    field: str
    expected: str
    tail_damage: bool
    needs_header: bool
    broken: Callable[[Header | None, memoryview], bool]


def _on_header(test: Callable[[Header, memoryview], bool]) -> Callable[[Header | None, memoryview], bool]:
    def broken(header: Header | None, data: memoryview) -> bool:
        return header is not None and test(header, data)

    return broken


def _crc_differs(header: Header, data: memoryview) -> bool:
    end = frame_len(header.key_len, header.payload_len) - CRC_LEN
    stored: int = CRC_CODEC.unpack_from(data, end)[0]
    return crc32c(data[:end]) != stored


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        ErrorKind.TRUNCATED,
        "WIRE-16",
        "header",
        f"at least {HEADER_LEN} bytes left",
        tail_damage=True,
        needs_header=False,
        broken=lambda _header, data: len(data) < HEADER_LEN,
    ),
    Rule(
        ErrorKind.BAD_MAGIC,
        "WIRE-17",
        "magic",
        MAGIC.hex(),
        tail_damage=False,
        needs_header=True,
        broken=_on_header(lambda header, _data: header.magic != MAGIC),
    ),
    Rule(
        ErrorKind.UNKNOWN_VERSION,
        "WIRE-18",
        "version",
        str(WIRE_VERSION),
        tail_damage=False,
        needs_header=True,
        broken=_on_header(lambda header, _data: header.version != WIRE_VERSION),
    ),
    Rule(
        ErrorKind.UNKNOWN_RECORD_TYPE,
        "WIRE-19",
        "record_type",
        "one of " + ", ".join(str(int(member)) for member in RecordType),
        tail_damage=False,
        needs_header=True,
        broken=_on_header(lambda header, _data: header.record_type not in _RECORD_TYPES),
    ),
    Rule(
        ErrorKind.RESERVED_FLAGS,
        "WIRE-20",
        "flags",
        "0",
        tail_damage=False,
        needs_header=True,
        broken=_on_header(lambda header, _data: header.flags != 0),
    ),
    Rule(
        ErrorKind.KEY_TOO_LARGE,
        "WIRE-21",
        "key_len",
        f"at most {MAX_KEY_LEN} bytes",
        tail_damage=False,
        needs_header=True,
        broken=_on_header(lambda header, _data: header.key_len > MAX_KEY_LEN),
    ),
    Rule(
        ErrorKind.PAYLOAD_TOO_LARGE,
        "WIRE-22",
        "payload_len",
        f"at most {MAX_PAYLOAD_LEN} bytes",
        tail_damage=False,
        needs_header=True,
        broken=_on_header(lambda header, _data: header.payload_len > MAX_PAYLOAD_LEN),
    ),
    Rule(
        ErrorKind.TRUNCATED,
        "WIRE-23",
        "payload_len",
        "as many bytes left as the lengths announce",
        tail_damage=True,
        needs_header=True,
        broken=_on_header(lambda header, data: len(data) < frame_len(header.key_len, header.payload_len)),
    ),
    Rule(
        ErrorKind.CRC_MISMATCH,
        "WIRE-24",
        "crc",
        "the CRC-32C of every byte of the frame before it",
        tail_damage=True,
        needs_header=True,
        broken=_on_header(_crc_differs),
    ),
)
"""The faults of a frame in the order in which they are looked for; the first one present decides."""

STRUCTURAL_KINDS: Final = frozenset(rule.kind for rule in RULES if not rule.tail_damage)
"""Kinds that fail an open wherever they stand (clause REC-5)."""

TAIL_DAMAGE_KINDS: Final = frozenset(rule.kind for rule in RULES if rule.tail_damage)
"""Kinds that end the log when they stand in its last segment (clauses REC-2, REC-3)."""


def judge(data: bytes | bytearray | memoryview, offset: int = 0) -> Rule | None:
    """The first rule that the frame at `offset` breaks, or None when it is a record.

    `data` is a whole segment, `offset` in bytes and before its end (clauses WIRE-15 to WIRE-25).
    """
    rest = memoryview(data)[offset:]
    header = parse_header(rest) if len(rest) >= HEADER_LEN else None
    for rule in RULES:
        if rule.broken(header, rest):
            return rule
    return None
