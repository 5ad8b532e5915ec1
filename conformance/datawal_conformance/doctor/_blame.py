"""Whose matter it is: from a wrong answer, or from a conversation that broke, to what is to be mended and by whom.

A death or a silence may come from the implementation, a malformed line or answer cannot.
"""

import json
import re
from collections import Counter
from typing import Any, Final, NamedTuple

from datawal_conformance.doctor._finding import ADAPTER, EITHER, IMPLEMENTATION, Finding
from datawal_conformance.doctor._session import Session, StrayLineError
from datawal_conformance.doctor._steps import Json
from datawal_conformance.errors import AdapterDiedError, AdapterTimeoutError, ProtocolError
from datawal_conformance.expectation import describe_error, match_result
from datawal_conformance.values import is_digest, to_bytes
from datawal_spec import ErrorKind, RecordType

STDOUT = "stdout is for answers only, one JSON object a line; print everything else to stderr."
_FLUSH = "Answer each line at once, and flush behind the answer."
_CAUGHT = "Let nothing end the adapter: catch a panic and answer it as an error of kind other."
_FORM = "PROTOCOL.md shows the members of each answer and their form."
_IF_OWN = "If the adapter made this error itself (a panic it caught, a member it did not find), mend the adapter."
_WORDS: Final = tuple(kind.word for kind in RecordType)

MISSING: Final = object()
"""What stands where an answer has no such member."""


def for_a_stray_line(error: ProtocolError) -> str:
    """Advice against a line that is no answer, unless the error gives it already."""
    return "" if "stdout is for answers only" in str(error) else STDOUT


def broken_off(what: str, error: ProtocolError, session: Session, whose: str) -> Finding:
    """What a broken conversation says: a death may come from the implementation, a wrong line cannot."""
    session.lost = error
    if isinstance(error, StrayLineError):
        return Finding(what, str(error), advice=for_a_stray_line(error))
    if isinstance(error, AdapterDiedError):
        words = session.last_words
        return Finding(what, f"{error}; {words}" if words else str(error), whose, _CAUGHT)
    if isinstance(error, AdapterTimeoutError):
        return Finding(what, str(error), whose, _FLUSH if whose == ADAPTER else session.last_words)
    return Finding(what, str(error))


class Wrong(NamedTuple):
    """What is wrong with an answer, whose matter it is, and what may help."""

    problem: str
    whose: str
    advice: str = ""


def blame(expect: Json, result: Json) -> Wrong | None:
    """What is wrong with a result, whose matter it is and what may help; None when it is as expected."""
    mismatch = match_result(expect, result, frozenset())
    if mismatch is None:
        return None
    if "unsupported" in result:
        return Wrong(
            "it answers unsupported",
            ADAPTER,
            "Naming a capability promises all its operations: answer this one, or do not name the capability.",
        )
    if "error" in result and "ok" in expect:
        is_other = result["error"]["kind"] == ErrorKind.OTHER
        whose, advice = (EITHER, _IF_OWN) if is_other else (IMPLEMENTATION, "")
        return Wrong(f"expected ok, found error {describe_error(result['error'])}", whose, advice)
    if "ok" in result and "error" in expect:
        return Wrong(mismatch.text, IMPLEMENTATION)
    [word] = expect
    want, have = expect[word], result[word]
    path = mismatch.where.removeprefix("error.")
    whole = re.match(r"(keys|items)\[", path)
    if whole and Counter(map(json.dumps, want[whole[1]])) == Counter(map(json.dumps, have[whole[1]])):
        return Wrong(mismatch.text, EITHER, f"{whole[1]} are answered sorted by the bytes of the key.")
    return Wrong(mismatch.text, *_whose(path, value_at(want, path), value_at(have, path)))


def value_at(value: Any, path: str) -> Any:
    """What stands at a path such as `records[0].txid`."""
    for index, name in re.findall(r"\[(\d+)\]|(\w+)", path):
        if index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        elif name and isinstance(value, dict) and name in value:
            value = value[name]
        else:
            return MISSING
    return value


def _whose(path: str, expected: Any, found: Any) -> tuple[str, str]:
    """Whose matter it is that something else stands at a path of an answer, and advice."""
    if found is MISSING:
        return ADAPTER, _FORM
    if isinstance(expected, list) and found is None:
        return ADAPTER, "An empty list is answered as [], never as null."
    if type(expected) is int:
        return _whose_number(expected, found)
    if isinstance(expected, str) and found is not None:
        return _whose_text(path, found)
    if expected is None:
        return EITHER, "What is absent is answered as null."
    well_formed = type(expected) is type(found) or (found is None and path in {"value", "ref"})
    return (IMPLEMENTATION, "") if well_formed else (ADAPTER, _FORM)


def _whose_number(expected: int, found: Any) -> tuple[str, str]:
    big = expected > 1 << 53
    if type(found) is not int or (big and float(found) == float(expected)):
        advice = "Numbers are answered as JSON integers up to 2^64-1."
        return ADAPTER, f"{advice} Do not let a JSON library make floats of them." if big else advice
    if big and found % (1 << 64) == expected:
        return EITHER, "Numbers go up to 2^64-1: a signed type does not hold them."
    return IMPLEMENTATION, ""


def _whose_text(path: str, found: Any) -> tuple[str, str]:
    if path.endswith("type"):
        return (IMPLEMENTATION, "") if found in _WORDS else (ADAPTER, f"A record's type is {', '.join(_WORDS)}.")
    try:
        to_bytes(found if isinstance(found, str) else None)
    except ValueError:
        return (IMPLEMENTATION, "") if is_digest(found) else (ADAPTER, "Bytes are lower-case hex digits, not base64.")
    return IMPLEMENTATION, ""
