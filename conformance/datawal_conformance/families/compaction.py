"""Compaction and export: the live keys into a fresh log, or into a file of JSON lines."""

from base64 import b64encode
from collections.abc import Iterator
from typing import Final

from datawal_conformance.families._build import LOG_DIR, Json, Log, Segment, delete, put, raw, value
from datawal_conformance.families._model import Case, Family, at, named
from datawal_conformance.families._steps import UNCHANGED, close, do, error, files, ok, scan, step
from datawal_conformance.families.kv import Live, looked_at, opened
from datawal_spec import ErrorKind

_COMPACT: Final = ("kv", "compact")
_LOG_TOO: Final = ("log", "kv", "compact")
_EXPORT: Final = ("kv", "export")
_OUT: Final = "out"

_SOURCES: Final[dict[str, tuple[str, Log, Live]]] = {
    "empty": ("an empty log", Log.of(), {}),
    "one": ("one key", Log.of(put(1, b"k", b"v")), {b"k": b"v"}),
    "overwritten": (
        "overwritten values",
        Log.of(put(1, b"k", b"old"), put(2, b"k", b"older"), put(3, b"k", b"new")),
        {b"k": b"new"},
    ),
    "tombstones": (
        "deleted keys",
        Log.of(put(1, b"a", b"1"), put(2, b"b", b"2"), delete(3, b"a"), delete(4, b"never")),
        {b"b": b"2"},
    ),
    "all-deleted": ("nothing but deleted keys", Log.of(put(1, b"a", b"1"), delete(2, b"a")), {}),
    "raw": (
        "Raw records between",
        Log.of(raw(1, b"raw"), put(2, b"k", b"v"), raw(3, b"raw", b"k")),
        {b"k": b"v"},
    ),
    "order": (
        "keys out of order, and bytes beyond ASCII",
        Log.of(*(put(n, key, b"%d" % n) for n, key in enumerate((b"b", b"\xff", b"a", b"", b"ab", b"\0", b"B"), 7))),
        {key: b"%d" % n for n, key in enumerate((b"b", b"\xff", b"a", b"", b"ab", b"\0", b"B"), 7)},
    ),
    "utf-8-order": (
        "keys whose order by bytes is not that of UTF-16",
        Log.of(put(1, "\U00010000".encode(), b"astral"), put(2, "\uffff".encode(), b"bmp")),
        {"\U00010000".encode(): b"astral", "\uffff".encode(): b"bmp"},
    ),
    "empty-value": ("an empty value", Log.of(put(1, b"k", b"x"), put(2, b"k", b"")), {b"k": b""}),
    "segments": (
        "values in several segments",
        Log((Segment(1, (put(5, b"b", b"1"),)), Segment(3, (put(2, b"a", b"2"), put(9, b"b", b"3"))), Segment(4))),
        {b"a": b"2", b"b": b"3"},
    ),
    "high-txids": ("high txids", Log.of(put(2**60, b"k", b"v")), {b"k": b"v"}),
    "binary": ("every byte", Log.of(put(1, bytes(range(256)), bytes(range(256)) * 2)),
               {bytes(range(256)): bytes(range(256)) * 2}),
    "long": ("a long value", Log.of(put(1, b"k", b"0123456789abcdef" * 1000)), {b"k": b"0123456789abcdef" * 1000}),
    "paddings": (
        "values of every length of padding",
        Log.of(*(put(n, b"k" * n, b"\xfb\xff\xfe"[:n]) for n in range(1, 4))),
        {b"k" * n: b"\xfb\xff\xfe"[:n] for n in range(1, 4)},
    ),
    "torn": ("a torn tail", Log.of(put(1, b"k", b"v"), tail=put(2, b"k", b"lost").data[:-2]), {b"k": b"v"}),
}  # fmt: skip


def _compacted(live: Live) -> Log:
    return Log.of(*(put(number, key, live[key]) for number, key in enumerate(sorted(live), 1)))


def _stats(target: Log) -> Json:
    count = len(target.last.frames)
    return {"live_keys": count, "records_written": count, "bytes_written": target.last.end}


def _compact(log: Log, live: Live, to: str) -> tuple[list[Json], Json]:
    """The steps of a compaction and the files afterwards."""
    target = _compacted(live)
    steps = [
        opened(log, live),
        step("compact_to", to=to, expect=ok(**_stats(target))),
        *looked_at(live),
        close(),
        step("open_log", path=to, expect=ok(**target.opened())),
        scan(target.records()),
        close(),
    ]
    return steps, files(target.given(to))


_CMP: Final = ("CMP-5", "CMP-6", "CMP-7", "CMP-8", "CMP-9", "CMP-10")


def _content() -> Iterator[Case]:
    for name, (title, log, live) in _SOURCES.items():
        steps, then = _compact(log, live, _OUT)
        yield Case(at(source=name), f"compaction of {title}", (*_CMP, "CMP-1"), log.given(), steps, then, _LOG_TOO)


def _targets() -> Iterator[Case]:
    _, log, live = _SOURCES["order"]
    for name, to, given in (
        ("missing", _OUT, {}),
        ("missing-parents", "a/b/out", {}),
        ("empty", _OUT, {_OUT: {"directory": True}}),
        ("in-source", f"{LOG_DIR}/out", {}),
        ("beside-others", "place/out", {"place/neighbour": "00", "place/out.tmp": "01"}),
    ):
        steps, then = _compact(log, live, to)
        clause = "CMP-2" if name == "empty" else "CMP-1"
        title = f"a target that is {name.replace('-', ' ')} is accepted"
        yield Case(at(target=name), title, (clause, *_CMP), log.given() | given, steps, then, _LOG_TOO)


def _refused() -> Iterator[Case]:
    _, log, live = _SOURCES["order"]
    for name, given, kinds, clause in (
        ("file", {_OUT: "66696c65"}, (ErrorKind.NOT_A_DIRECTORY,), "CMP-4"),
        ("empty-file", {_OUT: ""}, (ErrorKind.NOT_A_DIRECTORY,), "CMP-4"),
        ("only-lock", {f"{_OUT}/.lock": ""}, (ErrorKind.NOT_EMPTY,), "CMP-3"),
        ("some-file", {f"{_OUT}/notes.txt": "6e6f7465"}, (ErrorKind.NOT_EMPTY,), "CMP-3"),
        ("hidden-file", {f"{_OUT}/.hidden": ""}, (ErrorKind.NOT_EMPTY,), "CMP-3"),
        ("directory-inside", {f"{_OUT}/sub": {"directory": True}}, (ErrorKind.NOT_EMPTY,), "CMP-3"),
        ("link-inside", {f"{_OUT}/link": {"symlink": "nothing"}}, (ErrorKind.NOT_EMPTY,), "CMP-3"),
        ("empty-segment", {f"{_OUT}/00000001.dwal": ""}, (ErrorKind.NOT_EMPTY,), "CMP-3"),
        ("log", Log.of(put(1, b"theirs", b"x")).given(_OUT), (ErrorKind.NOT_EMPTY,), "CMP-3"),
    ):
        yield Case(
            at(target=name),
            f"a target with {name.replace('-', ' ')} is refused and left as it is",
            (clause, "CMP-9"),
            log.given() | given,
            [
                opened(log, live),
                step("compact_to", to=_OUT, expect=error(*kinds)),
                *looked_at(live),
                close(),
            ],
            files(given),
            _COMPACT,
        )
    yield Case(
        at(target="itself"),
        "a log is not compacted onto itself",
        ("CMP-3", "CMP-9"),
        log.given(),
        [opened(log, live), step("compact_to", to=LOG_DIR, expect=error(ErrorKind.NOT_EMPTY)), close()],
        UNCHANGED,
        _COMPACT,
    )


def _continues() -> Iterator[Case]:
    """The target is an ordinary log, and source and target go separate ways."""
    _, log, live = _SOURCES["overwritten"]
    target, new = _compacted(live), put(2, b"new", b"in the target")
    later = put(4, b"late", b"in the source")
    yield Case(
        named("both-go-on"),
        "source and target are both written to after the compaction",
        ("CMP-6", "CMP-9", "CMP-10"),
        log.given(),
        [
            opened(log, live),
            step("compact_to", to=_OUT, expect=ok(**_stats(target))),
            step("open_kv", path=_OUT, as_="t", expect=ok(report=target.report(), len=len(live))),
            step("put", key=value(new.key), value=value(new.payload), on="t", expect=ok()),
            step("put", key=value(later.key), value=value(later.payload), expect=ok()),
            step("get", key=value(later.key), on="t", expect=ok(value=None)),
            step("get", key=value(new.key), expect=ok(value=None)),
            close("t"),
            close(),
        ],
        files(log.plus(later).given() | target.plus(new).given(_OUT)),
        _COMPACT,
    )
    steps = [opened(log, live)]
    steps += [step("compact_to", to=to, expect=ok(**_stats(target))) for to in ("one", "two")]
    yield Case(
        named("twice"),
        "two compactions give the same bytes",
        ("CMP-5", "CMP-9"),
        log.given(),
        [*steps, close()],
        files(target.given("one") | target.given("two")),
        _COMPACT,
    )


def _lines(live: Live) -> bytes:
    return b"".join(
        b'{"key_b64":"' + b64encode(key) + b'","value_b64":"' + b64encode(live[key]) + b'"}\n' for key in sorted(live)
    )


_EXP: Final = ("EXP-1", "EXP-2", "EXP-3", "EXP-4", "EXP-8")


def _export(log: Log, live: Live, to: str) -> tuple[list[Json], Json]:
    steps = [
        opened(log, live),
        step("export_jsonl", to=to, expect=ok()),
        *looked_at(live),
        close(),
    ]
    return steps, files({to: value(_lines(live))})


def _export_content() -> Iterator[Case]:
    for name, (title, log, live) in _SOURCES.items():
        steps, then = _export(log, live, "out.jsonl")
        yield Case(at(source=name), f"export of {title}", (*_EXP, "EXP-7"), log.given(), steps, then, _EXPORT)


def _export_paths() -> Iterator[Case]:
    _, log, live = _SOURCES["order"]
    for name, to, given, clauses in (
        ("missing-parents", "a/b/c.jsonl", {}, ("EXP-5", "EXP-7")),
        ("in-source", f"{LOG_DIR}/export.jsonl", {}, ("EXP-7", "EXP-8")),
        ("no-suffix", "export", {}, ("EXP-7",)),
        ("hidden", ".export", {}, ("EXP-7",)),
        ("replaces-file", "out.jsonl", {"out.jsonl": value(b"old content\n" * 100)}, ("EXP-6", "EXP-7")),
        ("replaces-empty", "out.jsonl", {"out.jsonl": ""}, ("EXP-6", "EXP-7")),
        ("beside-others", "place/out.jsonl", {"place/neighbour.jsonl": "7b7d"}, ("EXP-7",)),
    ):
        steps, then = _export(log, live, to)
        title = f"export to a path that is {name.replace('-', ' ')}"
        yield Case(at(path=name), title, (*clauses, "EXP-1", "EXP-4"), log.given() | given, steps, then, _EXPORT)
    new = put(14, b"zz", b"later")
    grown = live | {new.key: new.payload}
    yield Case(
        named("twice"),
        "a second export replaces the first",
        ("EXP-6", "EXP-7", "EXP-2"),
        log.given(),
        [
            opened(log, live),
            step("export_jsonl", to="out.jsonl", expect=ok()),
            step("put", key=value(new.key), value=value(new.payload), expect=ok()),
            step("export_jsonl", to="out.jsonl", expect=ok()),
            close(),
        ],
        files(log.plus(new).given() | {"out.jsonl": value(_lines(grown))}),
        _EXPORT,
    )


def _failed_export() -> Iterator[Case]:
    """A value that is damaged on disk by the time it is exported."""
    log = Log.of(put(1, b"a", b"1"), put(2, b"b", b"2"))
    for name, given in (("old-file", {"out.jsonl": value(b"old\n")}), ("no-file", {})):
        yield Case(
            at(target=name),
            "an export that meets a damaged value fails: the path is as before and nothing is left beside it",
            ("EXP-6", "EXP-7"),
            log.given() | given,
            [
                opened(log, {b"a": b"1", b"b": b"2"}),
                do("overwrite", path=log.path(), offset=log.last.end - 5, bytes="ff"),
                step("export_jsonl", to="out.jsonl", expect=error()),
                close(),
            ],
            UNCHANGED,
            _EXPORT,
        )


FAMILIES = (
    Family("compaction.content", "What a compaction writes.", _content),
    Family("compaction.target", "Targets that are accepted.", _targets),
    Family("compaction.refused", "Targets that are refused and left as they are.", _refused),
    Family("compaction.after", "Source and target after a compaction.", _continues),
    Family("export.content", "What an export writes, byte for byte.", _export_content),
    Family("export.failed", "An export that cannot be finished.", _failed_export),
    Family("export.path", "Where an export writes, and what it leaves alone.", _export_paths),
)
