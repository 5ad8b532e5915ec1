"""Checks of the adapter alone: nothing here reaches an implementation.

The docstring of a check says what its finding is about, and becomes part of it when the conversation breaks.
"""

import json
from collections.abc import Iterator

from datawal_conformance.doctor._blame import STDOUT
from datawal_conformance.doctor._finding import Finding
from datawal_conformance.doctor._probes import LOOKS
from datawal_conformance.doctor._session import Session
from datawal_conformance.doctor._steps import UNKNOWN
from datawal_conformance.errors import ProtocolError

_LEAVE_SECONDS = 5.0


def unknown_operation(session: Session) -> Iterator[Finding]:
    """Says unsupported to an unknown operation."""
    [result] = session.ask([UNKNOWN])
    problem = "" if result == {"unsupported": True} else f"expected unsupported, found {json.dumps(result)[:100]}"
    yield Finding("says unsupported to an unknown operation", problem)


def unopened_handle(session: Session) -> Iterator[Finding]:
    """Answers an error for a handle that was never opened, and goes on."""
    what = "answers an error for a handle that was never opened, and goes on"
    claimed = [look for capability, look in LOOKS.items() if capability in session.capabilities]
    if not claimed:
        yield Finding(what, skipped="needs the capability log, kv or reader")
        return
    first, second = session.ask([{"op": claimed[0]}, UNKNOWN])
    problem = "" if "error" in first else f"expected an error, found {json.dumps(first)[:100]}"
    if "unsupported" not in second:
        problem = problem or "the step behind the failed one was not done"
    yield Finding(what, problem)


def several_in_flight(session: Session) -> Iterator[Finding]:
    """Answers several requests at once, each with its id."""
    ids = [f"doctor.{number}" for number in range(8)]
    for case_id in ids:
        session.send([UNKNOWN], session.fresh_dir(), case_id, more=False)
    session.receive(ids)
    yield Finding("answers several requests at once, each with its id")


def leaving(session: Session) -> Iterator[Finding]:
    """Leaves when its stdin ends."""
    what = "leaves when its stdin ends"
    session.recover()
    try:
        stray = session.process.finish(_LEAVE_SECONDS)
    except ProtocolError as error:
        yield Finding(what, str(error))
        return
    problem = f"but wrote {stray[0][:80].decode(errors='replace')!r} unasked" if stray else ""
    yield Finding(what, problem, advice=STDOUT if stray else "")
