"""The poisoned handle: what it refuses, what it still answers, how it ends."""

import re
from collections.abc import Iterator
from typing import Final

from datawal_conformance.families import _samples
from datawal_conformance.families._build import LOG_DIR, Json, Log, raw, value
from datawal_conformance.families._model import Case, Family, at, named
from datawal_conformance.families._steps import UNCHANGED, close, do, error, files, ok, one_of, scan, scan_iter, step
from datawal_spec import ErrorKind

_REQUIRES: Final = ("log", "poison")
_REASON: Final = "disk full"

_MUTATING: Final[dict[str, Json]] = {
    "append": {"payload": "61"},
    "append_record": {"type": "put", "key": "6b", "payload": "76"},
    "fsync": {},
    "rotate": {},
}

_LOGS: Final = {
    "new": Log.of(),
    "three": _samples.THREE,
    "torn": Log.of(*_samples.THREE.last.frames, tail=_samples.OMEGA.data[:20]),
    "third-segment": _samples.LOGS["third-segment"],
}


def _message(reason: str) -> str:
    return re.escape(f"datawal: writer poisoned: {reason}; drop handle and reopen").replace("\\ ", " ")


def _poisoned(word: str, reason: str = _REASON) -> Json:
    return step(word, **_MUTATING[word], expect=error(ErrorKind.POISONED, message=_message(reason)))


def _refuses() -> Iterator[Case]:
    for name, log in _LOGS.items():
        for word in _MUTATING:
            yield Case(
                at(log=name, op=word.replace("_", "-")),
                f"a poisoned handle refuses {word}, twice, and no byte changes",
                ("POI-2", "POI-3", "POI-5", "POI-8"),
                log.given(),
                [
                    step("open_log", path=LOG_DIR, expect=ok(**log.opened())),
                    step("is_poisoned", expect=ok(is_poisoned=False)),
                    step("poison", reason=_REASON, expect=ok()),
                    step("is_poisoned", expect=ok(is_poisoned=True)),
                    _poisoned(word),
                    _poisoned(word),
                    step("is_poisoned", expect=ok(is_poisoned=True)),
                    close(),
                ],
                files(log.given()),
                requires=_REQUIRES,
            )


_REASONS: Final = {
    "plain": "append_record write_all failed",
    "one-letter": "x",
    "semicolon": "first; drop handle and reopen",
    "colon": "datawal: writer poisoned: twice",
    "brackets": "failed (28) [no space] {left}",
    "not-ascii": "kein Platz übrig",
    "quotes": 'the "disk" \\ is full',
}


def _reasons() -> Iterator[Case]:
    for name, reason in _REASONS.items():
        yield Case(
            at(reason=name),
            "the reason of the poisoning stands in the message as it is",
            ("POI-3",),
            {},
            [
                step("open_log", path=LOG_DIR, expect=ok()),
                step("poison", reason=reason, expect=ok()),
                *(_poisoned(word, reason) for word in _MUTATING),
                close(),
            ],
            files(Log.of().given()),
            requires=_REQUIRES,
        )


def _reads() -> Iterator[Case]:
    for name, log in _LOGS.items():
        yield Case(
            at(log=name),
            "a poisoned handle still scans and reports",
            ("POI-4", "POI-8"),
            log.given(),
            [
                step("open_log", path=LOG_DIR, expect=ok(**log.opened())),
                step("poison", reason=_REASON, expect=ok()),
                scan(log.records()),
                scan_iter(log.records(), log.report()),
                step("report", expect=ok(report=log.report())),
                step("active_segment", expect=ok(active_segment=log.last.id)),
                _poisoned("append"),
                scan(log.records()),
                close(),
            ],
            files(log.given()),
            requires=_REQUIRES,
        )


def _reopens() -> Iterator[Case]:
    log = _samples.THREE
    before, after = raw(4, b"before"), raw(5, b"after")
    grown = log.plus(before)
    whole = grown.plus(after)
    yield Case(
        named("reopen"),
        "what was appended before the poisoning is kept; a new handle is not poisoned and goes on",
        ("POI-6", "POI-2", "WRT-8"),
        log.given(),
        [
            step("open_log", path=LOG_DIR, expect=ok(**log.opened())),
            step("append", payload=value(before.payload), expect=ok(**before.ref(1, log.last.end))),
            step("poison", reason=_REASON, expect=ok()),
            _poisoned("append"),
            close(),
            step("open_log", path=LOG_DIR, expect=ok(**grown.opened())),
            step("is_poisoned", expect=ok(is_poisoned=False)),
            step("append", payload=value(after.payload), expect=ok(**after.ref(1, grown.last.end))),
            scan(whole.records()),
            close(),
        ],
        files(whole.given()),
        requires=_REQUIRES,
    )
    yield Case(
        named("keeps-the-lock"),
        "a poisoned handle keeps the lock until it is closed",
        ("POI-6", "LOCK-2"),
        log.given(),
        [
            step("open_log", path=LOG_DIR, as_="a", expect=ok()),
            step("poison", reason=_REASON, on="a", expect=ok()),
            step("open_log", path=LOG_DIR, as_="b", expect=error(ErrorKind.LOCKED)),
            close("a"),
            step("open_log", path=LOG_DIR, as_="b", expect=ok(**log.opened())),
            step("is_poisoned", on="b", expect=ok(is_poisoned=False)),
            close("b"),
        ],
        UNCHANGED,
        requires=_REQUIRES,
    )


def _failed_rotation() -> Iterator[Case]:
    """The log's directory is opened by a link that then goes: its next segment cannot be made by path."""
    log = _samples.THREE
    new = raw(4, b"new")
    failing, going = error(), ok(active_segment=2)
    yield Case(
        named("way-removed"),
        "the path to the log is gone: a rotation that fails poisons; one that does not need the path goes on",
        ("POI-1", "POI-2"),
        log.given() | {"way": {"symlink": LOG_DIR}},
        [
            step("open_log", path="way", expect=ok(**log.opened())),
            do("remove", path="way"),
            step("rotate", expect=one_of(fails=failing, rotates=going)),
            step("is_poisoned", expect=one_of(fails=ok(is_poisoned=True), rotates=ok(is_poisoned=False))),
            step(
                "append",
                payload=value(new.payload),
                expect=one_of(fails=error(ErrorKind.POISONED), rotates=ok(**new.ref(2, 0))),
            ),
            close(),
        ],
        one_of(fails=UNCHANGED, rotates=files(log.with_segment(new).given())),
    )


FAMILIES = (
    Family("poison.rotation", "A rotation that fails for want of its directory.", _failed_rotation),
    Family("poison.refuses", "Every mutating call on a poisoned handle, over logs of several kinds.", _refuses),
    Family("poison.reason", "The message carries the reason.", _reasons),
    Family("poison.reads", "Reading goes on.", _reads),
    Family("poison.reopen", "A new handle is sound.", _reopens),
)
