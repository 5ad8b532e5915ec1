"""The frame: every type with contents of every kind, as a writer must lay it down and as a decoder must read it."""

from collections.abc import Iterator
from typing import Final

from datawal_conformance.families._build import LOG_DIR, Frame, Json, Log, put, raw, value
from datawal_conformance.families._model import Case, Family, at, named
from datawal_conformance.families._steps import append_record, close, error, files, ok, scan, step
from datawal_conformance.families._templates import fails, opens
from datawal_spec import MAGIC, MAX_KEY_LEN, MAX_PAYLOAD_LEN, MAX_TXID, ErrorKind, RecordType

_INNER: Final = put(77, b"inner", b"frame").data

CONTENTS: Final[dict[str, bytes]] = {
    "empty": b"",
    "one-zero": b"\0",
    "one-ff": b"\xff",
    "letter": b"a",
    "newline": b"\n",
    "zeros": bytes(40),
    "ff": b"\xff" * 40,
    "magic": MAGIC,
    "frame": _INNER,
    "frame-cut": _INNER[:-1],
    "text": "grüße, 世界".encode(),
    "not-utf-8": b"\xc3\x28\xa0\xa1",
    "ramp": bytes(range(256)),
    "run-300": b"z" * 300,
}
"""Keys and payloads by the name they have in ids."""

_OPAQUE: Final = frozenset(CONTENTS) - {"empty", "one-zero", "one-ff", "letter", "zeros", "ff", "run-300"}

_PAIRS: Final = (
    *(("empty", name) for name in CONTENTS),
    *((name, "empty") for name in CONTENTS if name != "empty"),
    *((name, name) for name in CONTENTS if name != "empty"),
    ("letter", "frame"),
    ("frame", "letter"),
    ("ramp", "magic"),
    ("magic", "ramp"),
)

_TXIDS: Final = {
    "0": 0,
    "1": 1,
    "127": 127,
    "128": 128,
    "255": 255,
    "256": 256,
    "65535": 65535,
    "65536": 65536,
    "2-31": 2**31,
    "2-32-1": 2**32 - 1,
    "2-32": 2**32,
    "2-32+1": 2**32 + 1,
    "2-53": 2**53,
    "2-53+1": 2**53 + 1,
    "2-63-1": 2**63 - 1,
    "2-63": 2**63,
    "2-64-2": MAX_TXID - 1,
    "2-64-1": MAX_TXID,
    "ascending-bytes": 0x0807060504030201,
}


def _clauses(frame: Frame, *names: str) -> tuple[str, ...]:
    found = ["WIRE-1", "WIRE-4", "WIRE-6"]
    if (frame.type is RecordType.RAW) == bool(frame.key) or (frame.type is RecordType.DELETE and frame.payload):
        found.append("WIRE-13")
    if not _OPAQUE.isdisjoint(names):
        found.append("WIRE-14")
    return tuple(found)


def written(
    suffix: str, title: str, clauses: tuple[str, ...], frames: tuple[Frame, ...], given: Json | None = None
) -> Case:
    """A new log is written, record by record; its one segment must hold exactly these frames."""
    log = Log.of(*frames)
    steps = [step("open_log", path=LOG_DIR, expect=ok(**Log.of().opened()))]
    for frame, record in zip(frames, log.records(), strict=True):
        ref = {name: record[name] for name in ("segment", "offset", "len")}
        steps.append(append_record(frame, expect=ok(**ref)))
    steps += [scan(log.records()), close()]
    return Case(suffix, title, clauses, given or {}, steps, files(log.given()))


def _golden() -> Iterator[Case]:
    for kind in RecordType:
        for key, payload in _PAIRS:
            frame = Frame(kind, 1, CONTENTS[key], CONTENTS[payload])
            title = f"a {kind.name.title()} with key {key} and payload {payload} is written byte for byte"
            clauses = (*_clauses(frame, key, payload), "WIRE-10", "WIRE-11", "WRT-4")
            yield written(at(type=kind.word, key=key, payload=payload), title, clauses, (frame,))


def _read() -> Iterator[Case]:
    behind = raw(2, b"behind")
    for kind in RecordType:
        for key, payload in _PAIRS:
            frame = Frame(kind, 1, CONTENTS[key], CONTENTS[payload])
            title = f"a {kind.name.title()} with key {key} and payload {payload} is read, and the frame behind it"
            clauses = (*_clauses(frame, key, payload), "WIRE-25", "WRT-12")
            yield opens(at(type=kind.word, key=key, payload=payload), title, clauses, Log.of(frame, behind))


def _known() -> Iterator[Case]:
    alpha = raw(1, b"alpha")
    known = "4457414c010000000100000000000000" + "0000000005000000" + "616c706861" + "59e778f6"
    assert alpha.data.hex() == known, "these bytes were measured on the published crate"
    clauses = ("WIRE-1", "WIRE-2", "WIRE-3", "WIRE-5", "WIRE-6", "WIRE-8", "WIRE-9", "WIRE-10", "WIRE-11", "WIRE-12")
    case = written(named("alpha-written"), "the first Raw record of a new log is 33 known bytes", clauses, (alpha,))
    case.steps[1] = step("append", payload=value(alpha.payload), expect=ok(segment=1, offset=0, len=33))
    yield case
    yield opens(named("alpha-read"), "33 known bytes are the Raw record alpha", clauses, Log.of(alpha))
    # A checksum of known value: the frame's last four bytes are its body's CRC-32C, lowest byte first.
    digits = raw(1, b"123456789")
    yield opens(named("check-string"), "a record that holds the check string", ("WIRE-10", "WIRE-12"), Log.of(digits))


def _txids() -> Iterator[Case]:
    for name, txid in _TXIDS.items():
        suffix = at(value=name.replace("+", "-plus-"))
        title = f"a record with the txid {txid} is read and reported"
        yield opens(suffix, title, ("WIRE-6", "WIRE-7", "REC-13"), Log.of(put(txid, b"k", b"v")))


def _lengths() -> Iterator[Case]:
    for size in (1, 2, 127, 128, 255, 256, 257, 1023, 1024, 1025, 4096, 32767, 32768, MAX_KEY_LEN - 1, MAX_KEY_LEN):
        for what in ("key", "payload"):
            clause = "WIRE-8" if what == "key" else "WIRE-9"
            filled = b"f" * size
            frame = put(1, filled, b"v") if what == "key" else put(1, b"k", filled)
            suffix = {"what": what, "size": size}
            title = f"a {what} of {size} bytes"
            limit = ("WRT-18",) if what == "key" and size == MAX_KEY_LEN else ()
            yield written(at(op="write", **suffix), f"{title} is written", (clause, "WIRE-6", *limit), (frame,))
            behind = raw(2, b"behind")
            yield opens(at(op="read", **suffix), f"{title} is read", (clause, "WIRE-25"), Log.of(frame, behind))
    for size in (65537, 131072, 1 << 20):
        frame = put(1, b"k", b"f" * size)
        title = f"a payload of {size} bytes"
        suffix = {"what": "payload", "size": size}
        yield written(at(op="write", **suffix), f"{title} is written", ("WIRE-9",), (frame,))
        yield opens(at(op="read", **suffix), f"{title} is read", ("WIRE-9", "WIRE-25"), Log.of(frame, raw(2, b"x")))


def _large() -> Iterator[Case]:
    """Cases with payloads of 64 MiB: a family of its own, so that a slow machine can leave it out."""
    for size in (MAX_PAYLOAD_LEN - 1, MAX_PAYLOAD_LEN):
        frame = raw(1, b"L" * size)
        title = f"a payload of {size} bytes"
        clauses = ("WIRE-9", "WRT-18")
        yield Case(
            at(op="write", size=size),
            f"{title} is written",
            clauses,
            {},
            [
                step("open_log", path=LOG_DIR, expect=ok(active_segment=1)),
                step("append", payload=value(frame.payload), expect=ok(**frame.ref(1, 0))),
                scan(Log.of(frame).records()),
                close(),
            ],
            files(Log.of(frame).given()),
        )
        log = Log.of(frame, raw(2, b"behind"))
        yield Case(
            at(op="read", size=size),
            f"{title} is read",
            clauses,
            log.given(),
            [step("open_log", path=LOG_DIR, expect=ok(**log.opened())), scan(log.records()), close()],
            {"files": "unchanged"},
        )
    size = MAX_PAYLOAD_LEN + 1
    over = raw(1, b"").damaged(payload_len=size)[:-4]
    tail = over + b"L" * size + bytes(4)
    yield fails(
        at(op="read", size=size),
        f"a whole frame with a payload of {size} bytes is refused",
        ("WIRE-22",),
        Log.of(tail=tail),
        ErrorKind.PAYLOAD_TOO_LARGE,
    )
    after = raw(1, b"small")
    yield Case(
        at(op="write", size=size),
        f"a payload of {size} bytes is refused before any I/O",
        ("WRT-11", "POI-7"),
        {},
        [
            step("open_log", path=LOG_DIR, expect=ok(active_segment=1)),
            step(
                "append",
                payload={"fill": "4c", "len": size},
                expect=error(ErrorKind.PAYLOAD_TOO_LARGE),
            ),
            step("is_poisoned", expect=ok(is_poisoned=False)),
            step("append", payload=value(after.payload), expect=ok(**after.ref(1, 0))),
            close(),
        ],
        files(Log.of(after).given()),
    )


FAMILIES = (
    Family("wire.known", "Bytes whose meaning was measured on the published crate.", _known),
    Family("wire.golden", "What a writer lays down for every type with contents of every kind.", _golden),
    Family("wire.read", "What a decoder reads for every type with contents of every kind.", _read),
    Family("wire.txid", "Transaction ids at the edges of their bytes.", _txids),
    Family("wire.length", "Keys and payloads at the edges of their lengths' bytes and limits.", _lengths),
    Family("wire.large", "Payloads of 64 MiB, give or take a byte. Slow machines may leave these out.", _large),
)
