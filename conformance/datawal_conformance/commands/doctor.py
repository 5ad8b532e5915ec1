"""`doctor`: walk through the protocol with an adapter and say what it does wrong, apart from the implementation."""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from datawal_conformance.adapter import AdapterProcess
from datawal_conformance.case import Step
from datawal_conformance.commands._context import Context
from datawal_conformance.errors import ProtocolError, UsageError
from datawal_conformance.exitcodes import ExitCode
from datawal_conformance.protocol import decode_line, parse_results
from datawal_conformance.terminal import Paint, harmless, wants_colour
from datawal_conformance.values import digest
from datawal_spec import FIRST_SEGMENT_ID, RecordType, build_frame, segment_name

NAME = "doctor"
HELP = "walk through the protocol with an adapter and say what it does wrong"

_LEAVE_SECONDS = 5.0
_BIG_TXID = 2**63 + 1
_LONG = 70_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.usage = "%(prog)s [--timeout SECONDS] -- ADAPTER [ARG...]"
    parser.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="longest silence (default 10)")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what, whose matter it is, and what is wrong with it (nothing when all is well)."""

    what: str
    problem: str = ""
    whose: str = "adapter"
    advice: str = ""
    skipped: str = ""


class _Session:
    """One adapter process, asked one request at a time."""

    def __init__(self, command: Sequence[str], timeout: float, root: Path) -> None:
        self.process = AdapterProcess(command)
        self.timeout = timeout
        self.root = root
        self._requests = 0

    def fresh_dir(self) -> Path:
        self._requests += 1
        directory = self.root / str(self._requests)
        directory.mkdir()
        return directory

    def ask(
        self, steps: Sequence[dict[str, Any]], *, directory: Path, case_id: str = "doctor", more: bool = False
    ) -> list[dict[str, Any]]:
        """Send one request and return its results; raises a ProtocolError on anything malformed."""
        self.send(steps, directory=directory, case_id=case_id, more=more)
        [answer] = self.receive(1)
        if answer.get("id") != case_id:
            msg = f"expected the id {case_id!r} in the answer, found {answer.get('id')!r}"
            raise ProtocolError(msg)
        numbered = [Step(number, "main", step, None, None) for number, step in enumerate(steps, 1)]
        return parse_results(answer, numbered)

    def send(self, steps: Sequence[dict[str, Any]], *, directory: Path, case_id: str, more: bool) -> None:
        request = {"id": case_id, "dir": str(directory), "steps": list(steps), **({"more": True} if more else {})}
        self.process.send(json.dumps(request).encode() + b"\n")

    def receive(self, count: int) -> list[dict[str, Any]]:
        lines: list[bytes] = []
        deadline = time.monotonic() + self.timeout
        while len(lines) < count:
            lines += self.process.receive(deadline)
        if len(lines) > count:
            msg = f"expected {count} answers, found {len(lines)}; the next is {lines[count][:80]!r}"
            raise ProtocolError(msg)
        return [decode_line(line) for line in lines]


def execute(context: Context) -> ExitCode:
    """Print a line for everything looked at; exit 3 when the adapter is wrong, 1 when the implementation is."""
    if not context.adapter:
        msg = "doctor needs the adapter's command behind --"
        raise UsageError(msg)
    paint = Paint(enabled=wants_colour(context.out))
    worst = ExitCode.CONFORMANT
    with tempfile.TemporaryDirectory(prefix="datawal-doctor-") as root:
        for finding in _examine(context.adapter, context.arguments.timeout, Path(root)):
            if finding.skipped:
                context.say(f"{paint('skip ', 'dim')} {finding.what}: {finding.skipped}")
            elif not finding.problem:
                context.say(f"{paint('ok   ', 'green')} {finding.what}")
            else:
                context.say(f"{paint('WRONG', 'red', 'bold')} {finding.what} ({finding.whose})")
                context.say(f"      {harmless(finding.problem)}")
                if finding.advice:
                    context.say(f"      {finding.advice}")
                code = ExitCode.ADAPTER_BROKEN if finding.whose == "adapter" else ExitCode.NOT_CONFORMANT
                worst = max(worst, code)
    context.say()
    context.say(
        {
            ExitCode.CONFORMANT: "The adapter speaks the protocol. Next: datawal-conformance run -- ...",
            ExitCode.NOT_CONFORMANT: "The adapter speaks the protocol; the implementation is wrong where marked.",
            ExitCode.ADAPTER_BROKEN: "Mend the adapter first; PROTOCOL.md says how each answer should look.",
        }[worst]
    )
    return worst


def _examine(command: Sequence[str], timeout: float, root: Path) -> Iterator[Finding]:
    try:
        session = _Session(command, timeout, root)
    except ProtocolError as error:
        yield Finding("starts", str(error), advice="Give the command as you would type it, without quotes around it.")
        return
    with session.process:
        yield Finding("starts")
        try:
            hello = session.process.greet(timeout)
        except ProtocolError as error:
            tail = f"; stderr ends: {error.stderr.splitlines()[-1]}" if error.stderr else ""
            yield Finding("answers hello", str(error) + tail, advice="Answer the first line at once, and flush.")
            return
        named = ", ".join(sorted(hello.capabilities)) or "no capability yet"
        yield Finding(f"answers hello: {hello.implementation} {hello.version}, {named}")
        for check, needs_log in _CHECKS:
            what = (check.__doc__ or "").rstrip(".")
            if needs_log and "log" not in hello.capabilities:
                yield Finding(what, skipped="needs the capability log")
                continue
            try:
                yield from check(session)
            except ProtocolError as error:
                yield Finding(what, str(error), advice=_last_words(session.process))
                return
        yield from _leaving(session)


def _last_words(process: AdapterProcess) -> str:
    lines = process.stderr_tail.splitlines()
    return f"stderr ends: {harmless(lines[-1], 200)}" if lines else ""


def _unknown_operation(session: _Session) -> Iterator[Finding]:
    """Refuses an unknown operation."""
    [result] = session.ask([{"op": "no-such-operation", "on": "main"}], directory=session.fresh_dir())
    problem = "" if result == {"unsupported": True} else f"expected unsupported, found {json.dumps(result)[:100]}"
    yield Finding("says unsupported to an unknown operation", problem)


def _unopened_handle(session: _Session) -> Iterator[Finding]:
    """Survives a step on a handle that was never opened."""
    what = "answers an error for a handle that was never opened, and goes on"
    first, second = session.ask([{"op": "scan"}, {"op": "no-such-operation"}], directory=session.fresh_dir())
    problem = "" if "error" in first else f"expected an error, found {json.dumps(first)[:100]}"
    if "unsupported" not in second:
        problem = problem or "the step behind the failed one was not done"
    yield Finding(what, problem)


def _several_in_flight(session: _Session) -> Iterator[Finding]:
    """Answers several requests that arrive at once."""
    ids = [f"doctor.{number}" for number in range(8)]
    for case_id in ids:
        session.send([{"op": "no-such-operation"}], directory=session.fresh_dir(), case_id=case_id, more=False)
    answers = [answer.get("id") for answer in session.receive(len(ids))]
    problem = "" if sorted(map(str, answers)) == ids else f"expected the ids {ids}, found {answers}"
    yield Finding("answers several requests at once, each with its id", problem)


def _round_trip(session: _Session) -> Iterator[Finding]:
    """Appends a record and finds it again."""
    what = "appends a record and scans it"
    directory = session.fresh_dir()
    steps: list[dict[str, Any]] = [
        {"op": "open_log", "path": "log", "as": "a", "unknown-member": 1},
        {"op": "append", "on": "a", "payload": [{"fill": "616c", "len": 4}, "706861"]},
        {"op": "scan", "on": "a"},
        {"op": "close", "on": "a"},
    ]
    opened, appended, scanned, closed = session.ask(steps, directory=directory)
    for name, result in (("open_log", opened), ("append", appended), ("scan", scanned), ("close", closed)):
        if "ok" not in result:
            yield Finding(what, f"{name} answered {json.dumps(result)[:200]}")
            return
    missing = [name for name in ("report", "active_segment") if name not in opened["ok"]]
    yield Finding("answers open_log in full", f"members missing: {missing}" if missing else "")
    record = {"type": "raw", "txid": 1, "key": "", "payload": "616c616c706861"}
    frame = build_frame(RecordType.RAW, 1, b"", b"alalpha")
    record |= {"segment": FIRST_SEGMENT_ID, "offset": 0, "len": len(frame)}
    found = scanned["ok"].get("records")
    problem = "" if found == [record] else f"expected {[record]}, found {json.dumps(found)[:300]}"
    yield Finding(what, problem, advice="Compare member by member; payloads are lower-case hex." if problem else "")
    path = directory / "log" / segment_name(FIRST_SEGMENT_ID)
    written = path.read_bytes() if path.is_file() else b""
    problem = (
        "" if written == frame else f"expected {frame.hex()} in {path.name}, found {written[:64].hex() or 'nothing'}"
    )
    yield Finding("writes the bytes of the format", problem, whose="implementation")


def _handles(session: _Session) -> Iterator[Finding]:
    """Keeps handles while more requests follow, and closes them after the last."""
    what = "keeps handles while a request says more, and closes them after the last"
    directory = session.fresh_dir()
    session.ask([{"op": "open_log", "path": "log"}], directory=directory, case_id="doctor.more", more=True)
    session.ask([{"op": "scan"}], directory=session.fresh_dir(), case_id="doctor.other")
    [kept] = session.ask([{"op": "active_segment"}], directory=directory, case_id="doctor.more")
    problem = "" if "ok" in kept else f"the handle was gone: {json.dumps(kept)[:200]}"
    [again] = session.ask([{"op": "open_log", "path": "log"}], directory=directory, case_id="doctor.again")
    if "ok" not in again:
        problem = problem or f"the handle was still open afterwards: {json.dumps(again)[:200]}"
    yield Finding(what, problem)


def _numbers(session: _Session) -> Iterator[Finding]:
    """Carries numbers above 2^53 exactly."""
    what = "carries numbers above 2^53 exactly"
    directory = session.fresh_dir()
    (directory / "log").mkdir()
    frame = build_frame(RecordType.RAW, _BIG_TXID, b"", b"x")
    (directory / "log" / segment_name(FIRST_SEGMENT_ID)).write_bytes(frame)
    [result] = session.ask([{"op": "open_log", "path": "log"}], directory=directory)
    found = result.get("ok", {}).get("report", {}).get("last_txid_seen")
    right = type(found) is int and found == _BIG_TXID
    problem = "" if right else f"expected last_txid_seen {_BIG_TXID}, found {json.dumps(result)[:200]}"
    yield Finding(what, problem, advice="Do not let a JSON library make floats of them." if problem else "")


def _long(session: _Session) -> Iterator[Finding]:
    """Answers long values as a digest."""
    what = "answers a value above 65,536 bytes as length and CRC-32C"
    steps: list[dict[str, Any]] = [
        {"op": "open_log", "path": "log"},
        {"op": "append", "payload": {"fill": "61", "len": _LONG}},
        {"op": "scan"},
    ]
    scanned = session.ask(steps, directory=session.fresh_dir())[2]
    records = scanned.get("ok", {}).get("records") or [{}]
    found = records[0].get("payload")
    expected = digest(b"a" * _LONG)
    problem = "" if found == expected else f"expected {json.dumps(expected)}, found {json.dumps(found)[:100]}"
    yield Finding(what, problem)


_CHECKS: Final[tuple[tuple[Callable[[_Session], Iterator[Finding]], bool], ...]] = (
    (_unknown_operation, False),
    (_unopened_handle, True),
    (_several_in_flight, False),
    (_round_trip, True),
    (_handles, True),
    (_numbers, True),
    (_long, True),
)
"""The checks in order, each with whether it needs the capability log; a docstring names what a check looks at."""


def _leaving(session: _Session) -> Iterator[Finding]:
    try:
        stray = session.process.finish(_LEAVE_SECONDS)
    except ProtocolError as error:
        yield Finding("leaves when its stdin ends", str(error))
        return
    yield Finding("leaves when its stdin ends", f"but wrote {stray[0][:80]!r} unasked" if stray else "")
