"""Asks for the operations of a capability, one request each, and tells each that is wrong once."""

from collections.abc import Iterator

from datawal_conformance.doctor._blame import blame, broken_off
from datawal_conformance.doctor._finding import EITHER, IMPLEMENTATION, Finding
from datawal_conformance.doctor._probes import OWN_CAPABILITY, PROBES, Probe
from datawal_conformance.doctor._session import Session
from datawal_conformance.doctor._steps import GIVEN
from datawal_conformance.errors import ProtocolError

_SOUND = "A sound frame was laid out for it. What goes wrong most is the checksum: CRC-32C, not CRC-32 (IEEE)."


def operations(session: Session, capability: str) -> Iterator[Finding]:
    """Ask for every operation of a capability, and tell each that is wrong once."""
    what = f"answers every operation of {capability}"
    seen: list[str] = []
    for probe in (probe for probe in PROBES if probe.capability == capability):
        if probe.handle not in session.capabilities:
            yield Finding(what, skipped=f"they need the capability {probe.handle} too")
            return
        if in_the_way := session.broken & {(probe.handle, step["op"]) for step in probe.steps}:
            seen += [op for _handle, op in in_the_way]
            continue
        op, wrong = _ask_for(session, probe)
        if wrong is not None:
            seen.append(op)
            if (probe.handle, op) not in session.told:
                session.told.add((probe.handle, op))
                yield wrong
    if not seen:
        yield Finding(what)
    elif not any(OWN_CAPABILITY.get(op, capability) == capability for op in seen):
        yield Finding(what, skipped=f"{seen[0]} comes first, and is marked")


def _ask_for(session: Session, probe: Probe) -> tuple[str, Finding | None]:
    """The operation of the probe that is not answered as it should be, and what is wrong with it."""
    try:
        results = session.ask(probe.steps, session.fresh_dir(probe.given))
    except ProtocolError as error:
        session.broken.add((probe.handle, probe.op))
        if len(probe.steps) == 1:
            session.shut.add(probe.handle)
        return probe.op, broken_off(_name(probe.handle, probe.op), error, session, EITHER)
    if "ok" not in results[0] and (not probe.given or probe.handle == "reader"):
        session.shut.add(probe.handle)
    for step, result in zip(probe.steps, results, strict=True):
        if (wrong := blame(step["expect"], result)) is not None:
            if wrong.whose == IMPLEMENTATION and probe.given == GIVEN:
                wrong = wrong._replace(advice=_SOUND)
            return step["op"], Finding(_name(probe.handle, step["op"]), *wrong)
    return probe.op, None


def _name(handle: str, op: str) -> str:
    return f"the operation {op} of capability {OWN_CAPABILITY.get(op, handle)}"
