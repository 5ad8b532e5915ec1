"""`doctor`: walk through the protocol with an adapter and say what it does wrong, apart from the implementation.

Strategy: every operation of every claimed capability is asked for in a request of its own, so that a death, a silence
or a stray line has a name. Whose matter a wrong answer is follows from its form: what the protocol does not allow is
the adapter's, what is well formed and says the wrong thing is the implementation's.
"""

import argparse
import binascii
import json
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, Self, TypeAlias

from datawal_conformance.adapter import AdapterProcess
from datawal_conformance.case import Step
from datawal_conformance.commands._context import Context
from datawal_conformance.diagnosis import recognise
from datawal_conformance.errors import (
    AdapterDiedError,
    AdapterStartError,
    AdapterTimeoutError,
    AnswerError,
    ProtocolError,
    UsageError,
)
from datawal_conformance.exitcodes import ExitCode
from datawal_conformance.expectation import describe_error, match_result
from datawal_conformance.mismatch import files_differ
from datawal_conformance.protocol import CAPABILITIES, decode_line, parse_results
from datawal_conformance.sandbox import Entry, Sandbox
from datawal_conformance.terminal import Paint, harmless, wants_colour
from datawal_conformance.values import digest, is_digest, to_bytes
from datawal_spec import FIRST_SEGMENT_ID, ErrorKind, RecordType, build_frame, segment_name

NAME = "doctor"
HELP = "walk through the protocol with an adapter and say what it does wrong"

Json: TypeAlias = dict[str, Any]

ADAPTER: Final = "adapter"
IMPLEMENTATION: Final = "implementation"
EITHER: Final = "adapter or implementation"

_LEAVE_SECONDS = 5.0
_MOST_SILENCES = 3
"""How often to wait in vain for an answer before giving up."""

_STDOUT = "stdout is for answers only, one JSON object a line; print everything else to stderr."
_FLUSH = "Answer each line at once, and flush behind the answer."
_CAUGHT = "Let nothing end the adapter: catch a panic and answer it as an error of kind other."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.usage = "%(prog)s [--timeout SECONDS] -- ADAPTER [ARG...]"
    parser.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="longest silence (default 10)")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what, whose matter it is, and what is wrong with it (nothing when all is well)."""

    what: str
    problem: str = ""
    whose: str = ADAPTER
    advice: str = ""
    skipped: str = ""


def execute(context: Context) -> ExitCode:
    """Print a line for everything looked at; exit 3 when the adapter is wrong, 1 when the implementation may be."""
    if not context.adapter:
        msg = "doctor needs the adapter's command behind --"
        raise UsageError(msg)
    paint = Paint(enabled=wants_colour(context.out))
    blamed: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="datawal-doctor-") as root:
        for finding in _examine(context.adapter, context.arguments.timeout, Path(root)):
            if finding.skipped:
                context.say(f"{paint('skip ', 'dim')} {finding.what}: {harmless(finding.skipped)}")
            elif not finding.problem:
                context.say(f"{paint('ok   ', 'green')} {finding.what}")
            else:
                context.say(f"{paint('WRONG', 'red', 'bold')} {finding.what} ({finding.whose})")
                context.say(f"      {harmless(finding.problem)}")
                if finding.advice:
                    context.say(f"      {harmless(finding.advice)}")
                blamed.add(finding.whose)
    context.say()
    for whose, (code, sentence) in _CONCLUSIONS.items():
        if whose in blamed:
            context.say(sentence)
            return code
    context.say("The adapter speaks the protocol. Next: datawal-conformance run -- ...")
    return ExitCode.CONFORMANT


_CONCLUSIONS: Final = {
    ADAPTER: (
        ExitCode.ADAPTER_BROKEN,
        "Mend the adapter first; conformance/PROTOCOL.md says how each answer should look.",
    ),
    EITHER: (
        ExitCode.NOT_CONFORMANT,
        "Nothing is certainly the adapter's fault: mend what is marked, in the implementation or where it is called.",
    ),
    IMPLEMENTATION: (
        ExitCode.NOT_CONFORMANT,
        "The adapter speaks the protocol; the implementation is wrong where marked.",
    ),
}
"""What it comes to, by whose matter the findings are; the first that fits."""


class _StrayLineError(AnswerError):
    """The adapter wrote a line that is no answer, or not the one that is due."""


class _GaveUpError(Exception):
    """The adapter was silent too often, or did not come up again. No ProtocolError: no operation is to be blamed."""


class _Session:
    """A conversation with an adapter, which is started again when it broke.

    `told` and `broken` are operations, each with the capability of its handle: those found wrong so far, and those that
    ended the conversation. `shut` are handles that could not be had at all.
    """

    def __init__(self, command: Sequence[str], timeout: float, root: Path) -> None:
        self.capabilities: frozenset[str] = frozenset()
        self.told: set[tuple[str, str]] = set()
        self.broken: set[tuple[str, str]] = set()
        self.shut: set[str] = set()
        self._command, self._timeout, self._root = command, timeout, root
        self.lost: ProtocolError | None = None
        """What ended the conversation, until there is a new one."""
        self._dirs = self._silences = 0
        self.process = AdapterProcess(command)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.process.end()

    def recover(self) -> None:
        """Put a fresh process in the place of one that broke; raises _GaveUpError when that is of no use."""
        if self.lost is None:
            return
        self._silences += isinstance(self.lost, AdapterTimeoutError)
        if self._silences >= _MOST_SILENCES:
            msg = f"no answer came {self._silences} times; mend what is marked first"
            raise _GaveUpError(msg)
        self.lost = None
        self.process.end()
        try:
            self.process = AdapterProcess(self._command)
            self.process.greet(self._timeout)
        except ProtocolError as error:
            msg = f"the adapter did not come up again: {error}"
            raise _GaveUpError(msg) from error

    def fresh_dir(self, given: Json | None = None) -> Path:
        """A directory for one request, with these files."""
        self._dirs += 1
        directory = self._root / str(self._dirs)
        Sandbox(str(directory), given or {})
        return directory

    def ask(
        self, steps: Sequence[Json], directory: Path | None = None, *, case_id: str = "doctor", more: bool = False
    ) -> list[Json]:
        """Send one request and return its results; raises a ProtocolError on anything malformed.

        Another request follows at once, so that a line the adapter writes behind its answer is seen here.
        """
        self.recover()
        self.send(steps, directory or self.fresh_dir(), case_id, more=more)
        self.send([_UNKNOWN], self.fresh_dir(), "doctor.behind", more=False)
        answer = self.receive([case_id, "doctor.behind"])[case_id]
        return parse_results(answer, [Step(number, "main", step, None, None) for number, step in enumerate(steps, 1)])

    def send(self, steps: Sequence[Json], directory: Path, case_id: str, *, more: bool) -> None:
        """Send one request, without what its steps expect."""
        bare = [{name: value for name, value in step.items() if name != "expect"} for step in steps]
        request = {"id": case_id, "dir": str(directory), "steps": bare, **({"more": True} if more else {})}
        self.process.send(json.dumps(request).encode() + b"\n")

    def receive(self, ids: Sequence[str]) -> dict[str, Json]:
        """The answers to these requests, in whatever order."""
        answers: dict[str, Json] = {}
        deadline = time.monotonic() + self._timeout
        while len(answers) < len(ids):
            for line in self.process.receive(deadline):
                try:
                    answer = decode_line(line)
                except AnswerError as error:
                    raise _StrayLineError(str(error)) from error
                name = str(answer.get("id"))
                if name not in ids or name in answers:
                    msg = f"expected one answer with the id {ids[0]!r}, found {line[:100].decode(errors='replace')}"
                    raise _StrayLineError(msg)
                answers[name] = answer
        return answers

    @property
    def last_words(self) -> str:
        """What tells most of stderr: the beginning of a panic, in some languages two lines long, else the last line."""
        lines = self.process.stderr_tail.splitlines()
        for number, line in enumerate(lines):
            if re.match(r"panic: |fatal error: |thread .* panicked at ", line):
                beginning = lines[number : number + (2 if line.endswith(":") else 1)]
                return f"stderr: {harmless(' '.join(beginning), 200)}"
        return f"stderr: {harmless(lines[-1], 200)}" if lines else ""


def _examine(command: Sequence[str], timeout: float, root: Path) -> Iterator[Finding]:
    try:
        session = _Session(command, timeout, root)
    except AdapterStartError as error:
        yield Finding("starts", str(error), advice=_how_to_start(command[0], error))
        return
    with session:
        yield Finding("starts")
        try:
            hello = session.process.greet(timeout)
        except ProtocolError as error:
            words = f"; {session.last_words}" if error.stderr else ""
            yield Finding("answers hello", str(error) + words, advice=_how_to_greet(error))
            return
        session.capabilities = hello.capabilities
        named = ", ".join(sorted(hello.capabilities)) or "no capability yet"
        yield Finding(f"answers hello: {hello.implementation} {hello.version}, {named}")
        for check in (_unknown_operation, _unopened_handle, _several_in_flight):
            try:
                yield from check(session)
            except ProtocolError as error:
                yield _broke(_title(check.__doc__), error, session, ADAPTER)
                return
        try:
            yield from _with_an_implementation(session)
            yield from _leaving(session)
        except _GaveUpError as error:
            yield Finding("the rest", skipped=str(error))
        except ProtocolError as error:
            yield _broke("goes on", error, session, EITHER)


def _title(docstring: str | None) -> str:
    """What a check looks at, from its docstring."""
    text = (docstring or "").rstrip(".")
    return text[:1].lower() + text[1:]


def _how_to_start(program: str, error: AdapterStartError) -> str:
    if " " in program:
        return "Give the command as you would type it, without quotes around it."
    if isinstance(error.__cause__, PermissionError):
        return f"Make it executable (chmod +x {program}), or put the program that runs it in front."
    if "/" not in program and Path(program).exists():
        return f"It is in this directory: write ./{program}"
    return f"Is it built, and is that its path as seen from {Path.cwd()}?"


def _how_to_greet(error: ProtocolError) -> str:
    text = str(error)
    if isinstance(error.__cause__, AdapterTimeoutError):
        return "Answer the first line at once, and flush."
    if isinstance(error.__cause__, AdapterDiedError):
        return "The adapter stays until its stdin ends; what it lacks to start should be on its stderr."
    if isinstance(error.__cause__, AnswerError) or "expected one line" in text:
        return _for_a_stray_line(error)
    if "unknown capabilities" in text:
        return "Name only these; whatever else the implementation can do needs no name."
    return "PROTOCOL.md shows the answer to hello, with every member it needs."


def _for_a_stray_line(error: ProtocolError) -> str:
    return "" if "stdout is for answers only" in str(error) else _STDOUT


def _broke(what: str, error: ProtocolError, session: _Session, whose: str) -> Finding:
    """What a broken conversation says: a death may come from the implementation, a wrong line cannot."""
    session.lost = error
    if isinstance(error, _StrayLineError):
        return Finding(what, str(error), advice=_for_a_stray_line(error))
    if isinstance(error, AdapterDiedError):
        words = session.last_words
        return Finding(what, f"{error}; {words}" if words else str(error), whose, _CAUGHT)
    if isinstance(error, AdapterTimeoutError):
        return Finding(what, str(error), whose, _FLUSH if whose == ADAPTER else session.last_words)
    return Finding(what, str(error))


# The adapter alone: nothing here reaches an implementation.

_UNKNOWN: Final[Json] = {"op": "no-such-operation", "on": "main"}
_LOOKS: Final = {"log": "active_segment", "kv": "len", "reader": "segments"}
"""Capabilities that have handles, each with an operation that only looks."""


def _unknown_operation(session: _Session) -> Iterator[Finding]:
    """Says unsupported to an unknown operation."""
    [result] = session.ask([_UNKNOWN])
    problem = "" if result == {"unsupported": True} else f"expected unsupported, found {json.dumps(result)[:100]}"
    yield Finding("says unsupported to an unknown operation", problem)


def _unopened_handle(session: _Session) -> Iterator[Finding]:
    """Answers an error for a handle that was never opened, and goes on."""
    what = "answers an error for a handle that was never opened, and goes on"
    claimed = [look for capability, look in _LOOKS.items() if capability in session.capabilities]
    if not claimed:
        yield Finding(what, skipped="needs the capability log, kv or reader")
        return
    first, second = session.ask([{"op": claimed[0]}, _UNKNOWN])
    problem = "" if "error" in first else f"expected an error, found {json.dumps(first)[:100]}"
    if "unsupported" not in second:
        problem = problem or "the step behind the failed one was not done"
    yield Finding(what, problem)


def _several_in_flight(session: _Session) -> Iterator[Finding]:
    """Answers several requests at once, each with its id."""
    ids = [f"doctor.{number}" for number in range(8)]
    for case_id in ids:
        session.send([_UNKNOWN], session.fresh_dir(), case_id, more=False)
    session.receive(ids)
    yield Finding("answers several requests at once, each with its id")


def _leaving(session: _Session) -> Iterator[Finding]:
    what = "leaves when its stdin ends"
    session.recover()
    try:
        stray = session.process.finish(_LEAVE_SECONDS)
    except ProtocolError as error:
        yield Finding(what, str(error))
        return
    problem = f"but wrote {stray[0][:80].decode(errors='replace')!r} unasked" if stray else ""
    yield Finding(what, problem, advice=_STDOUT if stray else "")


# What is asked of an implementation, with what a right one answers.

_OWN_CAPABILITY: Final = {"compact_to": "compact", "export_jsonl": "export", "poison": "poison", "spawn": "spawn"}
_BIG_TXID: Final = 2**63 + 1
_LONG: Final = 70_000
_ALPHA: Final = build_frame(RecordType.RAW, 1, b"", b"alpha")
_PUT: Final = build_frame(RecordType.PUT, 1, b"k", b"\xff")
_KEYS: Final = [f"{byte:02x}" for byte in range(0xA0, 0xA8)]
_SEGMENT: Final = f"log/{segment_name(FIRST_SEGMENT_ID)}"


@dataclass(frozen=True, slots=True)
class Probe:
    """One request. Its last step is what is looked at, the others lead there; each says what it expects."""

    steps: tuple[Json, ...]
    given: Json = field(default_factory=dict)

    @property
    def op(self) -> str:
        """The operation that is looked at."""
        return str(self.steps[-1]["op"])

    @property
    def handle(self) -> str:
        """The capability of the handle it works on: log, reader or kv."""
        return str(self.steps[0]["op"]).removeprefix("open_")

    @property
    def capability(self) -> str:
        """The capability that promises the operation."""
        return _OWN_CAPABILITY.get(self.op, self.handle)


def _step(op: str, ok: Json | None = None, **members: Any) -> Json:
    return {"op": op, **members, "expect": {"ok": ok or {}}}


def _report(records: int = 0, last_txid: int = 0) -> Json:
    zeros = dict.fromkeys(("tail_truncated", "tail_bytes_discarded", "mid_stream_errors", "unsupported_versions"), 0)
    return {"files_scanned": 1, "records_replayed": records, **zeros, "last_txid_seen": last_txid}


def _record(word: str, txid: int, key: str, payload: str, offset: int, size: int) -> Json:
    place = {"segment": FIRST_SEGMENT_ID, "offset": offset, "len": size}
    return {"type": word, "txid": txid, "key": key, "payload": payload, **place}


_REF: Final[Json] = {"segment": FIRST_SEGMENT_ID, "offset": 0}
_NEW: Final[Json] = {"report": _report()}
_LOG: Final = _step("open_log", {**_NEW, "active_segment": FIRST_SEGMENT_ID}, path="log")
_KV: Final = _step("open_kv", {**_NEW, "len": 0}, path="log")
_READER: Final = _step("open_reader", {"segments": [FIRST_SEGMENT_ID]}, path="log")
_APPEND: Final = _step(
    "append",
    {**_REF, "len": len(_ALPHA)},
    payload=[{"fill": "616c", "len": 2}, "706861"],
    **{"a-member-of-tomorrow": 1},
)
_PUT_STEP: Final = _step("put", key="6b", value="ff")
_PUTS: Final = tuple(_step("put", key=key, value="ff") for key in reversed(_KEYS))
_RECORD: Final = _record("raw", 1, "", b"alpha".hex(), 0, len(_ALPHA))
_FOUND: Final[Json] = {"report": _report(1, 1)}
_GIVEN: Final[Json] = {_SEGMENT: _ALPHA.hex()}
_SHARED: Final = (
    _step("fsync"),
    _step("report", _NEW),
    _step("active_segment", {"active_segment": FIRST_SEGMENT_ID}),
    _step("is_poisoned", {"is_poisoned": False}),
    _step("close"),
)

PROBES: Final = (
    Probe((_LOG,)),
    *(Probe((_LOG, step)) for step in (_step("scan", {"records": []}), _step("scan_iter", {"records": [], **_NEW}))),
    Probe((_LOG, _APPEND)),
    Probe((_LOG, _step("append_record", {**_REF, "len": len(_PUT)}, type="put", key="6b", payload="ff"))),
    Probe((_LOG, _APPEND, _step("scan", {"records": [_RECORD]}))),
    Probe((_LOG, _APPEND, _step("scan_iter", {"records": [_RECORD], **_FOUND}))),
    Probe((_LOG, _APPEND, _step("rotate", {"active_segment": FIRST_SEGMENT_ID + 1}))),
    *(Probe((_LOG, step)) for step in _SHARED),
    Probe((_step("open_log", {**_FOUND, "active_segment": FIRST_SEGMENT_ID}, path="log"),), _GIVEN),
    Probe((_READER,), _GIVEN),
    Probe((_READER, _step("segments", {"segments": [FIRST_SEGMENT_ID]})), _GIVEN),
    Probe((_READER, _step("scan_iter", {"records": [], **_NEW})), {_SEGMENT: ""}),
    Probe((_READER, _step("scan_iter", {"records": [_RECORD], **_FOUND})), _GIVEN),
    Probe((_READER, _step("close")), _GIVEN),
    Probe((_KV,)),
    *(Probe((_KV, _step(op, {op: []}))) for op in ("keys", "items")),
    Probe((_KV, _step("scan_iter", {"records": [], **_NEW}))),
    Probe((_KV, _step("get", {"value": None}, key="6b"))),
    Probe((_KV, _step("ref_of", {"ref": None}, key="6b"))),
    Probe((_KV, _step("contains_key", {"contains": False}, key="6b"))),
    Probe((_KV, _step("len", {"len": 0}))),
    Probe((_KV, _step("is_empty", {"is_empty": True}))),
    Probe((_KV, _PUT_STEP)),
    Probe((_KV, _PUT_STEP, _step("get", {"value": "ff"}, key="6b"))),
    Probe((_KV, _PUT_STEP, _step("ref_of", {"ref": {**_REF, "len": len(_PUT)}}, key="6b"))),
    Probe((_KV, _PUT_STEP, _step("contains_key", {"contains": True}, key="6b"))),
    Probe((_KV, *_PUTS, _step("keys", {"keys": _KEYS}))),
    Probe((_KV, *_PUTS, _step("items", {"items": [[key, "ff"] for key in _KEYS]}))),
    Probe((_KV, _PUT_STEP, _step("delete", key="6b"))),
    *(Probe((_KV, step)) for step in _SHARED),
    Probe((_step("open_kv", {**_FOUND, "len": 0}, path="log"),), _GIVEN),
    Probe((_KV, _PUT_STEP, _step("compact_to", {"live_keys": 1, "records_written": 1, "bytes_written": len(_PUT)},
                                 to="out"))),
    Probe((_KV, _PUT_STEP, _step("export_jsonl", to="out.jsonl"))),
    Probe((_LOG, _step("poison", reason="asked to"))),
    Probe((_LOG, _step("spawn"))),
)  # fmt: skip
"""Every operation of every capability, on every kind of handle it works on, with the empty answers that go wrong."""


def _with_an_implementation(session: _Session) -> Iterator[Finding]:
    claimed = session.capabilities
    for capability in CAPABILITIES:
        if capability in claimed and any(probe.capability == capability for probe in PROBES):
            yield from _operations(session, capability)
    if others := [name for name in CAPABILITIES if name not in claimed]:
        yield Finding("not claimed", skipped=f"{', '.join(others)}; cases that need them count neither way")
    openable = [name for name in _LOOKS if name in claimed and name not in session.shut]
    nothing = "nothing opens" if claimed & _LOOKS.keys() else "needs the capability log, kv or reader"
    for check in (_handles, _numbers, _long, _bytes, _errors):
        what = _title(check.__doc__)
        if not openable:
            yield Finding(what, skipped=nothing)
            continue
        try:
            yield from check(session, openable[0], what)
        except ProtocolError as error:
            yield _broke(what, error, session, EITHER)


def _operations(session: _Session, capability: str) -> Iterator[Finding]:
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
    elif not any(_OWN_CAPABILITY.get(op, capability) == capability for op in seen):
        yield Finding(what, skipped=f"{seen[0]} comes first, and is marked")


def _ask_for(session: _Session, probe: Probe) -> tuple[str, Finding | None]:
    """The operation of the probe that is not answered as it should be, and what is wrong with it."""
    try:
        results = session.ask(probe.steps, session.fresh_dir(probe.given))
    except ProtocolError as error:
        session.broken.add((probe.handle, probe.op))
        if len(probe.steps) == 1:
            session.shut.add(probe.handle)
        return probe.op, _broke(_name(probe.handle, probe.op), error, session, EITHER)
    if "ok" not in results[0] and (not probe.given or probe.handle == "reader"):
        session.shut.add(probe.handle)
    for step, result in zip(probe.steps, results, strict=True):
        if (wrong := _wrong(step["expect"], result)) is not None:
            if wrong.whose == IMPLEMENTATION and probe.given == _GIVEN:
                wrong = wrong._replace(advice=_SOUND)
            return step["op"], Finding(_name(probe.handle, step["op"]), *wrong)
    return probe.op, None


_SOUND = "A sound frame was laid out for it. What goes wrong most is the checksum: CRC-32C, not CRC-32 (IEEE)."


def _name(handle: str, op: str) -> str:
    return f"the operation {op} of capability {_OWN_CAPABILITY.get(op, handle)}"


# Whose matter a wrong answer is.


class _Wrong(NamedTuple):
    """What is wrong with an answer, whose matter it is, and what may help."""

    problem: str
    whose: str
    advice: str = ""


_MISSING: Final = object()
_FORM = "PROTOCOL.md shows the members of each answer and their form."


def _wrong(expect: Json, result: Json) -> _Wrong | None:
    mismatch = match_result(expect, result, frozenset())
    if mismatch is None:
        return None
    if "unsupported" in result:
        return _Wrong(
            "it answers unsupported",
            ADAPTER,
            "Naming a capability promises all its operations: answer this one, or do not name the capability.",
        )
    if "error" in result and "ok" in expect:
        is_other = result["error"]["kind"] == ErrorKind.OTHER
        whose, advice = (EITHER, _IF_OWN) if is_other else (IMPLEMENTATION, "")
        return _Wrong(f"expected ok, found error {describe_error(result['error'])}", whose, advice)
    if "ok" in result and "error" in expect:
        return _Wrong(mismatch.text, IMPLEMENTATION)
    [word] = expect
    want, have = expect[word], result[word]
    path = mismatch.where.removeprefix("error.")
    whole = re.match(r"(keys|items)\[", path)
    if whole and Counter(map(json.dumps, want[whole[1]])) == Counter(map(json.dumps, have[whole[1]])):
        return _Wrong(mismatch.text, EITHER, f"{whole[1]} are answered sorted by the bytes of the key.")
    return _Wrong(mismatch.text, *_whose(path, _at(want, path), _at(have, path)))


_IF_OWN = "If the adapter made this error itself (a panic it caught, a member it did not find), mend the adapter."


def _at(value: Any, path: str) -> Any:
    """What stands at a path such as `records[0].txid`."""
    for index, name in re.findall(r"\[(\d+)\]|(\w+)", path):
        if index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        elif name and isinstance(value, dict) and name in value:
            value = value[name]
        else:
            return _MISSING
    return value


def _whose(path: str, expected: Any, found: Any) -> tuple[str, str]:
    """Whose matter it is that something else stands at a path of an answer, and advice."""
    if found is _MISSING:
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


_WORDS: Final = tuple(kind.word for kind in RecordType)


# What shows only across several answers.


def _handles(session: _Session, handle: str, what: str) -> Iterator[Finding]:
    """Keeps handles while a request says more, and closes them after the last."""
    opening, look = {"op": f"open_{handle}", "path": "log"}, {"op": _LOOKS[handle]}
    directory = session.fresh_dir(_GIVEN)
    alone = session.ask([opening, look, {"op": "close"}], directory)
    begun = session.ask([opening], directory, case_id="doctor.more", more=True)
    if any("ok" not in result for result in alone):
        yield Finding(what, skipped=f"open_{handle}, {_LOOKS[handle]} or close is marked")
        return
    if "ok" not in begun[0]:
        yield Finding("opens again what was closed", f"found {json.dumps(begun[0])[:200]}", EITHER)
        return
    session.ask([look], case_id="doctor.other")
    [kept] = session.ask([look], directory, case_id="doctor.more")
    problem = "" if "ok" in kept else f"the handle was gone: {json.dumps(kept)[:200]}"
    [again] = session.ask([opening], directory, case_id="doctor.again")
    if "ok" not in again:
        problem = problem or f"the handle was still open afterwards: {json.dumps(again)[:200]}"
    yield Finding(what, problem)


def _numbers(session: _Session, handle: str, what: str) -> Iterator[Finding]:
    """Carries numbers above 2^53 exactly."""
    given = {_SEGMENT: build_frame(RecordType.RAW, _BIG_TXID, b"", b"x").hex()}
    record = _record("raw", _BIG_TXID, "", b"x".hex(), 0, len(given[_SEGMENT]) // 2)
    opening = _step(f"open_{handle}", {} if handle == "reader" else {"report": _report(1, _BIG_TXID)}, path="log")
    steps = [opening, _step("scan_iter", {"records": [record]})]
    results = session.ask(steps, session.fresh_dir(given))
    for step, result in zip(steps, results, strict=True):
        if (wrong := _wrong(step["expect"], result)) is not None:
            if re.match(r"\S*txid\S*: ", wrong.problem):
                yield Finding(what, *wrong)
            elif wrong.whose == ADAPTER:
                yield Finding(what, skipped=wrong.problem)
            else:
                yield Finding(what, f"the frame laid out for this was not read: {wrong.problem}", IMPLEMENTATION)
            return
    yield Finding(what)


def _long(session: _Session, handle: str, what: str) -> Iterator[Finding]:
    """Answers a value above 65,536 bytes as length and CRC-32C."""
    data, recipe = b"a" * _LONG, {"fill": "61", "len": _LONG}
    opening: Json = {"op": f"open_{handle}", "path": "log"}
    given = {_SEGMENT: build_frame(RecordType.RAW, 1, b"", data).hex()} if handle == "reader" else {}
    put = {"kv": {"op": "put", "key": "6b", "value": recipe}, "log": {"op": "append", "payload": recipe}}.get(handle)
    steps: list[Json] = [opening, *([put] if put else []), {"op": "scan_iter"}]
    if session.broken & {(handle, step["op"]) for step in steps}:
        yield Finding(what, skipped="an operation it takes is marked")
        return
    found = _at(session.ask(steps, session.fresh_dir(given))[-1], "ok.records[0].payload")
    if found is _MISSING:
        yield Finding(what, skipped="no record of that length came back")
        return
    expected = digest(data)
    if found == expected:
        yield Finding(what)
        return
    whose, advice = ADAPTER, "Above that length, such an object stands in place of the hex digits."
    if is_digest(found) and found["len"] != _LONG:
        whose, advice = IMPLEMENTATION, ""
    elif is_digest(found) and re.fullmatch(r"[0-9a-f]{8}", str(found["crc32c"])):
        whose = EITHER
        is_ieee = found["crc32c"] == f"{binascii.crc32(data):08x}"
        advice = "That is CRC-32 (IEEE); CRC-32C is another checksum." if is_ieee else ""
    yield Finding(what, f"expected {json.dumps(expected)}, found {json.dumps(found)[:100]}", whose, advice)


def _bytes(session: _Session, handle: str, what: str) -> Iterator[Finding]:
    """Writes the bytes of the format."""
    write, frame = {"log": (_APPEND, _ALPHA), "kv": (_PUT_STEP, _PUT)}.get(handle, (None, b""))
    if write is None or (handle, write["op"]) in session.broken:
        yield Finding(what, skipped=f"{write['op']} is marked" if write else "needs the capability log or kv")
        return
    directory = session.fresh_dir()
    results = session.ask([{"op": f"open_{handle}", "path": "log"}, write, {"op": "close"}], directory)
    if any("ok" not in result for result in results):
        yield Finding(what, skipped=f"open_{handle}, {write['op']} or close is marked")
        return
    path = directory / _SEGMENT
    if not path.is_file():
        advice = "Paths are relative to the request's dir; names of segments are those of the format."
        yield Finding(what, f"there is no file {_SEGMENT} in the request's dir", EITHER, advice)
        return
    want, have = Entry("file", frame), Entry("file", path.read_bytes())
    if want == have:
        yield Finding(what)
        return
    mismatch = files_differ(_SEGMENT.encode(), want, have)
    mistake = recognise(mismatch)
    yield Finding(what, mismatch.text, IMPLEMENTATION, f"It {mistake.does}." if mistake else "")


# Errors: the one part of an answer that only shows when something is wrong.

_DAMAGED: Final[Json] = {_SEGMENT: (_ALPHA + b"X" * 32).hex()}


def _failing(op: str, kind: ErrorKind, place: int | None = None, **members: Any) -> Json:
    where = {} if place is None else {"segment": FIRST_SEGMENT_ID, "offset": place}
    return {"op": op, **members, "expect": {"error": {"kind": kind, **where}}}


_BAD_MAGIC: Final = (ErrorKind.BAD_MAGIC, len(_ALPHA))
PROVOKED: Final = (
    Probe((_failing("open_reader", ErrorKind.NOT_FOUND, path="log"),)),
    Probe((_failing("open_log", *_BAD_MAGIC, path="log"),), _DAMAGED),
    Probe((_failing("open_kv", *_BAD_MAGIC, path="log"),), _DAMAGED),
    Probe((_READER, _failing("scan_iter", *_BAD_MAGIC)), _DAMAGED),
    Probe((_LOG, {**_failing("open_log", ErrorKind.LOCKED, path="log"), "as": "second"})),
    Probe((_KV, {**_failing("open_kv", ErrorKind.LOCKED, path="log"), "as": "second"})),
    Probe((_LOG, _step("poison", reason="asked to"), _failing("append", ErrorKind.POISONED, payload="61"))),
)
"""Errors that are easy to provoke, each with the kind and the place it must name."""


def _errors(session: _Session, _handle: str, what: str) -> Iterator[Finding]:
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


def _provoked(session: _Session) -> Iterator[tuple[Json, Json]]:
    """What each error must say, and the answer."""
    for probe in PROVOKED:
        needed = {probe.handle, *(_OWN_CAPABILITY.get(step["op"], probe.handle) for step in probe.steps)}
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
