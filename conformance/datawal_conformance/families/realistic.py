"""One log as a program leaves it after a day: thousands of records of every type, in several segments."""

from collections.abc import Iterator
from functools import cache
from typing import Final

from datawal_conformance.families._build import LOG_DIR, Frame, Log, Segment, delete, put, raw, value
from datawal_conformance.families._model import Case, Family, named
from datawal_conformance.families._steps import UNCHANGED, close, ok, scan, step

_RECORDS: Final = 3000
_SEGMENTS: Final = (1, 2, 4, 5)
_WORDS: Final = (
    b"amber birch cedar delta ember fjord grove heath islet jetty knoll ledge marsh north ocean pebble".split()
)
_LCG: Final = (6364136223846793005, 1442695040888963407)


def _numbers(state: int) -> Iterator[int]:
    """Numbers that look random and are the same everywhere (a linear congruential generator, upper bits)."""
    while True:
        state = (state * _LCG[0] + _LCG[1]) % 2**64
        yield state >> 33


def _frames() -> Iterator[Frame]:
    numbers = _numbers(20)
    for txid in range(1, _RECORDS + 1):
        kind, which, length = next(numbers) % 10, next(numbers) % 400, next(numbers) % 12
        key = b"user/%04d" % which
        text = b" ".join(_WORDS[next(numbers) % len(_WORDS)] for _ in range(length))
        if kind < 2:  # noqa: PLR2004 - two in ten are audit lines
            yield raw(txid, b"audit " + text)
        elif kind == 2:  # noqa: PLR2004 - one in ten deletes
            yield delete(txid, key)
        else:
            yield put(txid, key, text)


@cache
def realistic_log() -> Log:
    """The log: segments of different sizes, one id left out, the last segment still short."""
    frames = tuple(_frames())
    edges = (0, 1100, 1900, 2960, _RECORDS)
    parts = zip(_SEGMENTS, edges, edges[1:], strict=False)
    return Log(tuple(Segment(number, frames[start:end]) for number, start, end in parts))


def _live() -> dict[bytes, bytes]:
    live: dict[bytes, bytes] = {}
    for segment in realistic_log().segments:
        for frame in segment.frames:
            if frame.type.word == "put":
                live[frame.key] = frame.payload
            elif frame.type.word == "delete":
                live.pop(frame.key, None)
    return live


def _log_case() -> Iterator[Case]:
    log = realistic_log()
    steps = [step("open_log", path=LOG_DIR, expect=ok(**log.opened())), scan(log.records()), close()]
    title = f"{_RECORDS} records of every type in {len(_SEGMENTS)} segments, one id left out"
    yield Case(named("day"), title, ("REC-1", "SEG-4", "WRT-12"), log.given(), steps, UNCHANGED)


def _kv_case() -> Iterator[Case]:
    log = realistic_log()
    items = [[value(key), value(content)] for key, content in sorted(_live().items())]
    steps = [
        step("open_kv", path=LOG_DIR, expect=ok(report=log.report(), len=len(items))),
        step("items", expect=ok(items=items)),
        close(),
    ]
    title = f"{_RECORDS} records leave {len(items)} keys"
    yield Case(named("day"), title, ("KV-3", "KV-4", "KV-11"), log.given(), steps, UNCHANGED, requires=("kv",))


FAMILIES = (
    Family("recovery.realistic", "A large log as a program leaves it.", _log_case),
    Family("kv.realistic", "The same log as a projection.", _kv_case),
)
