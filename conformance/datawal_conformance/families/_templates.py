"""Shapes of cases that many families share: what is looked at around a damage, in a log, by a reader, in SAFE."""

from datawal_conformance.families._build import LOG_DIR, Json, Log, put, raw, value
from datawal_conformance.families._model import Case
from datawal_conformance.families._steps import (
    ANYTHING,
    UNCHANGED,
    close,
    error,
    files,
    ok,
    one_of,
    scan,
    scan_iter,
    step,
)
from datawal_spec import ErrorKind


def opens(suffix: str, title: str, clauses: tuple[str, ...], log: Log, extra: Json | None = None) -> Case:
    """The log opens, and everything that can be read of it is as stated; `extra` stands beside it unharmed."""
    records = log.records()
    return Case(
        suffix,
        title,
        clauses,
        log.given() | (extra or {}),
        [
            step("open_log", path=LOG_DIR, expect=ok(**log.opened())),
            scan(records),
            scan_iter(records, log.report()),
            step("report", expect=ok(report=log.report())),
            close(),
        ],
        UNCHANGED,
    )


def fails(suffix: str, title: str, clauses: tuple[str, ...], log: Log, kind: ErrorKind) -> Case:
    """Opening the log for writing fails because of its damage and leaves it alone."""
    return Case(
        suffix,
        title,
        clauses,
        log.given(),
        [step("open_log", path=LOG_DIR, expect=error(kind, segment=log.broken.id, offset=log.broken.end))],
        UNCHANGED,
    )


def reads(suffix: str, title: str, clauses: tuple[str, ...], log: Log) -> Case:
    """A reader gives the records of a log that could be opened for writing."""
    return Case(
        suffix,
        title,
        clauses,
        log.given(),
        [
            step("open_reader", path=LOG_DIR, expect=ok(segments=[segment.id for segment in log.segments])),
            scan_iter(log.records(), log.report()),
            close(),
        ],
        UNCHANGED,
        requires=("reader",),
    )


def reader_fails(suffix: str, title: str, clauses: tuple[str, ...], log: Log, kind: ErrorKind) -> Case:
    """A reader opens and gives the records in front of the damage, then the error."""
    wanted = error(kind, segment=log.broken.id, offset=log.broken.end, records=log.records())
    return Case(
        suffix,
        title,
        clauses,
        log.given(),
        [
            step("open_reader", path=LOG_DIR, expect=ok(segments=[segment.id for segment in log.segments])),
            step("scan_iter", expect=wanted),
            close(),
        ],
        UNCHANGED,
        requires=("reader",),
    )


def appends(suffix: str, title: str, clauses: tuple[str, ...], log: Log) -> Case:
    """A log with a damaged tail is written to, synced and opened again: nothing acknowledged may be missing."""
    first = raw(log.last_txid + 1, b"after the damage")
    second = raw(log.last_txid + 2, b"and again")
    before, once = log.records(), log.plus(first)
    twice = once.plus(second)
    return Case(
        suffix,
        title,
        clauses,
        log.given(),
        [
            step("open_log", path=LOG_DIR, expect=ok(**log.opened())),
            step("append", payload=value(first.payload), expect=_writes(first.ref(log.last.id, log.last.end))),
            step("fsync"),
            step("scan", expect=_either(ok(records=once.records()), ok(records=before))),
            close(),
            step("open_log", path=LOG_DIR, expect=_either(_reopened(once), ok(**log.opened()))),
            step("append", payload=value(second.payload), expect=_writes(second.ref(log.last.id, once.last.end))),
            close(),
            step("open_log", path=LOG_DIR, expect=_either(_reopened(twice), ok(**log.opened()))),
            step("scan", expect=_either(ok(records=twice.records()), ok(records=before))),
            close(),
        ],
        _either(files({log.path(): ANYTHING}), UNCHANGED),
    )


def rotates(suffix: str, title: str, clauses: tuple[str, ...], log: Log) -> Case:
    """A log with a damaged tail is rotated, written to and opened again."""
    after = raw(log.last_txid + 1, b"in the next segment")
    rotated = log.plus().with_segment(after)
    before = log.records()
    return Case(
        suffix,
        title,
        clauses,
        log.given(),
        [
            step("open_log", path=LOG_DIR, expect=ok(**log.opened())),
            step("rotate", expect=_either(ok(active_segment=rotated.last.id), error())),
            close(),
            step(
                "open_log",
                path=LOG_DIR,
                expect=_either(_reopened(log.plus().with_segment()), ok(**log.opened())),
            ),
            step("append", payload=value(after.payload), expect=_writes(after.ref(rotated.last.id, 0))),
            step("fsync"),
            close(),
            step("open_log", path=LOG_DIR, expect=_either(_reopened(rotated), ok(**log.opened()))),
            step("scan", expect=_either(ok(records=rotated.records()), ok(records=before))),
            close(),
        ],
        _either(files({log.path(): ANYTHING, rotated.path(): value(rotated.last.data)}), UNCHANGED),
    )


def puts(suffix: str, title: str, clauses: tuple[str, ...], log: Log, live: dict[bytes, bytes]) -> Case:
    """A projection over a log with a damaged tail, in which `live` is bound: what is put can be got."""
    new = put(log.last_txid + 1, b"new", b"put after the damage")
    grown = log.plus(new)
    there, absent = value(new.payload), ok(value=None)
    old = [step("get", key=value(key), expect=ok(value=value(content))) for key, content in sorted(live.items())]
    return Case(
        suffix,
        title,
        clauses,
        log.given(),
        [
            step("open_kv", path=LOG_DIR, expect=ok(report=log.report(), len=len(live))),
            step("put", key=value(new.key), value=there, expect=_either(ok(), error())),
            step("get", key=value(new.key), expect=_either(ok(value=there), absent)),
            step(
                "ref_of",
                key=value(new.key),
                expect=_either(ok(ref=new.ref(log.last.id, log.last.end)), ok(ref=None)),
            ),
            *old,
            step("fsync"),
            close(),
            step(
                "open_kv",
                path=LOG_DIR,
                expect=_either(ok(**_found(grown), len=len(live) + 1), ok(report=log.report(), len=len(live))),
            ),
            step("get", key=value(new.key), expect=_either(ok(value=there), absent)),
            *old,
            close(),
        ],
        _either(files({log.path(): ANYTHING}), UNCHANGED),
        requires=("kv",),
    )


def _either(repairs: Json, refuses: Json) -> Json:
    """The two ways to deal with a damaged tail that clause SAFE-1 permits."""
    return one_of(repairs=repairs, refuses=refuses)


def _writes(ref: Json) -> Json:
    return _either(ok(**ref), error())


def _found(log: Log) -> Json:
    """What a report must say of a repaired log, whatever the repair left behind the last record."""
    whole = log.report()
    return {"report": {name: whole[name] for name in ("files_scanned", "records_replayed", "last_txid_seen")}}


def _reopened(log: Log) -> Json:
    return ok(**_found(log), active_segment=log.last.id)
