"""Safety: going on after damage. Every record acknowledged then must be found by every later open."""

from collections.abc import Callable, Iterator, Mapping

from datawal_conformance.families import _samples
from datawal_conformance.families._build import Log, Segment
from datawal_conformance.families._damage import Point, cut_logs, flip
from datawal_conformance.families._garbage import GARBAGE
from datawal_conformance.families._model import Case, Family, at, named
from datawal_conformance.families._templates import appends, puts, rotates
from datawal_spec import HEADER_LEN

_PUT_LOGS = ("three", "single", "empty-key")
"""Logs whose sisters are made for the projection too."""


def _damaged(log: Log, point: Point) -> Log:
    return Log((*log.segments[:-1], Segment(log.last.id, point.before, point.tail)))


def _live(log: Log) -> dict[bytes, bytes]:
    """What is bound when the given records are replayed: the sample logs bind no key twice."""
    live: dict[bytes, bytes] = {}
    for segment in log.reachable:
        for frame in segment.frames:
            if frame.type.word == "put":
                live[frame.key] = frame.payload
            elif frame.type.word == "delete":
                live.pop(frame.key, None)
    return live


def _append_clauses(tail: bytes) -> tuple[str, ...]:
    """A tear inside a header makes the next frame's bytes complete it: a bad magic or worse (SAFE-2)."""
    return ("SAFE-1", "SAFE-2", "SAFE-4") if len(tail) < HEADER_LEN else ("SAFE-1", "SAFE-4")


def _cuts(make: Callable[[str, str, Log], Case], what: str, logs: Mapping[str, Log]) -> Iterator[Case]:
    for name, point, log in cut_logs(logs):
        if point.tail:
            title = f"{_samples.TITLES[name]}, {point.title}; then {what} and reopened"
            yield make(at(log=name, at=point.at), title, log)


def _cut_append() -> Iterator[Case]:
    return _cuts(
        lambda suffix, title, log: appends(suffix, title, _append_clauses(log.last.tail), log),
        "appended to",
        _samples.LOGS,
    )


def _cut_rotate() -> Iterator[Case]:
    return _cuts(lambda suffix, title, log: rotates(suffix, title, ("SAFE-3",), log), "rotated", _samples.LOGS)


def _cut_put() -> Iterator[Case]:
    clauses = ("SAFE-1", "SAFE-4")
    logs = {name: _samples.LOGS[name] for name in _PUT_LOGS}
    return _cuts(lambda suffix, title, log: puts(suffix, title, clauses, log, _live(log)), "put to", logs)


def _flips(make: Callable[[str, str, Log], Case], what: str, whole: tuple[str, ...] = ()) -> Iterator[Case]:
    """One case for every field whose damage a log forgives; every bit for the logs in `whole`."""
    for name, (log, index) in _samples.FLIPPED.items():
        seen: set[tuple[str, str]] = set()
        for point in flip(log.last.frames, index):
            effect = (point.field, point.kind)
            if point.structural or (effect in seen and name not in whole):
                continue
            seen.add(effect)
            title = f"{_samples.TITLES[name]}, {point.title}; then {what} and reopened"
            yield make(at(log=name, bit=point.at), title, _damaged(log, point))


def _flip_append() -> Iterator[Case]:
    clauses = ("SAFE-1", "SAFE-2", "SAFE-4")
    return _flips(lambda suffix, title, log: appends(suffix, title, clauses, log), "appended to", ("three", "single"))


def _flip_rotate() -> Iterator[Case]:
    return _flips(lambda suffix, title, log: rotates(suffix, title, ("SAFE-3",), log), "rotated")


def _flip_put() -> Iterator[Case]:
    clauses = ("SAFE-1", "SAFE-4")
    return _flips(lambda suffix, title, log: puts(suffix, title, clauses, log, _live(log)), "put to")


def _garbage(make: Callable[[str, str, Log], Case], what: str) -> Iterator[Case]:
    for name, garbage in GARBAGE.items():
        if garbage.forgiven:
            log = Log.of(*_samples.THREE.last.frames, tail=garbage.data)
            yield make(named(name), f"three records, then {garbage.title}; then {what} and reopened", log)


def _garbage_append() -> Iterator[Case]:
    return _garbage(
        lambda suffix, title, log: appends(suffix, title, _append_clauses(log.last.tail), log), "appended to"
    )


def _garbage_rotate() -> Iterator[Case]:
    return _garbage(lambda suffix, title, log: rotates(suffix, title, ("SAFE-3",), log), "rotated")


def _garbage_put() -> Iterator[Case]:
    clauses = ("SAFE-1", "SAFE-4")
    return _garbage(lambda suffix, title, log: puts(suffix, title, clauses, log, _live(log)), "put to")


FAMILIES = (
    Family("safety.cut-append", "A log cut short is appended to: the records stay.", _cut_append),
    Family("safety.cut-rotate", "A log cut short is rotated: it opens again.", _cut_rotate),
    Family("safety.cut-put", "A log cut short is put to: what was put can be got.", _cut_put),
    Family("safety.flip-append", "A log with a flipped bit near its end is appended to.", _flip_append),
    Family("safety.flip-rotate", "A log with a flipped bit near its end is rotated.", _flip_rotate),
    Family("safety.flip-put", "A log with a flipped bit near its end is put to.", _flip_put),
    Family("safety.garbage-append", "A log with garbage at its end is appended to.", _garbage_append),
    Family("safety.garbage-rotate", "A log with garbage at its end is rotated.", _garbage_rotate),
    Family("safety.garbage-put", "A log with garbage at its end is put to.", _garbage_put),
)
