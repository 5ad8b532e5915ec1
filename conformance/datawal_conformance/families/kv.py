"""Last write wins: the projection over logs made by hand and by itself."""

import random
from collections.abc import Iterator
from typing import Final

from datawal_conformance.families import _samples
from datawal_conformance.families._build import LOG_DIR, Frame, Json, Log, Segment, delete, put, raw, value
from datawal_conformance.families._model import Case, Family, at, named
from datawal_conformance.families._steps import UNCHANGED, close, do, error, files, ok, scan_iter, step
from datawal_spec import MAX_KEY_LEN, ErrorKind

_KV: Final = ("kv",)
Live = dict[bytes, bytes]


def opened(log: Log, live: Live) -> Json:
    """The step that opens the projection."""
    return step("open_kv", path=LOG_DIR, expect=ok(report=log.report(), len=len(live)))


def looked_at(live: Live, absent: tuple[bytes, ...] = ()) -> list[Json]:
    """Everything that can be asked about the bindings, which must agree with each other."""
    keys = sorted(live)
    steps = [
        step("len", expect=ok(len=len(live))),
        step("is_empty", expect=ok(is_empty=not live)),
        step("keys", expect=ok(keys=[value(key) for key in keys])),
        step("items", expect=ok(items=[[value(key), value(live[key])] for key in keys])),
    ]
    for key in keys:
        steps.append(step("get", key=value(key), expect=ok(value=value(live[key]))))
        steps.append(step("contains_key", key=value(key), expect=ok(contains=True)))
    for key in absent:
        steps.append(step("get", key=value(key), expect=ok(value=None)))
        steps.append(step("contains_key", key=value(key), expect=ok(contains=False)))
        steps.append(step("ref_of", key=value(key), expect=ok(ref=None)))
    return steps


def _ref(key: bytes, log: Log, frame: Frame) -> Json:
    """The step that asks where a key's value stands: the one frame of the log that is `frame`."""
    [(segment, offset)] = [
        (segment.id, sum(map(len, segment.frames[:number])))
        for segment in log.segments
        for number, candidate in enumerate(segment.frames)
        if candidate is frame
    ]
    return step("ref_of", key=value(key), expect=ok(ref=frame.ref(segment, offset)))


_A, _B = b"a", b"b"
_FIRST, _SECOND, _THIRD = put(1, _A, b"first"), put(2, _A, b"second"), put(3, _A, b"third")

_READ: Final[dict[str, tuple[str, tuple[str, ...], Log, Live, tuple[bytes, ...]]]] = {
    "put": ("one Put", ("KV-3", "KV-10"), Log.of(_FIRST), {_A: b"first"}, (_B, b"", b"A", b"aa")),
    "overwritten": ("a key put twice", ("KV-3",), Log.of(_FIRST, _SECOND), {_A: b"second"}, ()),
    "overwritten-with-itself": ("a key put twice alike", ("KV-3",), Log.of(_FIRST, put(2, _A, b"first")),
                                {_A: b"first"}, ()),
    "deleted": ("a key put and deleted", ("KV-3", "KV-9"), Log.of(_FIRST, delete(2, _A)), {}, (_A,)),
    "put-again": ("put, deleted, put", ("KV-3",), Log.of(_FIRST, delete(2, _A), _THIRD), {_A: b"third"}, ()),
    "delete-only": ("a Delete of a key never put", ("KV-3", "KV-9"), Log.of(delete(1, _A)), {}, (_A,)),
    "delete-first": ("a Delete in front of the Put", ("KV-3", "KV-4"), Log.of(delete(1, _A), _SECOND),
                     {_A: b"second"}, ()),
    "txids-descend": ("a later Put with a lower txid wins", ("KV-4",), Log.of(put(9, _A, b"nine"), _FIRST),
                      {_A: b"first"}, ()),
    "txids-equal": ("of two Puts with one txid the later wins", ("KV-4",),
                    Log.of(put(5, _A, b"early"), put(5, _A, b"late")), {_A: b"late"}, ()),
    "delete-with-low-txid": ("a later Delete with a lower txid wins", ("KV-4",),
                             Log.of(put(9, _A, b"nine"), delete(1, _A)), {}, (_A,)),
    "put-with-low-txid": ("a Put behind a Delete with a higher txid wins", ("KV-4",),
                          Log.of(delete(9, _A), _FIRST), {_A: b"first"}, ()),
    "txids-descend-over-segments": ("the later segment wins, whatever the txids", ("KV-4",),
                                    Log((Segment(1, (put(9, _A, b"nine"),)), Segment(2, (_FIRST,)))),
                                    {_A: b"first"}, ()),
    "delete-in-next-segment": ("a Delete in the next segment", ("KV-3", "KV-4"),
                               Log((Segment(1, (_FIRST,)), Segment(2, (delete(2, _A),)))), {}, (_A,)),
    "raw-between": ("Raw records with the same key", ("KV-5",),
                    Log.of(raw(1, b"raw", _A), put(2, _A, b"put"), raw(3, b"raw again", _A)), {_A: b"put"}, ()),
    "raw-only": ("only Raw records, with keys and without", ("KV-5", "KV-9"),
                 Log.of(raw(1, b"raw", _A), raw(2, b"raw"), raw(3, b"", _B)), {}, (_A, _B, b"")),
    "raw-behind-delete": ("a Raw record behind a Delete does not bind", ("KV-5",),
                          Log.of(_FIRST, delete(2, _A), raw(3, b"raw", _A)), {}, (_A,)),
    "raw-with-empty-key": ("a Raw record does not bind the empty key", ("KV-5", "KV-7"),
                           Log.of(raw(1, b"payload"), put(2, _A, b"x")), {_A: b"x"}, (b"",)),
    "delete-with-payload": ("a Delete with a payload is a tombstone", ("KV-6",),
                            Log.of(_FIRST, delete(2, _A, b"not a value")), {}, (_A,)),
    "delete-with-frame-payload": ("a Delete whose payload is a Put of the key", ("KV-6", "WIRE-14"),
                                  Log.of(_FIRST, delete(2, _A, _THIRD.data)), {}, (_A,)),
    "empty-key": ("the empty key", ("KV-7",), Log.of(put(1, b"", b"of the empty key")),
                  {b"": b"of the empty key"}, (_A,)),
    "empty-key-deleted": ("the empty key, deleted", ("KV-7", "KV-3"), Log.of(put(1, b"", b"x"), delete(2, b"")),
                          {}, (b"",)),
    "empty-value": ("the empty value is no absence", ("KV-8",), Log.of(put(1, _A, b"")), {_A: b""}, (_B,)),
    "empty-value-last": ("an empty value in place of another", ("KV-8", "KV-3"),
                         Log.of(_FIRST, put(2, _A, b"")), {_A: b""}, ()),
    "empty-both": ("the empty key with the empty value", ("KV-7", "KV-8"), Log.of(put(1, b"", b"")), {b"": b""}, ()),
    "prefixes": ("keys that begin with each other", ("KV-11",),
                 Log.of(put(1, b"ab", b"2"), put(2, _A, b"1"), put(3, b"abc", b"3"), delete(4, b"ab")),
                 {_A: b"1", b"abc": b"3"}, (b"ab",)),
    "bytes": ("keys of bytes beyond ASCII", ("KV-11",),
              Log.of(put(1, b"\xff", b"ff"), put(2, b"\0", b"00"), put(3, b"\x80", b"80"), put(4, b"\x7f", b"7f")),
              {b"\xff": b"ff", b"\0": b"00", b"\x80": b"80", b"\x7f": b"7f"}, (b"\xfe",)),
    "none": ("a log without records", ("KV-9", "KV-10"), Log.of(), {}, (_A, b"")),
    "torn": ("a torn Put behind a sound one", ("KV-14", "REC-2"),
             Log.of(_FIRST, tail=_SECOND.data[:-1]), {_A: b"first"}, ()),
    "torn-delete": ("a torn Delete behind a Put", ("KV-14", "REC-2"),
                    Log.of(_FIRST, tail=delete(2, _A).data[:-1]), {_A: b"first"}, ()),
    "beyond-damage": ("a Put behind a frame with a wrong checksum", ("KV-14", "REC-4"),
                      Log.of(_FIRST, tail=raw(2, b"x").damaged(crc=0) + _THIRD.data), {_A: b"first"}, ()),
}  # fmt: skip


def _read() -> Iterator[Case]:
    for name, (title, clauses, log, live, absent) in _READ.items():
        steps = [opened(log, live), *looked_at(live, absent), close()]
        yield Case(named(name), title, clauses, log.given(), steps, UNCHANGED, _KV)


def _refs() -> Iterator[Case]:
    one, two, three = put(1, _A, b"old"), put(2, _A, b"new"), put(3, _B, b"other")
    for name, log in (
        ("one-segment", Log.of(one, two, three)),
        ("segments", Log((Segment(1, (one,)), Segment(4, (raw(9, b"x"), two)), Segment(7, (three,))))),
        ("raw-between", Log.of(one, raw(5, b"x" * 30), two, raw(6, b""), three)),
    ):
        yield Case(
            at(log=name),
            "ref_of tells where the value's frame stands",
            ("KV-12",),
            log.given(),
            [
                opened(log, {_A: b"new", _B: b"other"}),
                _ref(_A, log, two),
                _ref(_B, log, three),
                step("ref_of", key=value(b"c"), expect=ok(ref=None)),
                close(),
            ],
            UNCHANGED,
            _KV,
        )


def _writes() -> Iterator[Case]:
    for name, key, content in (
        ("plain", b"key", b"value"),
        ("empty-key", b"", b"value"),
        ("empty-value", b"key", b""),
        ("both-empty", b"", b""),
        ("binary", bytes(range(256)), bytes(range(255, -1, -1))),
        ("long-value", b"k", b"v" * 5000),
        ("longest-key", b"K" * MAX_KEY_LEN, b"v"),
        ("frame-as-value", b"k", _FIRST.data),
    ):
        frame = put(1, key, content)
        log = Log.of(frame)
        live = {key: content}
        yield Case(
            at(put=name),
            f"put {name.replace('-', ' ')}: a Put record; what was put can be got, before and after reopening",
            ("KV-1", "KV-3", "KV-10", "KV-12", *(() if key else ("KV-7",))),
            {},
            [
                opened(Log.of(), {}),
                step("put", key=value(key), value=value(content), expect=ok()),
                *looked_at(live),
                _ref(key, log, frame),
                scan_iter(log.records(), log.report()),
                close(),
                opened(log, live),
                *looked_at(live),
                close(),
            ],
            files(log.given()),
            _KV,
        )
        tombstone = delete(2, key)
        gone = log.plus(tombstone)
        yield Case(
            at(delete=name),
            f"delete {name.replace('-', ' ')}: a Delete record with an empty payload",
            ("KV-2", "KV-9", "KV-12"),
            log.given(),
            [
                opened(log, live),
                step("delete", key=value(key), expect=ok()),
                *looked_at({}, (key,)),
                step("ref_of", key=value(key), expect=ok(ref=None)),
                scan_iter(gone.records(), gone.report()),
                close(),
                opened(gone, {}),
                close(),
            ],
            files(gone.given()),
            _KV,
        )
    absent = Log.of(delete(1, _A))
    yield Case(
        named("delete-absent"),
        "deleting an absent key writes a Delete record",
        ("KV-2", "KV-9"),
        {},
        [
            opened(Log.of(), {}),
            step("delete", key=value(_A), expect=ok()),
            *looked_at({}, (_A,)),
            step("fsync", expect=ok()),
            close(),
        ],
        files(absent.given()),
        _KV,
    )
    kept = Log.of(_FIRST)
    over = {"fill": "6b", "len": MAX_KEY_LEN + 1}
    yield Case(
        named("key-over-the-limit"),
        "a key over the limit is refused by put and delete, and nothing changes",
        ("WRT-10", "KV-1", "KV-2"),
        kept.given(),
        [
            opened(kept, {_A: b"first"}),
            step("put", key=over, value="", expect=error(ErrorKind.KEY_TOO_LARGE)),
            step("delete", key=over, expect=error(ErrorKind.KEY_TOO_LARGE)),
            step("is_poisoned", expect=ok(is_poisoned=False)),
            step("get", key=over, expect=ok(value=None)),
            *looked_at({_A: b"first"}),
            close(),
        ],
        UNCHANGED,
        _KV,
    )


def _damage() -> Iterator[Case]:
    """Every byte of the frame changed after the open: get must fail, never answer with a wrong value."""
    log = Log.of(_samples.ALPHA, put(2, b"k", b"beta"), put(3, b"other", b"untouched"))
    frame, start = log.last.frames[1], len(_samples.ALPHA)
    live = {b"k": b"beta", b"other": b"untouched"}
    for byte in range(len(frame)):
        changed = f"{frame.data[byte] ^ 0xFF:02x}"
        yield Case(
            at(byte=byte),
            f"byte {byte} of a value's frame is inverted after the open: get is an error",
            ("KV-13",),
            log.given(),
            [
                opened(log, live),
                step("get", key=value(b"k"), expect=ok(value=value(b"beta"))),
                do("overwrite", path=log.path(), offset=start + byte, bytes=changed),
                step("get", key=value(b"k"), expect=error()),
                step("items", expect=error()),
                step("get", key=value(b"other"), expect=ok(value=value(b"untouched"))),
                close(),
            ],
            UNCHANGED,
            _KV,
        )
    for name, new in (
        ("delete", delete(2, b"k", b"beta")),
        ("raw", raw(2, b"beta", b"k")),
    ):
        yield Case(
            at(becomes=name),
            f"the frame of a value becomes a sound {new.type.name.title()} after the open: get is an error",
            ("KV-13",),
            log.given(),
            [
                opened(log, live),
                do("overwrite", path=log.path(), offset=start, bytes=new.data.hex()),
                step("get", key=value(b"k"), expect=error()),
                close(),
            ],
            UNCHANGED,
            _KV,
        )
    for left in (0, 10, start, start + 1, start + 24, start + len(frame) - 1):
        yield Case(
            at(cut=left),
            f"the segment is cut to {left} bytes after the open: get is an error",
            ("KV-13",),
            log.given(),
            [
                opened(log, live),
                do("truncate", path=log.path(), len=left),
                step("get", key=value(b"k"), expect=error()),
                close(),
            ],
            UNCHANGED,
            _KV,
        )


def _opening() -> Iterator[Case]:
    for name, tail, kind in (
        ("bad-magic", b"XXXX" * 8, ErrorKind.BAD_MAGIC),
        ("flags", _SECOND.damaged(flags=1), ErrorKind.RESERVED_FLAGS),
        ("version", _SECOND.damaged(version=2), ErrorKind.UNKNOWN_VERSION),
    ):
        log = Log.of(_FIRST, tail=tail)
        wanted = error(kind, segment=1, offset=log.last.end)
        yield Case(
            at(fault=name),
            "the projection does not open on a structural error",
            ("KV-14", "REC-5"),
            log.given(),
            [step("open_kv", path=LOG_DIR, expect=wanted)],
            UNCHANGED,
            _KV,
        )
    sealed = Log((Segment(1, (_FIRST,), _SECOND.data[:-1]), Segment(2)))
    yield Case(
        at(fault="torn-sealed"),
        "the projection does not open on a torn sealed segment",
        ("KV-14", "REC-6"),
        sealed.given(),
        [step("open_kv", path=LOG_DIR, expect=error(ErrorKind.TRUNCATED, segment=1, offset=len(_FIRST)))],
        UNCHANGED,
        _KV,
    )
    empty = Log.of()
    yield Case(
        named("missing"),
        "the projection makes its directory and first segment",
        ("KV-14", "WRT-1", "WRT-2"),
        {},
        [step("open_kv", path="a/b/log", expect=ok(report=empty.report(), len=0)), close()],
        files({"a/b/log/00000001.dwal": ""}),
        _KV,
    )


def _segments() -> Iterator[Case]:
    """More segments than may be kept open."""
    for count in (15, 16, 17, 40):
        numbers = range(1, count + 1)
        frames = {number: put(number, b"k%d" % number, b"v%d" % number) for number in numbers}
        log = Log(tuple(Segment(number, (frames[number],)) for number in numbers))
        live = {frame.key: frame.payload for frame in frames.values()}
        yield Case(
            at(segments=count),
            f"values in {count} segments, each got twice",
            ("KV-15", "KV-3"),
            log.given(),
            [opened(log, live), *looked_at(live), *looked_at(live), close()],
            UNCHANGED,
            _KV,
        )


def _sequence() -> Iterator[Case]:
    keys = (b"", _A, _B, b"ab", b"\0", b"\xff")
    for seed in range(1, 31):
        draw = random.Random(seed)  # noqa: S311 - reproducible, not secret
        log, live, steps = Log.of(), dict[bytes, bytes](), [opened(Log.of(), {})]
        for number in range(1, draw.randrange(6, 26)):
            key = keys[draw.randrange(len(keys))]
            if draw.randrange(3):
                content = bytes(draw.randrange(256) for _ in range(draw.randrange(5)))
                log = log.plus(put(number, key, content))
                live[key] = content
                steps.append(step("put", key=value(key), value=value(content), expect=ok()))
            else:
                log = log.plus(delete(number, key))
                live.pop(key, None)
                steps.append(step("delete", key=value(key), expect=ok()))
            if not draw.randrange(5):
                steps += [close(), opened(log, live)]
            if not draw.randrange(4):
                steps += looked_at(live)
        steps += [*looked_at(live, tuple(key for key in keys if key not in live)), close()]
        title = f"{len(steps)} operations drawn from seed {seed}"
        clauses = ("KV-1", "KV-2", "KV-3", "KV-10", "KV-11")
        yield Case(at(seed=seed), title, clauses, {}, steps, files(log.given()), _KV)


FAMILIES = (
    Family("kv.read", "What the projection finds in logs made by hand.", _read),
    Family("kv.ref", "References to values.", _refs),
    Family("kv.write", "The records that put and delete append.", _writes),
    Family("kv.damage", "Damage done after the open is an error, never a wrong value.", _damage),
    Family("kv.open", "Opening follows the rules of recovery and writing.", _opening),
    Family("kv.segments", "Values in many segments.", _segments),
    Family("kv.sequence", "Long sequences of operations.", _sequence),
)
