"""What several variants of reading share: fields with another meaning, frames judged differently, other replays."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import datawal._frame
import datawal._recovery
import datawal.log
import datawal.store
import datawal_spec.judgement
import datawal_spec.layout
from datawal._recovery import Fault, Frame, RecoveryReport, Replay, Walk
from datawal_spec import CRC_LEN, HEADER_CODEC, HEADER_LEN, MAGIC, RULES, ErrorKind, Rule, judge, parse_header
from datawal_spec.layout import Header

_READING = (datawal._recovery, datawal_spec.judgement, datawal_spec.layout)
_WRITING = (datawal._frame, datawal.store)


def decoder(name: str, value: object) -> None:
    """Give a name of the specification another value wherever frames are read."""
    for module in _READING:
        if hasattr(module, name):
            setattr(module, name, value)


def everywhere(name: str, value: object) -> None:
    """The same wherever frames are read or written."""
    decoder(name, value)
    for module in _WRITING:
        if hasattr(module, name):
            setattr(module, name, value)


def _same(header: Header) -> Header:
    return header


class Codec:
    """The header's codec, with the fields changed on the way in and out, or another `struct` to lay them out."""

    def __init__(
        self,
        *,
        read: Callable[[Header], Header] = _same,
        write: Callable[[Header], Header] = _same,
        layout: Any = HEADER_CODEC,
    ) -> None:
        self._read, self._write, self._layout = read, write, layout

    def unpack_from(self, data: bytes, offset: int = 0) -> Header:
        return self._read(Header(*self._layout.unpack_from(data, offset)))

    def pack(self, *fields: Any) -> bytes:
        return self._layout.pack(*self._write(Header(*fields)))


def read_fields(read: Callable[[Header], Header]) -> None:
    """Let every decoder see the header that `read` makes of the one that is there."""
    decoder("HEADER_CODEC", Codec(read=read))


def rule_of(kind: ErrorKind) -> Rule:
    """The last rule of the order of judgement with this kind."""
    return next(rule for rule in reversed(RULES) if rule.kind is kind)


def forgive(test: Callable[[Rule], bool]) -> None:
    """Let those faults be tail damage for which `test` is true."""

    def judging(original: Callable[..., Fault]) -> Callable[..., Fault]:
        def fault(*found: Any) -> Fault:
            made = original(*found)
            return replace(made, rule=replace(made.rule, tail_damage=test(made.rule)))

        return fault

    for name in ("_header_fault", "_crc_fault"):
        setattr(datawal._recovery, name, judging(getattr(datawal._recovery, name)))


def walk(frames: Callable[..., Iterator[Frame]]) -> None:
    """Go through each segment with `frames(walk, payloads=...)`."""
    Walk.frames = frames


ORIGINAL_FRAMES = Walk.frames


def body(data: bytes, at: int, *, payloads: bool) -> Frame:
    """The sound frame at `at`."""
    header = parse_header(data, at)
    payload_at = at + HEADER_LEN + header.key_len
    crc_at = payload_at + header.payload_len
    payload = data[payload_at:crc_at] if payloads else b""
    return header.record_type, header.txid, data[at + HEADER_LEN : payload_at], payload, at, crc_at + CRC_LEN - at


def whole(self: Walk, behind: Callable[[bytes, int], int], *, payloads: bool, resync: bool = False) -> Iterator[Frame]:
    """A walk that reads its segment at once.

    `behind(data, end)` says where the frame behind one that ends at `end` starts. With `resync`, tail damage is
    noted, and the walk goes on at the next magic.
    """
    data = self._read(0, self._size)
    at, damage = 0, None
    while at < len(data):
        rule = judge(data, at)
        if rule is None:
            frame = body(data, at, payloads=payloads)
            yield frame
            at = behind(data, at + frame[-1])
        elif resync and rule.tail_damage:
            damage = damage or (at, Fault(rule, ""))
            at = data.find(MAGIC, at + 1) if MAGIC in data[at + 1 :] else len(data)
        else:
            self._stop(at, Fault(rule, ""))
            return
    self._stop(*damage) if damage else self._stop(len(data), None)


def replay(kind: type[Replay]) -> None:
    """Let logs, and every scan, go through their segments with this kind of replay."""
    datawal.log.Replay = kind


def report(change: Callable[[Replay, RecoveryReport], RecoveryReport]) -> None:
    """Let `change` have the last word on every report."""

    class Reported(Replay):
        def report(self) -> RecoveryReport:
            return change(self, super().report())

    replay(Reported)
