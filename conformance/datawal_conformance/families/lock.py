"""The lock: two handles, two processes, release by every way to go."""

from collections.abc import Iterator
from typing import Final

from datawal_conformance.families import _samples
from datawal_conformance.families._build import LOG_DIR, Json, Log, raw, value
from datawal_conformance.families._model import Case, Family, at, named
from datawal_conformance.families._steps import ANYTHING, UNCHANGED, close, do, error, files, ok, scan, step
from datawal_spec import ErrorKind

_LOG: Final = _samples.THREE
_OPENERS: Final = ("open_log", "open_kv")
_LOCK_PATH: Final = f"{LOG_DIR}/.lock"


def _open(opener: str, name: str = "main", process: str | None = None) -> Json:
    return step(opener, path=LOG_DIR, as_=name, process=process, expect=ok(report=_LOG.report()))


def _refused(opener: str, name: str, process: str | None = None) -> Json:
    return step(opener, path=LOG_DIR, as_=name, process=process, expect=error(ErrorKind.LOCKED))


def _requires(*openers: str) -> tuple[str, ...]:
    return tuple(sorted({opener.removeprefix("open_") for opener in openers}, reverse=True))


def _two() -> Iterator[Case]:
    """A second handle is refused while the first is open, and not after it was closed."""
    for first in _OPENERS:
        for second in _OPENERS:
            for place, process in (("same", None), ("other", "other")):
                words = f"{first} and then {second} in {'the same' if process is None else 'another'} process"
                yield Case(
                    at(first=first.removeprefix("open_"), second=second.removeprefix("open_"), process=place),
                    f"{words}: locked until the first is closed",
                    ("LOCK-1", "LOCK-2" if process is None else "LOCK-3", "LOCK-4"),
                    _LOG.given(),
                    [
                        _open(first, "a"),
                        _refused(second, "b", process),
                        _refused(second, "b", process),
                        close("a"),
                        _open(second, "b", process),
                        _refused(first, "a"),
                        close("b", process),
                        _open(first, "a"),
                        close("a"),
                    ],
                    UNCHANGED,
                    requires=_requires(first, second),
                )


def _holder_unharmed() -> Iterator[Case]:
    new = raw(4, b"still writing")
    grown = _LOG.plus(new)
    for place, process in (("same", None), ("other", "other")):
        yield Case(
            at(process=place),
            f"a refused open in {'the same' if process is None else 'another'} process does the holder no harm",
            ("LOCK-2" if process is None else "LOCK-3",),
            _LOG.given(),
            [
                _open("open_log", "a"),
                _refused("open_log", "b", process),
                step("append", payload=value(new.payload), on="a", expect=ok(**new.ref(1, _LOG.last.end))),
                _refused("open_log", "b", process),
                scan(grown.records(), on="a"),
                close("a"),
                step("open_log", path=LOG_DIR, as_="b", process=process, expect=ok(**grown.opened())),
                close("b", process),
            ],
            files(grown.given()),
        )


def _death() -> Iterator[Case]:
    for how, word in (("kill", "killed"), ("exit", "ended")):
        for opener in _OPENERS:
            yield Case(
                at(how=how, holder=opener.removeprefix("open_")),
                f"the lock of a process that is {word} with {opener} open is free",
                ("LOCK-3", "LOCK-5"),
                _LOG.given(),
                [
                    _open(opener, "a", "other"),
                    _refused(opener, "b"),
                    do(how, process="other"),
                    _open(opener, "b"),
                    close("b"),
                ],
                UNCHANGED,
                requires=_requires(opener),
            )


_STALE: Final = {
    "empty": b"",
    "pid": b"4242\n",
    "own-like": b"1\n",
    "no-newline": b"4242",
    "text": b"locked by nobody\n",
    "zeros": bytes(64),
    "long": b"9" * 5000,
    "not-utf-8": b"\xff\xfe\n",
}


def _stale() -> Iterator[Case]:
    for name, content in _STALE.items():
        yield Case(
            at(content=name),
            f"a lock file that nobody holds, with {name.replace('-', ' ')} content, is no obstacle",
            ("LOCK-6",),
            _LOG.given() | {_LOCK_PATH: value(content)},
            [
                _open("open_log"),
                _refused("open_log", "b"),
                close(),
                _open("open_log"),
                close(),
            ],
            files({_LOCK_PATH: ANYTHING}),
        )


def _stays() -> Iterator[Case]:
    """The runner empties the lock file, which it cannot when the file is gone."""
    there = do("truncate", path=_LOCK_PATH, len=0)
    yield Case(
        named("after-close"),
        "the lock file is there while the log is open and after it was closed",
        ("LOCK-1", "LOCK-7"),
        _LOG.given(),
        [_open("open_log"), there, _refused("open_log", "b"), close(), there, _open("open_log"), close(), there],
        files({_LOCK_PATH: ANYTHING}),
    )
    yield Case(
        named("after-kill"),
        "the lock file is there after its holder was killed",
        ("LOCK-5", "LOCK-7"),
        _LOG.given(),
        [
            _open("open_log", "a", "other"),
            do("kill", process="other"),
            there,
            _open("open_log"),
            close(),
        ],
        files({_LOCK_PATH: ANYTHING}),
    )


def _failed_open() -> Iterator[Case]:
    """An open that fails for damage leaves no lock behind."""
    broken = Log.of(*_LOG.last.frames, tail=_samples.OMEGA.damaged(magic=b"XXXX"))
    failing = step("open_log", path=LOG_DIR, expect=error(ErrorKind.BAD_MAGIC, segment=1, offset=_LOG.last.end))
    for place, process in (("same", None), ("other", "other")):
        yield Case(
            at(process=place),
            "an open that failed holds no lock: once the log is repaired, it opens",
            ("LOCK-9", "REC-5"),
            broken.given(),
            [
                failing,
                failing,
                do("truncate", path=_LOG.path(), len=_LOG.last.end),
                _open("open_log", "b", process),
                close("b", process),
            ],
            UNCHANGED,
        )


def _apart() -> Iterator[Case]:
    empty = Log.of()
    first, second = raw(1, b"one"), raw(1, b"two")
    given = Log.of(first).given("one") | Log.of(second).given("two")
    yield Case(
        named("two-logs"),
        "two logs in two directories are open at once",
        ("LOCK-1",),
        {},
        [
            step("open_log", path="one", as_="a", expect=ok(**empty.opened())),
            step("open_log", path="two", as_="b", expect=ok(**empty.opened())),
            step("append", payload=value(first.payload), on="a", expect=ok(**first.ref(1, 0))),
            step("append", payload=value(second.payload), on="b", expect=ok(**second.ref(1, 0))),
            close("a"),
            close("b"),
        ],
        files(given),
    )


def _content() -> Iterator[Case]:
    """While a handle is open, the lock file tells its holder's process id."""
    for by, stale in (("log", None), ("kv", None), ("log", "123456789\n")):
        given = _LOG.given() | ({f"{LOG_DIR}/.lock": value(stale.encode())} if stale else {})
        yield Case(
            at(by=by, before="stale" if stale else "nothing"),
            "the lock file holds a process id in decimal and a newline, and nothing else",
            ("LOCK-8",),
            given,
            [
                step(f"open_{by}", path=LOG_DIR, expect=ok(report=_LOG.report())),
                do("check", files={f"{LOG_DIR}/.lock": {"matches": "[1-9][0-9]{0,9}\n"}}),
                close(),
            ],
            UNCHANGED,
            (by,),
        )


def _inherited() -> Iterator[Case]:
    yield Case(
        named("child-outlives-holder"),
        "the holder started a child and was killed: the child does not hold the lock",
        ("LOCK-10", "LOCK-5"),
        _LOG.given(),
        [
            step("open_log", path=LOG_DIR, expect=ok(**_LOG.opened())),
            step("spawn", expect=ok()),
            do("kill", process="main"),
            step("open_log", path=LOG_DIR, process="other", expect=ok(**_LOG.opened())),
            close(process="other"),
        ],
        UNCHANGED,
        ("log", "spawn"),
    )


FAMILIES = (
    Family("lock.two", "A second handle, in the same and in another process.", _two),
    Family("lock.holder", "Refused opens do the holder no harm.", _holder_unharmed),
    Family("lock.death", "The lock of a process that is gone.", _death),
    Family("lock.stale", "Lock files that nobody holds.", _stale),
    Family("lock.stays", "The lock file stays.", _stays),
    Family("lock.failed-open", "An open that fails holds nothing.", _failed_open),
    Family("lock.content", "What the lock file says.", _content),
    Family("lock.inherited", "Children of a holder.", _inherited),
    Family("lock.apart", "Locks of different directories.", _apart),
)
