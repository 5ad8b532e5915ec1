"""The reader: no lock, nothing made, a fixed set of segments, a writer beside it."""

from collections.abc import Iterator
from typing import Final

from datawal_conformance.families import _samples
from datawal_conformance.families._build import LOG_DIR, Json, Log, Segment, raw, value
from datawal_conformance.families._model import Case, Family, at, named
from datawal_conformance.families._steps import UNCHANGED, close, do, error, files, ok, scan, scan_iter, step
from datawal_spec import ErrorKind

_BOTH: Final = ("log", "reader")
_READER: Final = ("reader",)
_NO_LOCK: Final[Json] = {f"{LOG_DIR}/.lock": None}


def _open(log: Log, name: str = "main") -> Json:
    segments = [segment.id for segment in log.segments]
    return step("open_reader", path=LOG_DIR, as_=name, expect=ok(segments=segments))


def _writer(log: Log, **more: str) -> Json:
    return step("open_log", path=LOG_DIR, as_="w", expect=ok(**log.opened()), **more)


def _nothing_made() -> Iterator[Case]:
    yield Case(
        named("missing"),
        "a reader of a directory that is not there: not found, and nothing is made",
        ("RDR-2", "RDR-3"),
        {},
        [step("open_reader", path=LOG_DIR, expect=error(ErrorKind.NOT_FOUND))],
        UNCHANGED,
    )
    yield Case(
        named("missing-parents"),
        "a reader of a directory whose parents are not there: not found, and nothing is made",
        ("RDR-2", "RDR-3"),
        {},
        [step("open_reader", path="a/b/log", expect=error(ErrorKind.NOT_FOUND))],
        UNCHANGED,
    )
    yield Case(
        named("dangling-link"),
        "a reader of a link to nothing: not found",
        ("RDR-2", "RDR-3"),
        {LOG_DIR: {"symlink": "nothing"}},
        [step("open_reader", path=LOG_DIR, expect=error(ErrorKind.NOT_FOUND))],
        UNCHANGED,
    )
    yield Case(
        at(instead="link-to-file"),
        "a reader of a link to a file: not a directory",
        ("RDR-4",),
        {LOG_DIR: {"symlink": "file"}, "file": "00"},
        [step("open_reader", path=LOG_DIR, expect=error(ErrorKind.NOT_A_DIRECTORY))],
        UNCHANGED,
    )
    for name, content in (("file", "00"), ("empty-file", ""), ("segment", value(_samples.ALPHA.data))):
        yield Case(
            at(instead=name),
            f"a reader of a {name.replace('-', ' ')} instead of a directory: not a directory",
            ("RDR-4",),
            {LOG_DIR: content},
            [step("open_reader", path=LOG_DIR, expect=error(ErrorKind.NOT_A_DIRECTORY))],
            UNCHANGED,
        )
    for name, given in (
        ("empty", {LOG_DIR: {"directory": True}}),
        ("other-files", {f"{LOG_DIR}/notes.txt": "6e6f7465"}),
    ):
        nothing = {
            "files_scanned": 0,
            "records_replayed": 0,
            "tail_truncated": 0,
            "tail_bytes_discarded": 0,
            "last_txid_seen": 0,
        }
        yield Case(
            at(directory=name),
            "a reader of a directory without segments: no records, no error, nothing made",
            ("RDR-2", "RDR-6"),
            given,
            [
                step("open_reader", path=LOG_DIR, expect=ok(segments=[])),
                step("segments", expect=ok(segments=[])),
                scan_iter([], nothing),
                close(),
            ],
            files(_NO_LOCK),
            requires=_READER,
        )
    log = _samples.LOGS["third-segment"]
    yield Case(
        named("no-lock-file"),
        "a reader of a log makes no lock file",
        ("RDR-2",),
        log.given(),
        [_open(log), scan_iter(log.records(), log.report()), close()],
        files(_NO_LOCK),
        requires=_READER,
    )


def _reader_cases() -> Iterator[Case]:
    for case in _nothing_made():
        yield Case(case.id, case.title, case.clauses, case.given, case.steps, case.then, _READER)


def _again() -> Iterator[Case]:
    for name, log in _samples.LOGS.items():
        yield Case(
            at(log=name),
            f"{_samples.TITLES[name]}: three scans of one reader each start at the beginning",
            ("RDR-10", "RDR-11", "RDR-5"),
            log.given(),
            [
                _open(log),
                *[scan_iter(log.records(), log.report())] * 3,
                step("segments", expect=ok(segments=[segment.id for segment in log.segments])),
                close(),
            ],
            UNCHANGED,
            requires=_READER,
        )


def _gone() -> Iterator[Case]:
    """A segment of the set that is gone before the scan is an error, not a shorter log."""
    log = _samples.LOGS["third-segment"]
    for place, segment in zip(("first", "middle", "last"), log.segments, strict=True):
        left = Log(tuple(other for other in log.segments if other is not segment))
        before = [record for record in log.records() if record["segment"] < segment.id]
        failing = step("scan_iter", expect=error(ErrorKind.NOT_FOUND, records=before))
        yield Case(
            at(gone=place),
            f"the {place} of three segments goes after a reader opened: its scans fail there, a new reader's do not",
            ("REC-18", "RDR-5", "RDR-12"),
            log.given(),
            [
                _open(log),
                do("remove", path=log.path(segment.id)),
                failing,
                failing,
                step("segments", expect=ok(segments=[1, 2, 3])),
                _open(left, "s"),
                scan_iter(left.records(), left.report(), on="s"),
                close("s"),
                close(),
            ],
            UNCHANGED,
            requires=_READER,
        )


def _lock() -> Iterator[Case]:
    log = _samples.THREE
    reading = scan_iter(log.records(), log.report(), on="r")
    for place, process in (("same-process", None), ("other-process", "other")):
        writer = step("open_log", path=LOG_DIR, as_="w", process=process, expect=ok(**log.opened()))
        done = close("w", process)
        yield Case(
            at(first="writer", writer=place),
            f"a reader opens and reads while a writer ({place.replace('-', ' ')}) holds the lock",
            ("RDR-1",),
            log.given(),
            [writer, _open(log, "r"), reading, close("r"), done],
            UNCHANGED,
            requires=_BOTH,
        )
        yield Case(
            at(first="reader", writer=place),
            f"a writer ({place.replace('-', ' ')}) opens while a reader exists",
            ("RDR-1",),
            log.given(),
            [_open(log, "r"), writer, reading, done, close("r")],
            UNCHANGED,
            requires=_BOTH,
        )
    yield Case(
        named("two-readers"),
        "two readers of one log at once",
        ("RDR-1",),
        log.given(),
        [
            _open(log, "r"),
            _open(log, "s"),
            reading,
            scan_iter(log.records(), log.report(), on="s"),
            close("r"),
            close("s"),
        ],
        UNCHANGED,
        requires=_READER,
    )


def _beside() -> Iterator[Case]:
    log = _samples.THREE
    new, newer = raw(4, b"appended"), raw(5, b"in the next segment")
    grown = log.plus(new)
    rotated = grown.with_segment(newer)
    append = step("append", payload=value(new.payload), on="w", expect=ok(**new.ref(1, log.last.end)))
    rotate = step("rotate", on="w", expect=ok(active_segment=2))
    append_more = step("append", payload=value(newer.payload), on="w", expect=ok(**newer.ref(2, 0)))
    yield Case(
        named("append"),
        "a scan started after an append sees the record, one started before did not have to",
        ("RDR-9", "RDR-10", "WRT-9"),
        log.given(),
        [
            _writer(log),
            _open(log, "r"),
            scan_iter(log.records(), log.report(), on="r"),
            append,
            scan_iter(grown.records(), grown.report(), on="r"),
            close("r"),
            close("w"),
        ],
        files(grown.given()),
        requires=_BOTH,
    )
    yield Case(
        named("rotate"),
        "a segment made after the reader opened is not read by it; a new reader reads it",
        ("RDR-5", "RDR-9"),
        log.given(),
        [
            _writer(log),
            _open(log, "r"),
            append,
            rotate,
            append_more,
            scan_iter(grown.records(), grown.report(), on="r"),
            step("segments", on="r", expect=ok(segments=[1])),
            _open(rotated, "s"),
            scan_iter(rotated.records(), rotated.report(), on="s"),
            close("s"),
            close("r"),
            close("w"),
        ],
        files(rotated.given()),
        requires=_BOTH,
    )
    yield Case(
        named("new-log"),
        "a reader opened on an empty directory stays empty when a log appears in it",
        ("RDR-5", "RDR-6"),
        {LOG_DIR: {"directory": True}},
        [
            step("open_reader", path=LOG_DIR, as_="r", expect=ok(segments=[])),
            _writer(Log.of()),
            step("append", payload="", on="w", expect=ok(**raw(1, b"").ref(1, 0))),
            scan_iter([], on="r"),
            close("r"),
            close("w"),
        ],
        files(Log.of(raw(1, b"")).given()),
        requires=_BOTH,
    )


def _tears() -> Iterator[Case]:
    log, frame = _samples.THREE, raw(4, b"slowly written")
    for kept in (1, 4, 23, 24, 30, len(frame) - 1):
        torn = Log.of(*log.last.frames, tail=frame.data[:kept])
        grown = log.plus(frame)
        yield Case(
            at(written=kept),
            f"a reader meets a frame of which {kept} bytes are written, then the whole of it",
            ("RDR-7", "RDR-9", "REC-2"),
            log.given(),
            [
                _open(log),
                scan_iter(log.records(), log.report()),
                do("append_bytes", path=log.path(), bytes=frame.data[:kept].hex()),
                scan_iter(torn.records(), torn.report()),
                do("append_bytes", path=log.path(), bytes=frame.data[kept:].hex()),
                scan_iter(grown.records(), grown.report()),
                close(),
            ],
            UNCHANGED,
            requires=_READER,
        )
    two = Log((Segment(1, (_samples.ALPHA,)), Segment(2, (_samples.BETA,))))
    torn = Log((two.segments[0], Segment(2, (), _samples.BETA.data[:20])))
    fresh = Log((*torn.segments, Segment(3, (_samples.OMEGA,))))
    yield Case(
        named("last-of-its-own-set"),
        "the highest id of a reader's own set is its last segment, even when a later one has been made",
        ("RDR-5", "RDR-7"),
        two.given(),
        [
            _open(two, "r"),
            do("write", path=fresh.path(), content=_samples.OMEGA.data.hex()),
            do("truncate", path=two.path(2), len=20),
            scan_iter(torn.records(), torn.report(), on="r"),
            _open(fresh, "s"),
            step(
                "scan_iter",
                on="s",
                expect=error(ErrorKind.TRUNCATED, segment=2, offset=0, records=torn.records()),
            ),
            close("s"),
            close("r"),
        ],
        UNCHANGED,
        requires=_READER,
    )
    yield Case(
        named("opens-on-damage"),
        "a reader opens on a log whose first frame is broken: only its scan tells",
        ("RDR-8", "RDR-12"),
        Log.of(tail=b"X" * 40).given(),
        [
            step("open_reader", path=LOG_DIR, expect=ok(segments=[1])),
            step("segments", expect=ok(segments=[1])),
            step("scan_iter", expect=error(ErrorKind.BAD_MAGIC, segment=1, offset=0, records=[])),
            step("scan_iter", expect=error(ErrorKind.BAD_MAGIC, segment=1, offset=0, records=[])),
            close(),
        ],
        UNCHANGED,
        requires=_READER,
    )


def _killed() -> Iterator[Case]:
    log, new = _samples.THREE, raw(4, b"last words")
    grown = log.plus(new)
    yield Case(
        named("writer-killed"),
        "what a writer appended before it was killed is read by a reader and a new writer",
        ("RDR-9", "WRT-9", "LOCK-5"),
        log.given(),
        [
            step("open_log", path=LOG_DIR, as_="w", process="other", expect=ok(**log.opened())),
            step(
                "append",
                payload=value(new.payload),
                on="w",
                process="other",
                expect=ok(**new.ref(1, log.last.end)),
            ),
            do("kill", process="other"),
            _open(grown, "r"),
            scan_iter(grown.records(), grown.report(), on="r"),
            _writer(grown),
            scan(grown.records(), on="w"),
            close("w"),
            close("r"),
        ],
        files(grown.given()),
        requires=_BOTH,
    )


FAMILIES = (
    Family("reader.open", "Where a reader opens, and that it makes nothing.", _reader_cases),
    Family("reader.again", "A reader scans as often as it likes.", _again),
    Family("reader.gone", "Segments that go after a reader opened.", _gone),
    Family("reader.lock", "Readers and the lock.", _lock),
    Family("reader.beside", "A writer that appends and rotates beside a reader.", _beside),
    Family("reader.tear", "Frames that are only partly written yet.", _tears),
    Family("reader.killed", "A writer that dies beside a reader.", _killed),
)
