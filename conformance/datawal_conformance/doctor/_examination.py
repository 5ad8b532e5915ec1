"""The examination from the start of the adapter to its end, as far as it can be taken."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from datawal_conformance.doctor._blame import broken_off
from datawal_conformance.doctor._checks import big_numbers, kept_handles, long_values, written_bytes
from datawal_conformance.doctor._errors import provoked_errors
from datawal_conformance.doctor._finding import ADAPTER, EITHER, Finding
from datawal_conformance.doctor._greeting import how_to_greet, how_to_start
from datawal_conformance.doctor._manners import leaving, several_in_flight, unknown_operation, unopened_handle
from datawal_conformance.doctor._operations import operations
from datawal_conformance.doctor._probes import LOOKS, PROBES
from datawal_conformance.doctor._session import GaveUpError, Session
from datawal_conformance.errors import AdapterStartError, ProtocolError
from datawal_conformance.protocol import CAPABILITIES


def examine(command: Sequence[str], timeout: float, root: Path) -> Iterator[Finding]:
    """Yield a finding for everything looked at, as it is found.

    `timeout` is the longest silence in seconds, `root` an empty directory for what the requests lay out and write.
    """
    try:
        session = Session(command, timeout, root)
    except AdapterStartError as error:
        yield Finding("starts", str(error), advice=how_to_start(command[0], error))
        return
    with session:
        yield Finding("starts")
        try:
            hello = session.process.greet(timeout)
        except ProtocolError as error:
            words = f"; {session.last_words}" if error.stderr else ""
            yield Finding("answers hello", str(error) + words, advice=how_to_greet(error))
            return
        session.capabilities = hello.capabilities
        named = ", ".join(sorted(hello.capabilities)) or "no capability yet"
        yield Finding(f"answers hello: {hello.implementation} {hello.version}, {named}")
        for check in (unknown_operation, unopened_handle, several_in_flight):
            try:
                yield from check(session)
            except ProtocolError as error:
                yield broken_off(_title(check.__doc__), error, session, ADAPTER)
                return
        try:
            yield from _with_an_implementation(session)
            yield from leaving(session)
        except GaveUpError as error:
            yield Finding("the rest", skipped=str(error))
        except ProtocolError as error:
            yield broken_off("goes on", error, session, EITHER)


def _with_an_implementation(session: Session) -> Iterator[Finding]:
    claimed = session.capabilities
    for capability in CAPABILITIES:
        if capability in claimed and any(probe.capability == capability for probe in PROBES):
            yield from operations(session, capability)
    if others := [name for name in CAPABILITIES if name not in claimed]:
        yield Finding("not claimed", skipped=f"{', '.join(others)}; cases that need them count neither way")
    openable = [name for name in LOOKS if name in claimed and name not in session.shut]
    nothing = "nothing opens" if claimed & LOOKS.keys() else "needs the capability log, kv or reader"
    for check in (kept_handles, big_numbers, long_values, written_bytes, provoked_errors):
        what = _title(check.__doc__)
        if not openable:
            yield Finding(what, skipped=nothing)
            continue
        try:
            yield from check(session, openable[0], what)
        except ProtocolError as error:
            yield broken_off(what, error, session, EITHER)


def _title(docstring: str | None) -> str:
    """What a check looks at, from its docstring."""
    text = (docstring or "").rstrip(".")
    return text[:1].lower() + text[1:]
