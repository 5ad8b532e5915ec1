"""The order of judgement: every structural fault, and which of two faults counts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Final

from datawal_conformance.families import _samples
from datawal_conformance.families._build import Frame, Log, Segment, joined, put
from datawal_conformance.families._damage import CLAUSE_OF
from datawal_conformance.families._model import Case, Family, at
from datawal_conformance.families._templates import fails, opens, reader_fails
from datawal_spec import HEADER_LEN, MAX_KEY_LEN, MAX_PAYLOAD_LEN, ErrorKind

_U32: Final = 2**32 - 1


@dataclass(frozen=True)
class Fault:
    """One wrong value: the fields to set, or the bytes to leave of the frame."""

    title: str
    kind: ErrorKind
    fields: dict[str, Any] = field(default_factory=dict)
    keep: int | None = None

    def of(self, frame: Frame) -> bytes:
        """The frame with this fault."""
        return frame.damaged(**self.fields)[: self.keep]

    @property
    def clause(self) -> str:
        """The clause that names it."""
        return "WIRE-16" if self.keep is not None and self.keep < HEADER_LEN else CLAUSE_OF[self.kind]


def _valued(title: str, kind: ErrorKind, name: str, values: tuple[Any, ...]) -> dict[str, Fault]:
    def text(content: Any) -> str:
        return content.hex() if isinstance(content, bytes) else str(content)

    return {
        f"{name.replace('_', '-')}-{text(content)}": Fault(f"{title} {text(content)}", kind, {name: content})
        for content in values
    }


_MAGICS: Final = (b"LAWD", b"dwal", b"DWAM", b"EWAL", b"DWA\0", b"\0WAL", bytes(4), b"\xff" * 4)

SINGLE: Final[dict[str, Fault]] = {
    **_valued("the magic", ErrorKind.BAD_MAGIC, "magic", _MAGICS),
    **_valued("the version", ErrorKind.UNKNOWN_VERSION, "version", (0, 2, 3, 255, 256, 257, 65535)),
    **_valued("the record type", ErrorKind.UNKNOWN_RECORD_TYPE, "record_type", (3, 4, 127, 128, 255)),
    **_valued("the flags", ErrorKind.RESERVED_FLAGS, "flags", (1, 2, 16, 128, 255)),
    **_valued(
        "the key length",
        ErrorKind.KEY_TOO_LARGE,
        "key_len",
        (MAX_KEY_LEN + 1, MAX_KEY_LEN + 2, MAX_PAYLOAD_LEN, 2**31 - 1, 2**31, _U32),
    ),
    **_valued(
        "the payload length",
        ErrorKind.PAYLOAD_TOO_LARGE,
        "payload_len",
        (MAX_PAYLOAD_LEN + 1, MAX_PAYLOAD_LEN + 2, 2**31 - 1, 2**31, _U32 - 23, _U32),
    ),
}
"""Structural faults by the name they have in ids."""

CRC_FAULTS: Final[dict[str, Fault]] = {
    "crc-0": Fault("the checksum 0", ErrorKind.CRC_MISMATCH, {"crc": 0}),
    "crc-ffffffff": Fault("the checksum ffffffff", ErrorKind.CRC_MISMATCH, {"crc": _U32}),
    "crc-of-nothing": Fault("the checksum of another frame", ErrorKind.CRC_MISMATCH, {"crc": 0x59E778F6}),
}
"""Wrong checksums; the last one is right for the frame `alpha`, and put to other frames only."""

ORDER: Final[dict[str, Fault]] = {
    "short-header": Fault("one byte missing from the header", ErrorKind.TRUNCATED, keep=HEADER_LEN - 1),
    "magic": SINGLE["magic-4c415744"],
    "version": SINGLE["version-2"],
    "record-type": SINGLE["record-type-3"],
    "flags": SINGLE["flags-1"],
    "key-len": SINGLE[f"key-len-{MAX_KEY_LEN + 1}"],
    "payload-len": SINGLE[f"payload-len-{MAX_PAYLOAD_LEN + 1}"],
    "short-frame": Fault("one byte missing from the frame", ErrorKind.TRUNCATED, keep=-1),
    "crc": CRC_FAULTS["crc-0"],
}
"""One fault for each rule, in the order of judgement (clause WIRE-15)."""

_IMPOSSIBLE: Final = {("short-header", "short-frame"), ("short-header", "crc")}
"""A frame without a whole header has no more to be cut from it, and no checksum."""

_SEALING: Final = Segment(2, (_samples.OMEGA,))


def _placed(fault: Fault, index: int) -> Log:
    """The three-record log with one of its frames broken and those behind it in place."""
    frames = _samples.THREE.last.frames
    return Log.of(*frames[:index], tail=fault.of(frames[index]) + joined(frames[index + 1 :]))


def _sealed(log: Log) -> Log:
    return Log((*log.segments, _SEALING))


def _single(*, sealed: bool) -> Iterator[Case]:
    for index, word in enumerate(("first", "middle", "last")):
        for name, fault in (SINGLE | CRC_FAULTS).items():
            if fault.fields.get("crc") == 0x59E778F6 and index == 0:  # noqa: PLR2004 - it is right there
                continue
            log = _placed(fault, index)
            log = _sealed(log) if sealed else log
            title = f"{fault.title}, in the {word} of three records of {'a sealed' if sealed else 'the last'} segment"
            suffix = at(fault=name, record=word)
            if fault.kind is not ErrorKind.CRC_MISMATCH:
                yield fails(suffix, title, (fault.clause, "REC-5"), log, fault.kind)
            elif sealed:
                yield fails(suffix, title, (fault.clause, "REC-6"), log, fault.kind)
            else:
                yield opens(suffix, title, (fault.clause, "REC-3", "REC-4"), log)


def _reader() -> Iterator[Case]:
    for name, fault in SINGLE.items():
        for sealed in (False, True):
            log = _placed(fault, 1)
            place = "sealed" if sealed else "last"
            title = f"{fault.title}, in the second record of the {place} segment: a reader gives the first"
            clauses = (fault.clause, "RDR-7", "RDR-8", "RDR-12")
            broken = _sealed(log) if sealed else log
            yield reader_fails(at(fault=name, segment=place), title, clauses, broken, fault.kind)


def _pairs() -> Iterator[Case]:
    frame = put(2, b"key", b"payload")
    for (first, wins), (second, loses) in combinations(ORDER.items(), 2):
        if (first, second) in _IMPOSSIBLE:
            continue
        keep = wins.keep if wins.keep is not None else loses.keep
        tail = frame.damaged(**wins.fields, **loses.fields)[:keep]
        log = Log.of(_samples.ALPHA, tail=tail)
        title = f"{wins.title} counts before {loses.title}"
        clauses = ("WIRE-15", wins.clause)
        for place in ("last", "sealed"):
            suffix = at(first=first, second=second, segment=place)
            if place == "sealed":
                yield fails(suffix, f"{title}, in a sealed segment", clauses, _sealed(log), wins.kind)
            elif wins.kind is ErrorKind.TRUNCATED:
                yield opens(suffix, f"{title}, in the last segment", clauses, log)
            else:
                yield fails(suffix, f"{title}, in the last segment", clauses, log, wins.kind)


def _all_at_once() -> Iterator[Case]:
    """All faults from one rule on: the first of them counts."""
    frame = put(2, b"key", b"payload")
    names = list(ORDER)
    for number, first in enumerate(names[1:7], 1):
        fields: dict[str, Any] = {}
        for name in names[number:7]:
            fields |= ORDER[name].fields
        wins = ORDER[first]
        title = f"{wins.title} counts before every later fault"
        log = Log.of(_samples.ALPHA, tail=frame.damaged(**fields, crc=0)[:-1])
        yield fails(at(first=first), title, ("WIRE-15", wins.clause), log, wins.kind)


FAMILIES = (
    Family(
        "wire.fault-last",
        "Every structural fault and wrong checksum, in the last segment.",
        lambda: _single(sealed=False),
    ),
    Family("wire.fault-sealed", "The same faults in a segment that is not the last.", lambda: _single(sealed=True)),
    Family("wire.order", "Two faults in one frame: the earlier rule decides.", _pairs),
    Family("wire.order-all", "Many faults in one frame: the earliest rule decides.", _all_at_once),
    Family("reader.fault", "Structural faults as a reader meets them: the records in front, then the error.", _reader),
)
