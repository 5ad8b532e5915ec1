"""Compare what an adapter answered with what a case states.

Objects in an answer may hold more than the case names; lists may not. Numbers are integers: neither `true` nor
`1.0` is 1. Bytes may be answered as a digest.
"""

import re
from typing import Any

from datawal_conformance.mismatch import Mismatch, shorten, show_hex
from datawal_conformance.values import digest, is_digest, to_bytes

POSITION_MEMBERS = ("segment", "offset")


def match_result(
    expect: dict[str, Any] | None, result: dict[str, Any], capabilities: frozenset[str]
) -> Mismatch | None:
    """Compare one step's answer with its expectation (no `one_of`); None when it agrees."""
    if "unsupported" in result:
        return Mismatch("answer", "an answer, since the capability was declared", "unsupported")
    if expect is None:
        return None
    if "ok" in expect:
        if "ok" not in result:
            return Mismatch("answer", "ok", f"error {describe_error(result['error'])}")
        return _match(expect["ok"], result["ok"], "")
    if "error" not in result:
        return Mismatch("answer", f"error {_wanted_error(expect['error'])}", f"ok {shorten(_compact(result['ok']))}")
    return _match_error(expect["error"], result["error"], capabilities)


def describe_error(error: dict[str, Any]) -> str:
    """An answered error in one line."""
    return f"{error['kind']}: {shorten(error['message'])}"


def _wanted_error(expect: dict[str, Any]) -> str:
    kinds = expect.get("kind", "of any kind")
    return " or ".join(kinds) if isinstance(kinds, list) else str(kinds)


def _match_error(expect: dict[str, Any], error: dict[str, Any], capabilities: frozenset[str]) -> Mismatch | None:
    kinds = expect.get("kind")
    if kinds is not None and "typed-errors" in capabilities:
        allowed = kinds if isinstance(kinds, list) else [kinds]
        if error["kind"] not in allowed:
            return Mismatch("error.kind", " or ".join(allowed), describe_error(error))
    if "error-positions" in capabilities:
        for member in POSITION_MEMBERS:
            if member in expect and (difference := _match(expect[member], error.get(member), f"error.{member}")):
                return difference
    pattern = expect.get("message")
    if pattern is not None and not re.search(pattern, error["message"]):
        return Mismatch("error.message", f"a message that matches {pattern!r}", shorten(error["message"]))
    if "records" in expect:
        return _match(expect["records"], error.get("records"), "error.records")
    return None


def _agrees(expected: Any, found: Any) -> bool:
    """Whether an answer agrees as it is written: quick, and silent about what differs."""
    kind = type(expected)
    if kind is not type(found):
        return False
    if kind is dict:
        for name, value in expected.items():
            if name not in found or not _agrees(value, found[name]):
                return False
        return not is_digest(found)
    if kind is list:
        return len(expected) == len(found) and all(map(_agrees, expected, found))
    return bool(expected == found)


def _match(expected: Any, found: Any, where: str) -> Mismatch | None:
    return None if _agrees(expected, found) else _explain(expected, found, where)


def _explain(expected: Any, found: Any, where: str) -> Mismatch | None:
    if isinstance(expected, dict) and isinstance(found, dict) and not is_digest(found):
        return _match_object(expected, found, where)
    if isinstance(expected, list) and isinstance(found, list):
        return _match_list(expected, found, where)
    if is_digest(found) or (isinstance(found, str) and isinstance(expected, (dict, list)) and expected):
        return _match_bytes(expected, found, where)
    if isinstance(expected, str) and isinstance(found, str):
        return _strings_differ(expected, found, where)
    return Mismatch(where or "answer", shorten(_compact(expected)), shorten(_compact(found)))


def _match_object(expected: dict[str, Any], found: dict[str, Any], where: str) -> Mismatch | None:
    for name, value in expected.items():
        inner = f"{where}.{name}" if where else name
        if name not in found:
            return Mismatch(inner, shorten(_compact(value)), "no such member")
        if (difference := _match(value, found[name], inner)) is not None:
            return difference
    return None


def _match_list(expected: list[Any], found: list[Any], where: str) -> Mismatch | None:
    for index, (want, have) in enumerate(zip(expected, found, strict=False)):
        if (difference := _match(want, have, f"{where}[{index}]")) is not None:
            return difference
    if len(expected) == len(found):
        return None
    if len(expected) > len(found):
        missing = shorten(_compact(expected[len(found)]))
        return Mismatch(
            where, f"{len(expected)} entries", f"{len(found)}; missing from {where}[{len(found)}]: {missing}"
        )
    extra = shorten(_compact(found[len(expected)]))
    return Mismatch(where, f"{len(expected)} entries", f"{len(found)}; too many from {where}[{len(expected)}]: {extra}")


def _match_bytes(expected: Any, found: Any, where: str) -> Mismatch | None:
    try:
        want = to_bytes(expected)
    except ValueError:
        return Mismatch(where, shorten(_compact(expected)), shorten(_compact(found)))
    if is_digest(found):
        wanted = digest(want)
        agree = wanted == found and type(found["len"]) is int
        return None if agree else Mismatch(where, _compact(wanted), shorten(_compact(found)))
    return None if found == want.hex() else _strings_differ(want.hex(), str(found), where)


def _strings_differ(expected: str, found: str, where: str) -> Mismatch:
    if max(len(expected), len(found)) <= 2 * _AROUND:
        return Mismatch(where, _show_text(expected), _show_text(found))
    at = next(
        (i for i, (a, b) in enumerate(zip(expected, found, strict=False)) if a != b),
        min(len(expected), len(found)),
    )
    # Cut at an even place, so that hex stays whole bytes.
    start = max(0, at - _AROUND // 2) // 2 * 2
    return Mismatch(
        where,
        f"{_piece(expected, start)} ({len(expected)} characters)",
        f"{_piece(found, start)} ({len(found)} characters, the first difference at {at})",
    )


_AROUND = 40
_HEX = re.compile("(?:[0-9a-f]{2})+")


def _piece(text: str, start: int) -> str:
    end = start + _AROUND + _AROUND // 2
    return f"{'...' if start else ''}{_show_text(text[start:end])}{'...' if end < len(text) else ''}"


def _show_text(text: str) -> str:
    """A text of an answer: bytes as hex with what they spell, anything else quoted."""
    return show_hex(text) if not text or _HEX.fullmatch(text) else repr(text)


_MOST_ENTRIES = 3


def _compact(value: Any) -> str:
    if isinstance(value, dict):
        if is_digest(value):
            return f"{value['len']} bytes with CRC-32C {value['crc32c']}"
        return "{" + ", ".join(f"{name}: {_compact(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        entries = [_compact(inner) for inner in value[:_MOST_ENTRIES]]
        if len(value) > _MOST_ENTRIES:
            entries.append(f"... {len(value) - _MOST_ENTRIES} more")
        return "[" + ", ".join(entries) + "]"
    if value is None or isinstance(value, bool):
        return {True: "true", False: "false", None: "null"}[value]
    return _compact_text(value) if isinstance(value, str) else str(value)


def _compact_text(text: str) -> str:
    return show_hex(text) if not text or _HEX.fullmatch(text) else text
