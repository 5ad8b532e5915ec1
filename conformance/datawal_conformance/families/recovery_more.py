"""Recovery beyond cuts and flips: garbage behind the last record, damage in company, reports, txids."""

from collections.abc import Iterator
from typing import Final

from datawal_conformance.families import _samples
from datawal_conformance.families._build import LOG_DIR, Frame, Json, Log, Segment, joined, put, raw, value
from datawal_conformance.families._damage import cut, flip
from datawal_conformance.families._garbage import GARBAGE, Garbage
from datawal_conformance.families._model import Case, Family, at, named
from datawal_conformance.families._steps import UNCHANGED, close, do, error, files, ok, scan, step
from datawal_conformance.families._templates import fails, opens, reader_fails, reads
from datawal_spec import MAX_TXID, ErrorKind

_FRAMES: Final = _samples.THREE.last.frames
_ZEROS: Final = "zero"


def _garbage_clauses(name: str, garbage: Garbage) -> tuple[str, ...]:
    clauses = [garbage.clause]
    if name.startswith(_ZEROS):
        clauses.append("REC-17")
    if garbage.kind is ErrorKind.CRC_MISMATCH:
        clauses += ["REC-3", "REC-10", "REC-12"]
    elif garbage.kind is ErrorKind.TRUNCATED:
        clauses.append("REC-2")
    else:
        clauses.append("REC-5")
    if "then" in name:
        clauses.append("REC-4")
    if name.startswith("claims"):
        clauses.append("WIRE-26")
    return tuple(clauses)


def _garbage_last() -> Iterator[Case]:
    for before, frames in (("three", _FRAMES), ("none", ())):
        for name, garbage in GARBAGE.items():
            log = Log.of(*frames, tail=garbage.data)
            where = "three records" if frames else "no record"
            title = f"{where}, then {garbage.title}"
            suffix, clauses = at(before=before, garbage=name), _garbage_clauses(name, garbage)
            if garbage.forgiven:
                yield opens(suffix, title, clauses, log)
            else:
                yield fails(suffix, title, clauses, log, garbage.kind)


def _garbage_sealed() -> Iterator[Case]:
    for name, garbage in GARBAGE.items():
        rule = "REC-6" if garbage.forgiven else "REC-5"
        broken = Segment(1, _FRAMES, garbage.data)
        for behind, frames in (("record", (_samples.OMEGA,)), ("empty", ())):
            log = Log((broken, Segment(2, frames)))
            title = f"three records, then {garbage.title}; {'an empty' if not frames else 'another'} segment follows"
            clauses = (garbage.clause, rule, *(() if frames else ("REC-7",)))
            yield fails(at(garbage=name, behind=behind), title, clauses, log, garbage.kind)


def _reader_garbage() -> Iterator[Case]:
    for name, garbage in GARBAGE.items():
        log = Log.of(*_FRAMES, tail=garbage.data)
        title = f"a reader of three records, then {garbage.title}"
        clauses = ("RDR-7", "RDR-8", garbage.clause)
        if garbage.forgiven:
            yield reads(at(garbage=name, segment="last"), title, clauses, log)
        else:
            yield reader_fails(at(garbage=name, segment="last"), title, (*clauses, "RDR-12"), log, garbage.kind)
        sealed = Log((*log.segments, Segment(2, (_samples.OMEGA,))))
        more = f"{title}, in a sealed segment"
        yield reader_fails(at(garbage=name, segment="sealed"), more, (*clauses, "RDR-12"), sealed, garbage.kind)


def _reader_cut() -> Iterator[Case]:
    for point in cut(_FRAMES):
        if not point.tail:
            continue
        broken = Segment(1, point.before, point.tail)
        title = f"a reader of a log {point.title}"
        yield reads(at(at=point.at, segment="last"), title, ("RDR-7", "REC-2", point.clause), Log((broken,)))
        sealed = Log((broken, Segment(2, (_samples.OMEGA,))))
        title += ", in a sealed segment"
        clauses = ("RDR-7", "RDR-8", "RDR-12", "REC-6", point.clause)
        yield reader_fails(at(at=point.at, segment="sealed"), title, clauses, sealed, point.kind)


def _reader_flip() -> Iterator[Case]:
    for point in flip(_FRAMES, 1):
        broken = Segment(1, point.before, point.tail)
        title = f"a reader of a log with {point.title}"
        if point.structural:
            clauses = ("RDR-7", "RDR-8", "RDR-12", "REC-5", point.clause)
            yield reader_fails(at(bit=point.at), title, clauses, Log((broken,)), point.kind)
        else:
            yield reads(at(bit=point.at), title, ("RDR-7", "REC-4", point.clause), Log((broken,)))


def _empty_after() -> Iterator[Case]:
    """A damaged segment with only an empty one behind it is not the last."""
    for point in cut(_FRAMES):
        if point.tail:
            log = Log((Segment(1, point.before, point.tail), Segment(2)))
            title = f"three records, {point.title}; an empty segment follows"
            yield fails(at(at=point.at), title, ("REC-6", "REC-7", point.clause), log, point.kind)


def _company() -> Iterator[Case]:
    """Several damages: the first one in reading order decides."""
    alpha, beta, gamma = _FRAMES
    torn, no_magic = beta.data[:20], beta.damaged(magic=b"XXXX")
    bad_crc = beta.damaged(crc=0)
    tail = Segment(2, (_samples.OMEGA,), raw(10, b"torn").data[:25])
    structural_tail = Segment(2, (_samples.OMEGA,), raw(10, b"torn").damaged(flags=1))
    two = ("REC-1", "REC-6")
    yield fails(
        named("torn-sealed-and-torn-last"),
        "a sealed segment and the last one are both cut: the sealed one decides",
        two,
        Log((Segment(1, (alpha,), torn), tail)),
        ErrorKind.TRUNCATED,
    )
    yield fails(
        named("bad-crc-sealed-and-bad-flags-last"),
        "a wrong checksum in a sealed segment comes before reserved flags in the last",
        two,
        Log((Segment(1, (alpha,), bad_crc), structural_tail)),
        ErrorKind.CRC_MISMATCH,
    )
    yield fails(
        named("good-sealed-and-bad-flags-last"),
        "a sound sealed segment, and reserved flags in the last",
        ("REC-5", "REC-1"),
        Log((Segment(1, (alpha, beta)), structural_tail)),
        ErrorKind.RESERVED_FLAGS,
    )
    yield opens(
        named("good-sealed-and-torn-last"),
        "a sound sealed segment, and a torn last one: bytes discarded are the last one's",
        ("REC-2", "REC-11", "REC-8"),
        Log((Segment(1, (alpha, beta)), tail)),
    )
    yield opens(
        named("bad-crc-then-bad-magic"),
        "a wrong checksum in front of a wrong magic in the last segment: the log ends at the first",
        ("REC-3", "REC-4"),
        Log.of(alpha, tail=bad_crc + no_magic),
    )
    yield fails(
        named("bad-magic-then-bad-crc"),
        "a wrong magic in front of a wrong checksum in the last segment fails the open",
        ("REC-5",),
        Log.of(alpha, tail=no_magic + bad_crc),
        ErrorKind.BAD_MAGIC,
    )
    yield opens(
        named("whole-last-damaged"),
        "the last segment holds nothing but a torn frame",
        ("REC-2", "REC-11"),
        Log((Segment(1, (alpha, beta)), Segment(2, (), torn))),
    )
    yield fails(
        named("first-of-three-torn"),
        "the first of three segments ends in a torn frame",
        ("REC-6",),
        Log((Segment(1, (alpha,), torn), Segment(2, (gamma,)), Segment(3, (_samples.OMEGA,)))),
        ErrorKind.TRUNCATED,
    )
    yield fails(
        named("second-of-three-torn"),
        "the second of three segments ends in a torn frame",
        ("REC-6",),
        Log((Segment(1, (alpha,)), Segment(2, (beta,), gamma.data[:-1]), Segment(3, (_samples.OMEGA,)))),
        ErrorKind.TRUNCATED,
    )
    for empties in (1, 2, 3):
        log = Log((Segment(1, (alpha,), torn), *(Segment(2 + number) for number in range(empties))))
        yield fails(
            named(f"torn-then-empty-{empties}"),
            f"a torn segment and {empties} empty ones behind it",
            ("REC-7", "REC-6"),
            log,
            ErrorKind.TRUNCATED,
        )


def _split_frame() -> Iterator[Case]:
    """A frame does not go on in the next segment."""
    alpha, beta, gamma = _FRAMES
    for kept in (1, 4, 23, 24, 25, len(beta) - 1):
        log = Log((Segment(1, (alpha,), beta.data[:kept]), Segment(2, (), beta.data[kept:] + gamma.data)))
        title = f"a frame whose first {kept} bytes stand in one segment and the rest in the next"
        yield fails(at(kept=kept), title, ("SEG-12", "REC-6"), log, ErrorKind.TRUNCATED)


_ORDERS: Final = {
    "gap": (1, 5, 6),
    "large-gap": (1, 2**40),
    "descending": (9, 5, 1),
    "repeated": (3, 3, 3),
    "zeros": (0, 0),
    "zero-first": (0, 1, 2),
    "high-in-the-middle": (1, 1000, 2),
    "highest-first": (2**63, 1),
    "wrapped": (MAX_TXID, 0, 1),
}


def _txids() -> Iterator[Case]:
    for name, txids in _ORDERS.items():
        frames = tuple(raw(txid, b"%d" % number) for number, txid in enumerate(txids))
        words = ", ".join(map(str, txids))
        title = f"txids {words} in one segment"
        yield opens(at(order=name, segments=1), title, ("REC-13", "REC-15", "WRT-12"), Log.of(*frames))
        log = Log(tuple(Segment(number, (frame,)) for number, frame in enumerate(frames, 1)))
        clauses = ("REC-13", "REC-15", "REC-8", "WRT-12")
        yield opens(at(order=name, segments=len(frames)), f"txids {words}, each in its own segment", clauses, log)


def _continued() -> Iterator[Case]:
    """The next txid is the highest one seen plus 1, wherever that stands."""
    for name, txids in _ORDERS.items():
        if max(txids) == MAX_TXID:
            continue
        log = Log.of(*(raw(txid, b"%d" % number) for number, txid in enumerate(txids)))
        new = raw(max(txids) + 1, b"new")
        title = f"txids {', '.join(map(str, txids))}: the next append takes {new.txid}"
        yield _goes_on(at(order=name), title, ("REC-14", "WRT-8"), log, new)
    torn = Log.of(_samples.ALPHA, tail=raw(50, b"torn").data[:-1])
    yield Case(
        named("torn-frame-does-not-count"),
        "the txid of a torn frame is not seen",
        ("REC-13", "REC-14"),
        torn.given(),
        [
            step("open_log", path=LOG_DIR, expect=ok(report=torn.report())),
            scan(torn.records()),
            step("report", expect=ok(report=torn.report())),
            close(),
        ],
        UNCHANGED,
    )


def _goes_on(suffix: str, title: str, clauses: tuple[str, ...], log: Log, new: Frame) -> Case:
    grown = log.plus(new)
    return Case(
        suffix,
        title,
        clauses,
        log.given(),
        [
            step("open_log", path=LOG_DIR, expect=ok(**log.opened())),
            step("append", payload=value(new.payload), expect=ok(**new.ref(log.last.id, log.last.end))),
            scan(grown.records()),
            step("report", expect=ok(report=grown.report())),
            close(),
        ],
        files(grown.given()),
    )


def _untouched() -> Iterator[Case]:
    """Opening, scanning, syncing and closing a damaged log, again and again, changes nothing."""
    for name in ("zeros-23", "bad-crc", "bad-crc-then-valid", "header-only", "claims-64-mib"):
        log = Log.of(*_FRAMES, tail=GARBAGE[name].data)
        once: list[Json] = [
            step("open_log", path=LOG_DIR, expect=ok(**log.opened())),
            scan(log.records()),
            do("check", files="unchanged"),
            step("report", expect=ok(report=log.report())),
            close(),
            do("check", files="unchanged"),
        ]
        title = f"three records, then {GARBAGE[name].title}: three opens leave every byte as it is"
        yield Case(named(name), title, ("REC-16", "WRT-20"), log.given(), once * 3, UNCHANGED)
    for name in ("zeros-24", "bad-magic", "random-24"):
        garbage = GARBAGE[name]
        log = Log.of(*_FRAMES, tail=garbage.data)
        failing = step("open_log", path=LOG_DIR, expect=error(garbage.kind, segment=1, offset=log.last.end))
        title = f"three records, then {garbage.title}: three failed opens leave every byte as it is"
        yield Case(named(name), title, ("REC-5", "REC-16", "LOCK-9"), log.given(), [failing] * 3, UNCHANGED)


def _many() -> Iterator[Case]:
    for count in (100, 1000):
        frames = tuple(put(number, b"k%d" % (number % 10), b"v" * (number % 60)) for number in range(1, count + 1))
        yield opens(at(records=count), f"{count} records in one segment", ("REC-1", "REC-9"), Log.of(*frames))
    for count in (17, 64):
        log = Log(tuple(Segment(number, (raw(number, b"%d" % number),)) for number in range(1, count + 1)))
        clauses = ("REC-1", "REC-8", "REC-9", "SEG-4")
        yield opens(at(segments=count), f"{count} segments of one record", clauses, log)
    assert joined(_FRAMES) == _samples.THREE.last.data, "one segment's frames stand one behind the other"


FAMILIES = (
    Family("recovery.garbage-last", "Bytes of many kinds behind the last record of the log.", _garbage_last),
    Family("recovery.garbage-sealed", "The same bytes at the end of a segment that is not the last.", _garbage_sealed),
    Family("recovery.empty-after", "A cut segment with an empty one behind it.", _empty_after),
    Family("recovery.company", "Several damages in one log, and damage among sound segments.", _company),
    Family("recovery.split-frame", "A frame broken over two segments.", _split_frame),
    Family("recovery.txid-order", "Txids out of order are accepted and the highest is reported.", _txids),
    Family("recovery.txid-next", "The txid an append takes after recovery.", _continued),
    Family("recovery.untouched", "Opening and scanning change nothing.", _untouched),
    Family("recovery.many", "Many records, many segments.", _many),
    Family("reader.garbage", "Garbage behind the last record, as a reader meets it.", _reader_garbage),
    Family("reader.cut", "Every length of a cut log, as a reader meets it.", _reader_cut),
    Family("reader.flip", "Every bit of one frame turned over, as a reader meets it.", _reader_flip),
)
