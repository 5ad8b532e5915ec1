"""Checks of errors, the one part of an answer that only shows when something is wrong: kinds and positions."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from datawal_conformance.doctor._finding import ADAPTER, EITHER, IMPLEMENTATION, Finding
from datawal_conformance.doctor._probes import OWN_CAPABILITY, Probe
from datawal_conformance.doctor._session import Session
from datawal_conformance.doctor._steps import ALPHA_FRAME, KV, LOG, READER, SEGMENT, Json, ok_step
from datawal_conformance.expectation import describe_error
from datawal_spec import FIRST_SEGMENT_ID, ErrorKind

_DAMAGED: Final[Json] = {SEGMENT: (ALPHA_FRAME + b"X" * 32).hex()}


def _failing(op: str, kind: ErrorKind, place: int | None = None, **members: Any) -> Json:
    where = {} if place is None else {"segment": FIRST_SEGMENT_ID, "offset": place}
    return {"op": op, **members, "expect": {"error": {"kind": kind, **where}}}


_BAD_MAGIC: Final = (ErrorKind.BAD_MAGIC, len(ALPHA_FRAME))
_PROVOKED: Final = (
    Probe((_failing("open_reader", ErrorKind.NOT_FOUND, path="log"),)),
    Probe((_failing("open_log", *_BAD_MAGIC, path="log"),), _DAMAGED),
    Probe((_failing("open_kv", *_BAD_MAGIC, path="log"),), _DAMAGED),
    Probe((READER, _failing("scan_iter", *_BAD_MAGIC)), _DAMAGED),
    Probe((LOG, {**_failing("open_log", ErrorKind.LOCKED, path="log"), "as": "second"})),
    Probe((KV, {**_failing("open_kv", ErrorKind.LOCKED, path="log"), "as": "second"})),
    Probe((LOG, ok_step("poison", reason="asked to"), _failing("append", ErrorKind.POISONED, payload="61"))),
)
"""Errors that are easy to provoke, each with the kind and the place it must name."""


def provoked_errors(session: Session, _handle: str, what: str) -> Iterator[Finding]:
    """Names what was wrong, and where."""
    if not session.capabilities & {"typed-errors", "error-positions"}:
        yield Finding(what, skipped="needs the capability typed-errors or error-positions")
        return
    if any(op.startswith("open_") for _handle, op in session.told):
        # An implementation that refuses sound logs gives no errors to judge the adapter by.
        yield Finding(what, skipped="sound logs are not opened as they should be")
        return
    provoked = list(_provoked(session))
    for expect, result in provoked:
        if "error" not in result:
            problem = f"expected error {expect['kind']}, found {json.dumps(result)[:200]}"
            yield Finding(f"refuses what it must with {expect['kind']}", problem, IMPLEMENTATION)
    errors = [(expect, result["error"]) for expect, result in provoked if "error" in result]
    if "typed-errors" in session.capabilities:
        yield _kinds(errors)
    if "error-positions" in session.capabilities:
        yield _places([(expect, found) for expect, found in errors if "offset" in expect])


def _provoked(session: Session) -> Iterator[tuple[Json, Json]]:
    """What each error must say, and the answer."""
    for probe in _PROVOKED:
        needed = {probe.handle, *(OWN_CAPABILITY.get(step["op"], probe.handle) for step in probe.steps)}
        told = {(probe.handle, step["op"]) for step in probe.steps} & session.told
        if needed <= session.capabilities and not told:
            *before, last = session.ask(probe.steps, session.fresh_dir(probe.given))
            if all("ok" in result for result in before):
                yield probe.steps[-1]["expect"]["error"], last


def _kinds(errors: Sequence[tuple[Json, Json]]) -> Finding:
    what = "names the kinds of errors"
    wrong = [(expect, found) for expect, found in errors if found["kind"] != expect["kind"]]
    others = [expect["kind"] for expect, found in wrong if found["kind"] == ErrorKind.OTHER]
    if others:
        whose = ADAPTER if len(others) == len(errors) else EITHER
        advice = "Map the implementation's errors to the kinds of PROTOCOL.md, or do not name typed-errors."
        return Finding(what, f"the kind is other where it should be {', '.join(dict.fromkeys(others))}", whose, advice)
    problems = [f"expected {expect['kind']}, found {describe_error(found)}" for expect, found in wrong]
    return Finding(what, "; ".join(problems), IMPLEMENTATION)


def _places(errors: Sequence[tuple[Json, Json]]) -> Finding:
    what = "says where damage is"
    for expect, found in errors:
        for member in ("segment", "offset"):
            if type(found.get(member)) is not int:
                advice = "Errors about a frame carry segment and offset as numbers, or do not name error-positions."
                return Finding(what, f"the error {found['kind']} has no {member}", ADAPTER, advice)
            if found[member] != expect[member]:
                problem = f"{member}: expected {expect[member]}, found {found[member]}"
                return Finding(what, problem, IMPLEMENTATION)
    return Finding(what)
