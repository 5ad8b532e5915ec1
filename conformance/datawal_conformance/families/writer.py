"""The record log: what a writer makes, answers and refuses."""

import random
from collections.abc import Iterator
from itertools import product
from typing import Final

from datawal_conformance.families import _samples
from datawal_conformance.families._build import LOG_DIR, Frame, Json, Log, Segment, put, raw, value
from datawal_conformance.families._model import Case, Family, at, named
from datawal_conformance.families._steps import (
    UNCHANGED,
    append_record,
    close,
    do,
    error,
    files,
    ok,
    one_of,
    scan,
    scan_iter,
    step,
)
from datawal_spec import MAX_KEY_LEN, ErrorKind, RecordType

_EMPTY: Final = Log.of()
_OVER: Final = {"fill": "6b", "len": MAX_KEY_LEN + 1}


def opened(log: Log) -> Json:
    """The step that opens the log and is told all about it."""
    return step("open_log", path=LOG_DIR, expect=ok(**log.opened()))


def _new() -> Iterator[Case]:
    for name, path, given in (
        ("missing", "log", {}),
        ("missing-parents", "a/b/c/log", {}),
        ("empty", "log", {"log": {"directory": True}}),
        ("parent-exists", "a/log", {"a/neighbour": "00"}),
    ):
        yield Case(
            at(directory=name),
            f"a new log in a directory that is {name.replace('-', ' ')}: one empty segment, no record",
            ("WRT-1", "WRT-2", "SEG-7") if "missing" in name else ("WRT-2", "SEG-7"),
            given,
            [
                step("open_log", path=path, expect=ok(**_EMPTY.opened())),
                step("active_segment", expect=ok(active_segment=1)),
                step("is_poisoned", expect=ok(is_poisoned=False)),
                scan([]),
                scan_iter([], _EMPTY.report()),
                close(),
                step("open_log", path=path, expect=ok(**_EMPTY.opened())),
                close(),
            ],
            files({f"{path}/00000001.dwal": ""}),
        )
    yield Case(
        at(directory="dangling-link"),
        "a link to nothing stands where the log's directory should be: an error, and nothing is made",
        ("WRT-24",),
        {LOG_DIR: {"symlink": "nothing"}},
        [step("open_log", path=LOG_DIR, expect=error())],
        UNCHANGED,
    )
    for name, path in (("itself", "log"), ("parent", "log/below")):
        yield Case(
            at(file=name),
            f"a file stands where the log's directory should be ({name}): an error, and nothing changes",
            ("WRT-1",),
            {"log": "66696c65"},
            [step("open_log", path=path, expect=error())],
            UNCHANGED,
        )


def _refs() -> Iterator[Case]:
    """The same appends with refs, scans after each, and the whole file compared."""
    log = _EMPTY
    steps = [opened(log)]
    contents = ((b"", b""), (b"k", b""), (b"", b"p"), (b"key", b"payload"), (b"\0" * 5, b"\xff" * 7))
    for number, ((key, payload), kind) in enumerate(product(contents, RecordType), 1):
        frame = Frame(kind, number, key, payload)
        steps.append(append_record(frame, expect=ok(**frame.ref(1, log.last.end))))
        log = log.plus(frame)
        steps.append(scan_iter(log.records(), log.report()))
    steps += [scan(log.records()), step("report", expect=ok(report=log.report())), close()]
    title = "fifteen records of all types: each reference is true and each record visible at once"
    yield Case(named("all-types"), title, ("WRT-4", "WRT-5", "WRT-6", "WRT-9"), {}, steps, files(log.given()))
    payloads = (b"", b"a", b"alpha", b"\0", b"x" * 1000)
    frames = tuple(raw(number, payload) for number, payload in enumerate(payloads, 1))
    log = Log.of(*frames)
    steps = [opened(_EMPTY)]
    for frame, record in zip(frames, log.records(), strict=True):
        ref = {name: record[name] for name in ("segment", "offset", "len")}
        steps.append(step("append", payload=value(frame.payload), expect=ok(**ref)))
    steps += [scan(log.records()), close()]
    title = "append writes Raw records with empty keys"
    yield Case(named("append"), title, ("WRT-3", "WRT-5", "WRT-6", "WRT-7"), {}, steps, files(log.given()))


def _bytes_added() -> Iterator[Case]:
    """After each append the file has grown by exactly the frame."""
    log = _samples.THREE
    steps = [opened(log)]
    for number in range(4, 8):
        frame = put(number, b"k%d" % number, b"v" * number)
        steps.append(append_record(frame, expect=ok(**frame.ref(1, log.last.end))))
        log = log.plus(frame)
        steps.append(do("check", files=log.given()))
    steps += [
        step("fsync", expect=ok()),
        do("check", files=log.given()),
        close(),
    ]
    title = "every append adds its frame to the file at once, fsync and close add nothing"
    clauses = ("WRT-6", "WRT-9", "WRT-20")
    yield Case(named("checked-after-each"), title, clauses, _samples.THREE.given(), steps, files(log.given()))


def _txids() -> Iterator[Case]:
    for rotations in (0, 1, 3):
        for reopens in (0, 1, 3):
            log, steps = _EMPTY, [opened(_EMPTY)]
            for turn in range(4):
                frame = raw(turn + 1, b"%d" % (turn + 1))
                expect = ok(**frame.ref(log.last.id, log.last.end))
                steps.append(step("append", payload=value(frame.payload), expect=expect))
                log = log.plus(frame)
                if turn < rotations:
                    log = log.with_segment()
                    steps.append(step("rotate", expect=ok(active_segment=log.last.id)))
                if turn < reopens:
                    steps += [close(), opened(log)]
            steps += [scan(log.records()), close()]
            title = f"txids 1 to 4 over {rotations} rotations and {reopens} reopenings"
            clauses = ("WRT-7", "WRT-8", "WRT-17", "WRT-19", "WRT-21")
            yield Case(at(rotations=rotations, reopens=reopens), title, clauses, {}, steps, files(log.given()))


def _reopen() -> Iterator[Case]:
    for name, log in _samples.LOGS.items():
        new = raw(log.last_txid + 1, b"continued")
        grown = log.plus(new)
        yield Case(
            at(log=name),
            f"{_samples.TITLES[name]}: reopened, appended to, reopened",
            ("WRT-8", "REC-14", "WRT-6"),
            log.given(),
            [
                opened(log),
                step("append", payload=value(new.payload), expect=ok(**new.ref(log.last.id, log.last.end))),
                close(),
                opened(grown),
                scan(grown.records()),
                close(),
            ],
            files(grown.given()),
        )


def _refused() -> Iterator[Case]:
    for kind in RecordType:
        for before, log in (("new", _EMPTY), ("three", _samples.THREE)):
            after = put(log.last_txid + 1, b"k", b"accepted")
            grown = log.plus(after)
            yield Case(
                at(type=kind.word, log=before),
                f"a {kind.name.title()} with a key of {MAX_KEY_LEN + 1} bytes is refused: no byte, no txid, no poison",
                ("WRT-10", "POI-7"),
                log.given(),
                [
                    opened(log),
                    step("append_record", type=kind.word, key=_OVER, payload="", expect=error(ErrorKind.KEY_TOO_LARGE)),
                    do("check", files="unchanged"),
                    step("is_poisoned", expect=ok(is_poisoned=False)),
                    append_record(after, expect=ok(**after.ref(1, log.last.end))),
                    scan(grown.records()),
                    close(),
                ],
                files(grown.given()),
            )
    torn = Log.of(_samples.ALPHA, tail=_samples.BETA.data[:10])
    yield Case(
        named("torn"),
        "a key over the limit is refused before anything is done about a torn tail",
        ("WRT-10",),
        torn.given(),
        [
            opened(torn),
            step("append_record", type="put", key=_OVER, payload="", expect=error(ErrorKind.KEY_TOO_LARGE)),
            close(),
        ],
        UNCHANGED,
    )


def _lazy_scan_and_txid() -> Case:
    """A record's txid is raised on disk behind the handle's back: a lazy scan sees it and changes nothing."""
    one, raised, new = raw(1, b"alpha"), raw(50, b"alpha"), raw(2, b"new")
    log, changed = Log.of(one), Log.of(raised)
    return Case(
        named("scan-iter-leaves-the-next-txid"),
        "a lazy scan that meets a higher txid does not change the next one",
        ("WRT-14",),
        log.given(),
        [
            opened(log),
            do("overwrite", path=log.path(), offset=0, bytes=value(raised.data)),
            scan_iter(changed.records(), changed.report()),
            append_record(new, expect=ok(**new.ref(1, log.last.end))),
            close(),
        ],
        files(changed.plus(new).given()),
    )


def _reports() -> Iterator[Case]:
    yield _lazy_scan_and_txid()
    log, new = _samples.THREE, raw(4, b"new")
    grown = log.plus(new)
    yield Case(
        named("append-does-not-refresh"),
        "the report is the open's until a scan refreshes it; a lazy scan does not",
        ("WRT-13", "WRT-14", "WRT-16"),
        log.given(),
        [
            opened(log),
            step("append", payload=value(new.payload), expect=ok()),
            step("report", expect=ok(report=log.report())),
            scan_iter(grown.records(), grown.report()),
            step("report", expect=ok(report=log.report())),
            scan(grown.records()),
            step("report", expect=ok(report=grown.report())),
            close(),
        ],
        files(grown.given()),
    )
    stranger = raw(50, b"written by the runner")
    seen = log.plus(stranger)
    following = seen.plus(raw(51, b"new"))
    yield Case(
        named("scan-refreshes-next-txid"),
        "a record that appeared in the file is found by scan, and the next append takes the txid behind it",
        ("WRT-12", "WRT-13"),
        log.given(),
        [
            opened(log),
            do("append_bytes", path=log.path(), bytes=stranger.data.hex()),
            scan(seen.records()),
            step("report", expect=ok(report=seen.report())),
            step("append", payload=value(b"new"), expect=ok(segment=1)),
            scan(following.records()),
            close(),
        ],
        files(following.given()),
    )
    yield Case(
        named("lazy-scan-changes-no-report"),
        "a record that appeared in the file is found by a lazy scan, which changes no report",
        ("WRT-14", "WRT-16"),
        log.given(),
        [
            opened(log),
            do("append_bytes", path=log.path(), bytes=stranger.data.hex()),
            scan_iter(seen.records(), seen.report()),
            step("report", expect=ok(report=log.report())),
            close(),
        ],
        UNCHANGED,
    )
    torn = raw(50, b"torn").data[:27]
    damaged = Log.of(*log.last.frames, tail=torn)
    yield Case(
        named("scan-finds-a-new-tear"),
        "a torn frame that appeared behind the last record is reported by scan and lazy scan",
        ("WRT-13", "REC-2"),
        log.given(),
        [
            opened(log),
            do("append_bytes", path=log.path(), bytes=torn.hex()),
            scan_iter(damaged.records(), damaged.report()),
            step("report", expect=ok(report=log.report())),
            scan(damaged.records()),
            step("report", expect=ok(report=damaged.report())),
            close(),
        ],
        UNCHANGED,
    )


def _scan_errors() -> Iterator[Case]:
    """Damage that appears in a sealed segment after the open."""
    log = _samples.THREE.with_segment(_samples.OMEGA)
    start = len(_samples.ALPHA)
    first = [next(log.segments[0].records())]
    for name, offset, data, kind, clause in (
        ("magic", 0, "58", ErrorKind.BAD_MAGIC, "WIRE-17"),
        ("version", 4, "02", ErrorKind.UNKNOWN_VERSION, "WIRE-18"),
        ("record-type", 6, "07", ErrorKind.UNKNOWN_RECORD_TYPE, "WIRE-19"),
        ("flags", 7, "80", ErrorKind.RESERVED_FLAGS, "WIRE-20"),
        ("key-len", 16, "ffffffff", ErrorKind.KEY_TOO_LARGE, "WIRE-21"),
        ("payload-len", 20, "ffffffff", ErrorKind.PAYLOAD_TOO_LARGE, "WIRE-22"),
        ("payload", 26, "00", ErrorKind.CRC_MISMATCH, "WIRE-24"),
        ("crc", 29, "00000000", ErrorKind.CRC_MISMATCH, "WIRE-24"),
    ):
        place = {"segment": 1, "offset": start}
        yield Case(
            at(damage=name),
            f"the {name.replace('-', ' ')} of the second record changes under an open log: scans fail behind the first",
            ("WRT-12", "WRT-15", "WRT-23", clause),
            log.given(),
            [
                opened(log),
                do("overwrite", path=log.path(1), offset=start + offset, bytes=data),
                step("scan", expect=error(kind, **place)),
                step("scan_iter", expect=error(kind, **place, records=first)),
                step("report", expect=ok(report=log.report())),
                step("is_poisoned", expect=ok(is_poisoned=False)),
                close(),
            ],
            UNCHANGED,
        )

    raised, new = raw(50, b"alpha"), raw(log.last_txid + 1, b"new")
    grown = Log((Segment(1, (raised,), _samples.BETA.damaged(magic=b"XXXX")), log.last)).plus(new)
    yield Case(
        named("next-txid-stays"),
        "a scan that met a higher txid before it failed changes neither the report nor the next txid",
        ("WRT-23",),
        log.given(),
        [
            opened(log),
            do("write", path=log.path(1), content=value(grown.segments[0].data)),
            step("scan", expect=error(ErrorKind.BAD_MAGIC, segment=1, offset=start)),
            step("report", expect=ok(report=log.report())),
            append_record(new, expect=ok(**new.ref(2, log.last.end))),
            close(),
        ],
        files({grown.path(): value(grown.last.data)}),
    )


def _elsewhere() -> Iterator[Case]:
    """Somebody else puts a segment into the directory of an open log, or takes one away."""
    log, late = _samples.THREE, Segment(5, (raw(9, b"late"),))
    listed = Log((*log.segments, late))
    yield Case(
        named("appears"),
        "a segment appears under an open log: its scans read it or do not",
        ("WRT-21", "WRT-22"),
        log.given(),
        [
            opened(log),
            do("write", path=listed.path(), content=value(late.data)),
            *_scans(ok(records=log.records()), ok(records=listed.records())),
            step("active_segment", expect=ok(active_segment=1)),
            close(),
            opened(listed),
            close(),
        ],
        UNCHANGED,
    )
    log = _samples.LOGS["third-segment"]
    for place, segment in zip(("first", "middle"), log.segments, strict=False):
        left = Log(tuple(other for other in log.segments if other is not segment))
        yield Case(
            at(gone=place),
            f"the {place} of three segments goes under an open log: its scans fail, or do without it",
            ("WRT-22", "REC-18"),
            log.given(),
            [
                opened(log),
                do("remove", path=log.path(segment.id)),
                *_scans(error(ErrorKind.NOT_FOUND), ok(records=left.records())),
                close(),
            ],
            UNCHANGED,
        )


def _scans(keeps: Json, lists: Json) -> list[Json]:
    """A scan and a lazy one by a handle that keeps its own list of segments, or lists them anew."""
    return [step(word, expect=one_of(keeps=keeps, lists=lists)) for word in ("scan", "scan_iter")]


def _sync() -> Iterator[Case]:
    for name, log in (("new", _EMPTY), ("three", _samples.THREE), ("third", _samples.LOGS["third-segment"])):
        yield Case(
            at(log=name),
            "fsync, twice, and close change no byte",
            ("WRT-20",),
            log.given(),
            [opened(log), step("fsync", expect=ok()), step("fsync", expect=ok()), close()],
            UNCHANGED,
        )
    torn = Log.of(_samples.ALPHA, tail=_samples.BETA.data[:10])
    yield Case(
        named("torn"),
        "fsync and close leave a torn tail as it is",
        ("WRT-20", "REC-16"),
        torn.given(),
        [opened(torn), step("fsync"), close()],
        UNCHANGED,
    )


def _rotations() -> Iterator[Case]:
    log = _samples.THREE
    steps = [opened(log)]
    for _ in range(3):
        log = log.with_segment()
        steps.append(step("rotate", expect=ok(active_segment=log.last.id)))
        steps.append(do("check", files=log.given()))
    new = raw(4, b"in the last")
    log = log.plus(new)
    steps += [
        step("append", payload=value(new.payload), expect=ok(**new.ref(4, 0))),
        scan(log.records()),
        close(),
        opened(log),
        close(),
    ]
    clauses = ("WRT-17", "SEG-8", "SEG-13", "WRT-19", "WRT-21")
    title = "three rotations in a row leave empty segments; the next append goes into the last"
    yield Case(named("in-a-row"), title, clauses, _samples.THREE.given(), steps, files(log.given()))


def _sequence() -> Iterator[Case]:
    """Sequences of operations drawn once and for all from numbered seeds."""
    for seed in range(1, 41):
        draw = random.Random(seed)  # noqa: S311 - reproducible, not secret
        log, steps, number = _EMPTY, [opened(_EMPTY)], 0
        for _ in range(draw.randrange(5, 25)):
            choice = draw.randrange(10)
            if choice < 6:  # noqa: PLR2004 - six in ten are appends
                number += 1
                key, payload = (bytes(draw.randrange(256) for _ in range(draw.randrange(6))) for _ in range(2))
                frame = Frame(RecordType(draw.randrange(3)), number, key, payload)
                steps.append(append_record(frame, expect=ok(**frame.ref(log.last.id, log.last.end))))
                log = log.plus(frame)
            elif choice == 6:  # noqa: PLR2004
                log = log.with_segment()
                steps.append(step("rotate", expect=ok(active_segment=log.last.id)))
            elif choice == 7:  # noqa: PLR2004
                steps += [close(), opened(log)]
            elif choice == 8:  # noqa: PLR2004
                steps.append(scan(log.records()))
            else:
                steps.append(step("fsync", expect=ok()))
        steps += [scan_iter(log.records(), log.report()), close(), opened(log), close()]
        title = f"{len(steps)} operations drawn from seed {seed}"
        clauses = ("WRT-4", "WRT-5", "WRT-6", "WRT-7", "WRT-8", "WRT-12", "WRT-14", "WRT-17")
        yield Case(at(seed=seed), title, clauses, {}, steps, files(log.given()))


FAMILIES = (
    Family("writer.new", "What opening a log for the first time makes.", _new),
    Family("writer.refs", "References, and records visible at once.", _refs),
    Family("writer.bytes", "What an append adds to the file.", _bytes_added),
    Family("writer.txid", "Txids over rotations and reopenings.", _txids),
    Family("writer.reopen", "Logs made by hand, continued.", _reopen),
    Family("writer.refused", "Keys over the limit leave no trace.", _refused),
    Family("writer.report", "Which calls refresh the report and the next txid.", _reports),
    Family("writer.scan-error", "Scans of a sealed segment damaged after the open.", _scan_errors),
    Family("writer.elsewhere", "Segments that somebody else adds or removes under an open log.", _elsewhere),
    Family("writer.sync", "fsync and close change nothing.", _sync),
    Family("writer.rotate", "Rotation without records.", _rotations),
    Family("writer.sequence", "Long sequences of operations.", _sequence),
)
