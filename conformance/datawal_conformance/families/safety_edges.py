"""Safety at the edges: txids and ids that run out, links in the way, other people's files, swapped frames."""

from collections.abc import Iterator
from typing import Any, Final

from datawal_conformance.families import _samples
from datawal_conformance.families._build import LOG_DIR, Json, Log, Segment, put, raw, value
from datawal_conformance.families._model import Case, Family, at, named
from datawal_conformance.families._steps import (
    ANYTHING,
    UNCHANGED,
    close,
    do,
    error,
    files,
    ok,
    one_of,
    scan,
    step,
)
from datawal_conformance.families.kv import opened as opened_kv
from datawal_conformance.families.writer import opened
from datawal_spec import MAX_SEGMENT_ID, MAX_TXID, ErrorKind

_EXHAUSTED: Final = error(ErrorKind.TXID_EXHAUSTED)
_VICTIM: Final = "victim.txt"
_PRECIOUS: Final = value(b"somebody else's file\n")


def _txid_exhausted() -> Iterator[Case]:
    logs = {
        "one-record": Log.of(raw(MAX_TXID, b"last")),
        "not-the-last": Log.of(raw(MAX_TXID, b"last"), raw(3, b"behind")),
        "sealed": Log((Segment(1, (raw(MAX_TXID, b"last"),)), Segment(2))),
    }
    for name, log in logs.items():
        yield Case(
            at(log=name),
            "the highest txid is 2^64-1: an append is refused before any byte is written, again and again",
            ("SAFE-5", "POI-7", "REC-13"),
            log.given(),
            [
                opened(log),
                step("append", payload=value(b"one too many"), expect=_EXHAUSTED),
                step("append_record", type="put", key="6b", payload="76", expect=_EXHAUSTED),
                step("is_poisoned", expect=ok(is_poisoned=False)),
                do("check", files="unchanged"),
                scan(log.records()),
                step("append", payload="", expect=_EXHAUSTED),
                close(),
                opened(log),
                step("append", payload="", expect=_EXHAUSTED),
                close(),
            ],
            UNCHANGED,
        )
    log = Log.of(put(MAX_TXID, b"k", b"v"))
    yield Case(
        named("kv"),
        "the highest txid is 2^64-1: put and delete are refused, and the bindings stay",
        ("SAFE-5", "KV-3"),
        log.given(),
        [
            opened_kv(log, {b"k": b"v"}),
            step("put", key="6b", value="77", expect=_EXHAUSTED),
            step("delete", key="6b", expect=_EXHAUSTED),
            step("get", key="6b", expect=ok(value="76")),
            step("len", expect=ok(len=1)),
            close(),
        ],
        UNCHANGED,
        ("kv",),
    )
    torn = Log.of(raw(MAX_TXID, b"last"), tail=raw(5, b"torn").data[:20])
    yield Case(
        named("torn"),
        "the highest txid is 2^64-1 and the tail is torn: the refused append writes nothing",
        ("SAFE-5", "SAFE-1"),
        torn.given(),
        [
            opened(torn),
            step("append", payload="", expect=error()),
            close(),
            step("open_log", path=LOG_DIR, expect=ok(report={"records_replayed": 1, "last_txid_seen": MAX_TXID})),
            scan(torn.records()),
            close(),
        ],
        files({torn.path(): ANYTHING}),
    )


def _last_txid() -> Iterator[Case]:
    log = Log.of(raw(MAX_TXID - 1, b"last but one"))
    new = raw(MAX_TXID, b"the very last")
    grown = log.plus(new)
    yield Case(
        named("append"),
        "the append that would take the txid 2^64-1 succeeds, or fails and leaves nothing",
        ("SAFE-6", "SAFE-5"),
        log.given(),
        [
            opened(log),
            step("append", payload=value(new.payload), expect=_either(ok(**new.ref(1, log.last.end)), _EXHAUSTED)),
            step("scan", expect=_either(ok(records=grown.records()), ok(records=log.records()))),
            step("append", payload="", expect=_EXHAUSTED),
            close(),
            step("open_log", path=LOG_DIR, expect=_either(ok(**grown.opened()), ok(**log.opened()))),
            step("scan", expect=_either(ok(records=grown.records()), ok(records=log.records()))),
            close(),
        ],
        _either(files(grown.given()), UNCHANGED),
    )
    bound, new = Log.of(put(MAX_TXID - 1, b"k", b"old")), put(MAX_TXID, b"k", b"new")
    grown = bound.plus(new)
    got = _either(ok(value=value(b"new")), ok(value=value(b"old")))
    yield Case(
        named("put"),
        "the put that would take the txid 2^64-1 succeeds, or fails and changes no binding",
        ("SAFE-6", "KV-1"),
        bound.given(),
        [
            opened_kv(bound, {b"k": b"old"}),
            step("put", key="6b", value=value(b"new"), expect=_either(ok(), _EXHAUSTED)),
            step("get", key="6b", expect=got),
            close(),
            step("open_kv", path=LOG_DIR, expect=_either(ok(report=grown.report()), ok(report=bound.report()))),
            step("get", key="6b", expect=got),
            close(),
        ],
        _either(files(grown.given()), UNCHANGED),
        ("kv",),
    )


def _either(accepts: Json, refuses: Json) -> Json:
    return one_of(accepts=accepts, refuses=refuses)


def _ids_exhausted() -> Iterator[Case]:
    highest = Segment(MAX_SEGMENT_ID, (raw(7, b"in the highest"),))
    refused = step("rotate", expect=error(ErrorKind.SEGMENT_IDS_EXHAUSTED))
    for name, log in (
        ("alone", Log((highest,))),
        ("with-others", Log((Segment(1, (_samples.ALPHA,)), highest))),
        ("empty", Log((Segment(1, (_samples.ALPHA,)), Segment(MAX_SEGMENT_ID)))),
    ):
        new = raw(log.last_txid + 1, b"still going")
        grown = log.plus(new)
        yield Case(
            at(log=name),
            "rotating behind 99999999 is refused and makes no file; appending goes on",
            ("SAFE-7", "POI-7"),
            log.given(),
            [
                opened(log),
                refused,
                refused,
                do("check", files="unchanged"),
                step("active_segment", expect=ok(active_segment=MAX_SEGMENT_ID)),
                step("append", payload=value(new.payload), expect=ok(**new.ref(MAX_SEGMENT_ID, log.last.end))),
                scan(grown.records()),
                close(),
                opened(grown),
                scan(grown.records()),
                close(),
            ],
            files(grown.given()),
        )
    log = Log((Segment(MAX_SEGMENT_ID - 1, (raw(7, b"last but one"),)),))
    new = raw(8, b"in the highest")
    grown = log.with_segment(new)
    yield Case(
        at(log="last-but-one"),
        "rotating to 99999999 is the last time",
        ("SAFE-7", "SEG-8"),
        log.given(),
        [
            opened(log),
            step("rotate", expect=ok(active_segment=MAX_SEGMENT_ID)),
            refused,
            step("append", payload=value(new.payload), expect=ok(**new.ref(MAX_SEGMENT_ID, 0))),
            close(),
            opened(grown),
            scan(grown.records()),
            close(),
        ],
        files(grown.given()),
    )


_LINKS: Final[dict[str, tuple[str, Json]]] = {
    "to-file": (f"../{_VICTIM}", {_VICTIM: _PRECIOUS}),
    "to-nothing": ("../nothing", {}),
    "to-directory": ("../place", {"place": {"directory": True}}),
}


def _first_segment() -> Iterator[Case]:
    """Something that is no segment has the name of the first one."""
    path = f"{LOG_DIR}/00000001.dwal"
    for name, (target, beside) in _LINKS.items():
        for opener in ("open_log", "open_kv"):
            yield Case(
                at(link=name, by=opener.removeprefix("open_")),
                f"a link {name.replace('-', ' ')} stands where the first segment goes: its target is not touched",
                ("SAFE-8", "SEG-2"),
                {path: {"symlink": target}} | beside,
                [step(opener, path=LOG_DIR, expect=one_of(refuses=error(), replaces=ok()))],
                one_of(refuses=UNCHANGED, replaces=files({path: ANYTHING})),
                (opener.removeprefix("open_"),),
            )
    for name, content in (("directory", {"directory": True}), ("socket", {"socket": True})):
        yield Case(
            at(what=name, by="log"),
            f"a {name} stands where the first segment goes: an error, no hang, and it stays",
            ("SAFE-8", "SEG-2"),
            {path: content},
            [step("open_log", path=LOG_DIR, expect=error())],
            UNCHANGED,
        )


def _next_segment() -> Iterator[Case]:
    """Something that is no segment has the name of the next one."""
    log = _samples.THREE
    new = raw(4, b"before the rotation")
    grown = log.plus(new)
    path = f"{LOG_DIR}/00000002.dwal"
    things: dict[str, tuple[Any, Json]] = {f"link-{name}": ({"symlink": to}, by) for name, (to, by) in _LINKS.items()}
    things |= {
        "directory": ({"directory": True}, {}),
        "fifo": ({"fifo": True}, {}),
        "socket": ({"socket": True}, {}),
    }
    for name, (content, beside) in things.items():
        given = {path: content} | beside
        yield Case(
            at(what=name),
            f"a {name.replace('-', ' ')} stands where the next segment goes: rotate fails, no record is lost",
            ("SAFE-15", "SEG-2", *(("SAFE-8",) if name.startswith("link") else ())),
            log.given() | given,
            [
                opened(log),
                step("append", payload=value(new.payload), expect=ok(**new.ref(1, log.last.end))),
                step("rotate", expect=error()),
                do("check", files=grown.given()),
                scan(grown.records()),
                close(),
                opened(grown),
                scan(grown.records()),
                close(),
            ],
            files(grown.given()),
        )
    late = value(raw(9, b"from elsewhere").data)
    yield Case(
        named("late-file"),
        "a file with the next segment's name appears after the open: rotate does not empty it",
        ("SAFE-8", "SAFE-15"),
        log.given(),
        [
            opened(log),
            do("write", path=path, content=late),
            step("rotate", expect=error()),
            close(),
        ],
        UNCHANGED,
    )


def _lock_links() -> Iterator[Case]:
    log = _samples.THREE
    path = f"{LOG_DIR}/.lock"
    for name, (target, beside) in _LINKS.items():
        if name == "to-directory":
            continue
        for opener in ("open_log", "open_kv"):
            yield Case(
                at(link=name, by=opener.removeprefix("open_")),
                f"a link {name.replace('-', ' ')} named .lock: nothing is written through it",
                ("SAFE-14",),
                log.given() | {path: {"symlink": target}} | beside,
                [step(opener, path=LOG_DIR, expect=one_of(refuses=error(), opens=ok()))],
                one_of(refuses=UNCHANGED, opens=files({path: ANYTHING})),
                (opener.removeprefix("open_"),),
            )


_NEIGHBOURS: Final = (
    "o.tmp",
    "o.jsonl.tmp",
    ".o.jsonl.tmp",
    ".o.tmp",
    "o.jsonl~",
    "o.jsonl.bak",
    "o.jsonl.new",
    "o.jsonl.partial",
    "o.jsonl.swp",
    "tmp",
    ".tmp",
    "temp",
    "o",
)


def _export_neighbours() -> Iterator[Case]:
    log = Log.of(put(1, b"k", b"v"))
    line = value(b'{"key_b64":"aw==","value_b64":"dg=="}\n')
    for name in _NEIGHBOURS:
        for kind, content in (("file", _PRECIOUS), ("link", {"symlink": "victim.txt"})):
            given = {f"out/{name}": content, "out/victim.txt": _PRECIOUS}
            yield Case(
                at(neighbour=name.replace("~", "-tilde"), kind=kind),
                f"an export to o.jsonl leaves a {kind} named {name} beside it alone",
                ("SAFE-10", "EXP-7"),
                log.given() | given,
                [
                    opened_kv(log, {b"k": b"v"}),
                    step("export_jsonl", to="out/o.jsonl", expect=ok()),
                    step("export_jsonl", to="out/o.jsonl", expect=ok()),
                    close(),
                ],
                files({"out/o.jsonl": line}),
                ("kv", "export"),
            )


def _failed_export() -> Iterator[Case]:
    log = Log.of(put(1, b"k", b"v"))
    for name, given in (
        ("empty-directory", {"out.jsonl": {"directory": True}}),
        ("directory", {"out.jsonl/inside": _PRECIOUS}),
    ):
        yield Case(
            at(target=name),
            "an export to a directory fails and leaves nothing behind",
            ("SAFE-10", "EXP-8"),
            log.given() | given,
            [
                opened_kv(log, {b"k": b"v"}),
                step("export_jsonl", to="out.jsonl", expect=error()),
                step("get", key="6b", expect=ok(value="76")),
                close(),
            ],
            UNCHANGED,
            ("kv", "export"),
        )


def _swapped() -> Iterator[Case]:
    """Sound frames of one length change places after the open."""
    for name, first, second in (
        ("keys", put(1, b"a", b"of a"), put(2, b"b", b"of b")),
        ("same-values", put(1, b"a", b"same"), put(2, b"b", b"same")),
        ("key-value-split", put(1, b"aa", b"b"), put(2, b"c", b"dd")),
        ("empty-value", put(1, b"a", b""), put(2, b"b", b"")),
        ("long", put(1, b"a" * 40, b"x" * 500), put(2, b"b" * 40, b"y" * 500)),
    ):
        log = Log.of(_samples.ALPHA, first, second)
        start = len(_samples.ALPHA)
        live = {first.key: first.payload, second.key: second.payload}
        yield Case(
            at(swap=name),
            "two frames of one length change places after the open: get never returns another key's value",
            ("SAFE-13", "KV-13"),
            log.given(),
            [
                opened_kv(log, live),
                step("get", key=value(first.key), expect=ok(value=value(first.payload))),
                do("overwrite", path=log.path(), offset=start, bytes=value(second.data + first.data)),
                step("get", key=value(first.key), expect=error()),
                step("get", key=value(second.key), expect=error()),
                step("items", expect=error()),
                close(),
            ],
            UNCHANGED,
            ("kv",),
        )


FAMILIES = (
    Family("safety.txid-exhausted", "Appends when no txid is left.", _txid_exhausted),
    Family("safety.last-txid", "The append that takes the last txid.", _last_txid),
    Family("safety.ids-exhausted", "Rotation when no segment id is left.", _ids_exhausted),
    Family("safety.first-segment", "Something else has the first segment's name.", _first_segment),
    Family("safety.next-segment", "Something else has the next segment's name.", _next_segment),
    Family("safety.lock-link", "The lock file is a link.", _lock_links),
    Family("safety.export-neighbours", "Files beside the target of an export.", _export_neighbours),
    Family("safety.export-failed", "An export that cannot succeed.", _failed_export),
    Family("safety.swapped", "Frames that change places after the open.", _swapped),
)
