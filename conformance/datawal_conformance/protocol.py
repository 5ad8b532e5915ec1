"""The adapter protocol, version 1, as pure functions over lines. `PROTOCOL.md` tells it to adapter authors."""

import json
from dataclasses import dataclass
from typing import Any, Final

from datawal_conformance.case import Step
from datawal_conformance.errors import AnswerError, HelloError
from datawal_spec import ErrorKind

PROTOCOL_VERSION: Final = 1

MAX_LINE: Final = 16 * 1024 * 1024
"""Longest answer line in bytes."""

CAPABILITIES: Final = (
    "log",
    "reader",
    "kv",
    "compact",
    "export",
    "poison",
    "spawn",
    "typed-errors",
    "error-positions",
)
"""Every capability an adapter may name."""

ERROR_KINDS: Final = frozenset(kind.value for kind in ErrorKind)


@dataclass(frozen=True, slots=True)
class Hello:
    """What an adapter says of itself."""

    implementation: str
    version: str
    language: str
    capabilities: frozenset[str]


def hello_line() -> bytes:
    """The first line an adapter gets."""
    return _line({"hello": {"protocol": PROTOCOL_VERSION}})


def request_line(case_id: str, directory: str, requests: list[dict[str, Any]], *, more: bool) -> bytes:
    """One request: what is asked of the adapter for this case, in its directory; `more` when another follows."""
    request: dict[str, Any] = {"id": case_id, "dir": directory, "steps": requests}
    if more:
        request["more"] = True
    return _line(request)


def _reject_constant(text: str) -> float:
    msg = f"{text} is not JSON"
    raise ValueError(msg)


_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))
_DECODER: Final = json.JSONDecoder(parse_constant=_reject_constant)


def _line(message: dict[str, Any]) -> bytes:
    return _ENCODER.encode(message).encode() + b"\n"


def decode_line(line: bytes) -> dict[str, Any]:
    """Decode one line of an adapter; raises AnswerError when it is not a JSON object in UTF-8."""
    try:
        message = _DECODER.decode(line.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        msg = f"expected one JSON object a line, found {_quote(line)}: {_what_is_wrong(line, error)}"
        raise AnswerError(msg) from error
    if not isinstance(message, dict):
        msg = f"expected a JSON object, found {_quote(line)}"
        raise AnswerError(msg)
    return message


def _what_is_wrong(line: bytes, error: Exception) -> str:
    if not line.lstrip().startswith((b"{", b"[")):
        return "stdout is for answers only; whatever else there is to say belongs on stderr"
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON from character {error.pos + 1} on"
    return str(error)


def _quote(line: bytes) -> str:
    text = line[:80].decode("utf-8", "backslashreplace")
    return repr(text) + (f"... ({len(line)} bytes)" if len(line) > len(text) else "")


def parse_hello(message: dict[str, Any]) -> Hello:
    """Read the answer to hello; raises HelloError naming what is wrong with it."""
    hello = message.get("hello")
    if not isinstance(hello, dict):
        msg = f"expected an answer with a member 'hello', found members {sorted(message)[:8]}"
        raise HelloError(msg)
    if hello.get("protocol") != PROTOCOL_VERSION or isinstance(hello.get("protocol"), bool):
        msg = f"expected protocol {PROTOCOL_VERSION}, found {hello.get('protocol')!r}"
        raise HelloError(msg)
    texts = {}
    for name in ("implementation", "version", "language"):
        value = hello.get(name)
        if not isinstance(value, str) or not value:
            msg = f"expected a text in hello.{name}, found {value!r}"
            raise HelloError(msg)
        texts[name] = value[:200]
    named = hello.get("capabilities")
    if not isinstance(named, list) or not all(isinstance(item, str) for item in named):
        msg = f"expected a list of texts in hello.capabilities, found {str(named)[:80]}"
        raise HelloError(msg)
    unknown = sorted(set(named) - set(CAPABILITIES))
    if unknown:
        msg = f"unknown capabilities {unknown}; known are {list(CAPABILITIES)}"
        raise HelloError(msg)
    return Hello(texts["implementation"], texts["version"], texts["language"], frozenset(named))


def parse_results(message: dict[str, Any], steps: list[Step]) -> list[dict[str, Any]]:
    """Read the results of an answer whose id was recognised; raises AnswerError when they are malformed."""
    results = message.get("results")
    if not isinstance(results, list):
        msg = f"expected a list in 'results', found {type(results).__name__}"
        raise AnswerError(msg)
    if len(results) != len(steps):
        msg = f"expected {len(steps)} results, one for each step, found {len(results)}"
        raise AnswerError(msg)
    for step, result in zip(steps, results, strict=True):
        problem = _result_problem(result)
        if problem:
            msg = f"result of step {step.number} ({step.title}): {problem}"
            raise AnswerError(msg)
    return results


def _result_problem(result: Any) -> str | None:
    if not isinstance(result, dict):
        return f"expected an object, found {type(result).__name__}"
    named = [name for name in ("ok", "error", "unsupported") if name in result]
    if len(named) != 1:
        return f"expected exactly one of ok, error and unsupported, found {named or sorted(result)[:8]}"
    value = result[named[0]]
    if named == ["ok"]:
        return None if isinstance(value, dict) else f"expected an object in ok, found {type(value).__name__}"
    if named == ["unsupported"]:
        return None if value is True else "expected true in unsupported"
    return _error_problem(value)


def _error_problem(value: Any) -> str | None:
    if not isinstance(value, dict) or not isinstance(value.get("message"), str):
        return "expected an object with kind and message in error"
    if not isinstance(value.get("kind"), str) or value["kind"] not in ERROR_KINDS:
        return f"unknown error kind {str(value.get('kind'))[:40]!r}; known are {', '.join(sorted(ERROR_KINDS))}"
    return None
