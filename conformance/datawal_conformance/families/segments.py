"""Segments: which names count, in which order they are read, and what else may stand in the directory."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

from datawal_conformance.families import _samples
from datawal_conformance.families._build import LOG_DIR, Json, Log, Segment, raw, value
from datawal_conformance.families._model import Case, Family, at, named
from datawal_conformance.families._steps import UNCHANGED, close, do, error, files, ok, scan, scan_iter, step
from datawal_conformance.families._templates import opens, reads
from datawal_spec import MAX_SEGMENT_ID, ErrorKind

_HIGHEST: Final = MAX_SEGMENT_ID

_ID_SETS: Final[dict[str, tuple[int, ...]]] = {
    "0": (0,),
    "1": (1,),
    "2": (2,),
    "0-1": (0, 1),
    "1-2-3": (1, 2, 3),
    "gap": (1, 3, 7),
    "wide-gap": (1, 50_000_000),
    "tens": (9, 10, 11),
    "hundreds": (99, 100, 101),
    "ten-thousands": (9_999, 10_000, 100_000),
    "octal-looking": (7, 8, 9, 10),
    "from-5": (5, 6),
    "0-highest": (0, _HIGHEST),
    "highest": (_HIGHEST,),
    "last-two": (_HIGHEST - 1, _HIGHEST),
}


def _log(ids: tuple[int, ...]) -> Log:
    """A log with one record a segment, txids against the order of the ids to show that order is not theirs."""
    count = len(ids)
    return Log(tuple(Segment(number, (raw(count - place, b"%d" % number),)) for place, number in enumerate(ids)))


def _ids() -> Iterator[Case]:
    for name, ids in _ID_SETS.items():
        clauses = ["SEG-1", "SEG-4", "SEG-9", "SEG-10"]
        if 0 in ids:
            clauses.append("SEG-6")
        if any(later - earlier > 1 for earlier, later in pairwise(ids)) or ids[0] > 1:
            clauses.append("SEG-5")
        title = f"segments {', '.join(map(str, ids))}"
        yield opens(at(ids=name, by="log"), title, tuple(clauses), _log(ids))
        yield reads(at(ids=name, by="reader"), f"{title}, read by a reader", (*clauses, "RDR-5"), _log(ids))


def _rotation() -> Iterator[Case]:
    for name, ids in _ID_SETS.items():
        if ids[-1] == _HIGHEST:
            continue
        log = _log(ids)
        new = raw(len(ids) + 1, b"new")
        grown = log.with_segment(new)
        yield Case(
            at(ids=name),
            f"segments {', '.join(map(str, ids))}: rotation makes {ids[-1] + 1}",
            ("SEG-8", "SEG-9", "WRT-17", "WRT-19"),
            log.given(),
            [
                step("open_log", path=LOG_DIR, expect=ok(active_segment=ids[-1])),
                step("rotate", expect=ok(active_segment=ids[-1] + 1)),
                step("active_segment", expect=ok(active_segment=ids[-1] + 1)),
                step("append", payload=value(new.payload), expect=ok(**new.ref(ids[-1] + 1, 0))),
                scan(grown.records()),
                close(),
                step("open_log", path=LOG_DIR, expect=ok(**grown.opened())),
                close(),
            ],
            files(grown.given()),
        )


def _empty() -> Iterator[Case]:
    """Every pattern of empty and filled segments, up to four."""
    for count in (1, 2, 3, 4):
        for pattern in range(2**count):
            segments = []
            for place in range(count):
                filled = pattern >> place & 1
                frames = (raw(place + 1, b"%d" % place),) if filled else ()
                segments.append(Segment(place + 1, frames))
            word = "".join("f" if segment.frames else "e" for segment in segments)
            title = "segments in order: " + ", ".join("filled" if letter == "f" else "empty" for letter in word)
            yield opens(at(pattern=word), title, ("SEG-13", "REC-8", "REC-9"), Log(tuple(segments)))
    records = (_samples.ALPHA, raw(2, b"in the second"))
    for name, log in (
        ("one", Log((Segment(1, records), Segment(2)))),
        ("two", Log((Segment(1, records), Segment(2), Segment(5)))),
    ):
        new = raw(3, b"new")
        grown = log.plus(new)
        yield Case(
            named(f"goes-on-behind-{name}"),
            "the last segment is empty: it is the active one, and the next record goes into it",
            ("SEG-9", "SEG-13"),
            log.given(),
            [
                step("open_log", path=LOG_DIR, expect=ok(**log.opened())),
                step("append", payload=value(new.payload), expect=ok(**new.ref(log.last.id, 0))),
                scan(grown.records()),
                close(),
                step("open_log", path=LOG_DIR, expect=ok(**grown.opened())),
                close(),
            ],
            files(grown.given()),
        )


_OTHER_NAMES: Final[dict[str, str]] = {
    "seven-digits": "0000002.dwal",
    "nine-digits": "000000002.dwal",
    "one-digit": "2.dwal",
    "upper-suffix": "00000002.DWAL",
    "mixed-suffix": "00000002.Dwal",
    "tmp": "00000002.dwal.tmp",
    "bak": "00000002.dwal~",
    "other-suffix": "00000002.wal",
    "no-suffix": "00000002",
    "no-dot": "00000002dwal",
    "only-suffix": ".dwal",
    "plus": "+0000002.dwal",
    "minus": "-0000002.dwal",
    "space-first": " 0000002.dwal",
    "space-last": "0000002 .dwal",
    "space-behind": "00000002.dwal ",
    "underscore": "0000_002.dwal",
    "hex-digits": "0000000a.dwal",
    "hex-prefix": "0x000002.dwal",
    "point": "000000.2.dwal",
    "exponent": "000002e1.dwal",
    "prefix": "a00000002.dwal",
    "double-suffix": "00000002.dwal.dwal",
    "newline-behind": "00000002.dwal\n",
    "hidden": ".00000002.dwal",
    "arabic-indic-digits": "\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0662.dwal",
    "one-arabic-indic-digit": "0000000\u0662.dwal",
    "fullwidth-digits": "\uff10\uff10\uff10\uff10\uff10\uff10\uff10\uff12.dwal",
    "superscript-digit": "0000000\u00b2.dwal",
    "not-utf-8": "hex:" + (b"\xff0000002.dwal").hex(),
    "not-utf-8-digit": "hex:" + (b"0000000\xb2.dwal").hex(),
    "lock-suffix": ".lock.dwal",
    "readme": "README",
    "manifest": "MANIFEST",
    "jsonl": "export.jsonl",
}
"""File names that are no segment's; where digits are in them they would spell 2, the segment after the log's."""


def _names() -> Iterator[Case]:
    """A file with another name is ignored, be its content sound, damaged or anything else."""
    log = Log.of(_samples.ALPHA)
    sound = value(raw(7, b"not part of the log").data)
    for name, file_name in _OTHER_NAMES.items():
        for content, data in (("sound", sound), ("garbage", value(b"XXXX" * 10))):
            title = f"a file named {name} with {content} content beside a log is ignored"
            extra = {f"{LOG_DIR}/{file_name}": data}
            yield opens(at(name=name, content=content), title, ("SEG-1", "SEG-3"), log, extra)


def _names_reader() -> Iterator[Case]:
    log = Log.of(_samples.ALPHA)
    for name, file_name in _OTHER_NAMES.items():
        case = reads(at(name=name), f"a reader ignores a file named {name}", ("SEG-3", "RDR-5"), log)
        case.given[f"{LOG_DIR}/{file_name}"] = value(raw(7, b"not part of the log").data)
        yield case


def _names_alone() -> Iterator[Case]:
    """Where only other names stand, the log is new: it starts with segment 1."""
    for name in ("seven-digits", "nine-digits", "upper-suffix", "tmp", "arabic-indic-digits", "plus", "hidden"):
        path = f"{LOG_DIR}/{_OTHER_NAMES[name]}"
        given = {path: value(raw(7, b"not part of the log").data)}
        empty = Log.of()
        yield Case(
            at(name=name),
            f"a directory that holds only a file named {name} is a new log",
            ("SEG-3", "SEG-7", "WRT-2"),
            given,
            [step("open_log", path=LOG_DIR, expect=ok(**empty.opened())), scan([]), close()],
            files(empty.given()),
        )


_SOUND: Final = value(raw(7, b"not part of the log").data)
_NO_FILES: Final[dict[str, tuple[Any, Json]]] = {
    "directory": ({"directory": True}, {}),
    "symlink-to-file": ({"symlink": "../elsewhere.dwal"}, {"elsewhere.dwal": _SOUND}),
    "symlink-to-segment": ({"symlink": "00000001.dwal"}, {}),
    "symlink-to-nothing": ({"symlink": "../nothing"}, {}),
    "symlink-to-directory": ({"symlink": "../place"}, {"place": {"directory": True}}),
    "symlink-to-itself": ({"symlink": "00000002.dwal"}, {}),
    "fifo": ({"fifo": True}, {}),
    "socket": ({"socket": True}, {}),
}


def _special() -> Iterator[Case]:
    """What is no regular file is no segment, whatever its name; none of it may be opened or waited for."""
    for name, (content, beside) in _NO_FILES.items():
        for place, number in (("before", 0), ("between", 2), ("behind", 4)):
            log = _log((1, 3))
            target = content
            if name == "symlink-to-itself":
                target = {"symlink": Segment(number).name}
            extra = {f"{LOG_DIR}/{Segment(number).name}": target} | beside
            title = f"a {name.replace('-', ' ')} named like a segment {place} the others is ignored"
            yield opens(at(what=name, place=place, by="log"), title, ("SEG-2",), log, extra)
            reading = reads(at(what=name, place=place, by="reader"), f"a reader: {title}", ("SEG-2", "RDR-5"), log)
            reading.given.update(extra)
            yield reading
    inside = {f"{LOG_DIR}/00000002.dwal/00000001.dwal": _SOUND, f"{LOG_DIR}/sub/00000002.dwal": _SOUND}
    yield opens(
        named("segments-in-directories"),
        "segments in directories below the log's are not the log's",
        ("SEG-2", "SEG-3"),
        _log((1,)),
        inside,
    )


def _lock_file() -> Iterator[Case]:
    log = _log((1, 2))
    frame = value(raw(7, b"not part of the log").data)
    lock = {f"{LOG_DIR}/.lock": frame}
    records = log.records()
    yield Case(
        named("lock-holds-a-frame"),
        "a lock file that holds a frame is no segment",
        ("SEG-11", "LOCK-6"),
        log.given() | lock,
        [
            step("open_log", path=LOG_DIR, expect=ok(**log.opened())),
            scan(records),
            scan_iter(records, log.report()),
            close(),
        ],
        files({f"{LOG_DIR}/.lock": {"any": True}}),
    )


def _removed() -> Iterator[Case]:
    """No manifest: a log without its first or middle segments is a log."""
    for name, ids in {"first": (2, 3), "middle": (1, 3), "last": (1, 2)}.items():
        title = f"of three segments the {name} one is gone"
        yield opens(at(gone=name), title, ("SEG-10", "SEG-5"), _log(ids))
    before = _log((1, 2, 3))
    without = Log((before.segments[0], before.segments[2]))
    late = Segment(5, (raw(9, b"late"),))
    after = Log((*without.segments, late))
    for word, reading in (("log", "scan"), ("reader", "scan_iter")):
        steps: list[Json] = []
        for log, change in (
            (before, do("remove", path=before.path(2))),
            (without, do("write", path=after.path(5), content=value(late.data))),
            (after, None),
        ):
            answer = log.opened() if word == "log" else {"segments": [segment.id for segment in log.segments]}
            steps += [
                step(f"open_{word}", path=LOG_DIR, expect=ok(**answer)),
                step(reading, expect=ok(records=log.records())),
                close(),
                *([change] if change else []),
            ]
        yield Case(
            at(between="opens", by=word),
            "between opens in one process a segment goes and another comes: each open lists the directory anew",
            ("SEG-10",),
            before.given(),
            steps,
            UNCHANGED,
            (word,),
        )


def _unreadable() -> Iterator[Case]:
    """A segment that may not be read is an error, not a shorter log."""
    alpha, omega = _samples.ALPHA, _samples.OMEGA
    for place, number in (("first", 1), ("last", 2)):
        log = Log((Segment(1, (alpha,)), Segment(2, (omega,))))
        given = log.given()
        given[log.path(number)] = {"unreadable": given[log.path(number)]}
        before = log.records()[: number - 1]
        yield Case(
            at(place=place, by="log"),
            f"the {place} of two segments may not be read: the open fails",
            ("REC-18", "REC-1", "SEG-10"),
            given,
            [step("open_log", path=LOG_DIR, expect=error(ErrorKind.IO))],
            UNCHANGED,
            ("log", "unprivileged"),
        )
        yield Case(
            at(place=place, by="reader"),
            f"the {place} of two segments may not be read: a scan fails there",
            ("REC-18", "RDR-7", "RDR-12", "SEG-10"),
            given,
            [
                step("open_reader", path=LOG_DIR, expect=ok(segments=[1, 2])),
                step("scan_iter", expect=error(ErrorKind.IO, records=before)),
                close(),
            ],
            UNCHANGED,
            ("reader", "unprivileged"),
        )


def _links() -> Iterator[Case]:
    """The path of a log is followed; the names in the log's directory are not."""
    log, new = _log((1, 3)), raw(3, b"through the link")
    grown = log.plus(new)
    for name, path, links in (
        ("directory", "link", {"link": {"symlink": "real"}}),
        ("link", "link", {"link": {"symlink": "next"}, "next": {"symlink": "real"}}),
        ("parent", "link/real", {"link": {"symlink": "above"}}),
    ):
        real = "above/real" if name == "parent" else "real"
        given = log.given(real) | links
        title = f"a path that leads through a link ({name})"
        yield Case(
            at(to=name, by="log"),
            f"{title}: the log in the directory behind it is opened and written to",
            ("SEG-14",),
            given,
            [
                step("open_log", path=path, expect=ok(**log.opened())),
                step("append", payload=value(new.payload), expect=ok(**new.ref(3, log.last.end))),
                scan(grown.records()),
                close(),
            ],
            files(grown.given(real)),
        )
        yield Case(
            at(to=name, by="reader"),
            f"{title}: a reader reads the log in the directory behind it",
            ("SEG-14",),
            given,
            [
                step("open_reader", path=path, expect=ok(segments=[1, 3])),
                scan_iter(log.records(), log.report()),
                close(),
            ],
            files({f"{real}/.lock": None}),
            ("reader",),
        )


FAMILIES = (
    Family("segments.ids", "Which ids a log may have, and their order.", _ids),
    Family("segments.rotation", "The id that rotation makes.", _rotation),
    Family("segments.empty", "Empty segments in every position.", _empty),
    Family("segments.other-names", "Files whose names are no segment's.", _names),
    Family("segments.other-names-reader", "The same files, beside a reader.", _names_reader),
    Family("segments.other-names-alone", "The same files, and no segment.", _names_alone),
    Family("segments.no-files", "Directories, links, FIFOs and sockets with names of segments.", _special),
    Family("segments.unreadable", "Segments that may not be read.", _unreadable),
    Family("segments.links", "Logs whose path leads through a symbolic link.", _links),
    Family("segments.lock-file", "The lock file is no segment.", _lock_file),
    Family("segments.removed", "There is no manifest that would miss a segment.", _removed),
)
