"""The conformance adapter of the reference: what PROTOCOL.md asks, over `datawal`."""  # noqa: INP001 - a program

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import is_dataclass
from typing import Any, TypeAlias

from crc32c import crc32c

from datawal import DataWal, DatawalError, Record, RecordLog, RecordLogReader, RecordType, __version__
from datawal.testing import poison

CAPABILITIES = ["log", "reader", "kv", "compact", "export", "poison", "spawn", "typed-errors", "error-positions"]
HELLO = {
    "protocol": 1,
    "implementation": "datawal",
    "version": __version__,
    "language": "python",
    "capabilities": CAPABILITIES,
}
TYPES = {member.word: member for member in RecordType}
WORDS = {member: word for word, member in TYPES.items()}
PLACE = ("segment", "offset")
DIGEST_ABOVE = 1024
DUMPS = json.JSONEncoder(separators=(",", ":")).encode
OPENERS = {"open_log": RecordLog.open, "open_reader": RecordLogReader.open, "open_kv": DataWal.open}

Json: TypeAlias = dict[str, Any]


def _decode(value: Any) -> bytes:
    if isinstance(value, str):
        return bytes.fromhex(value)
    if isinstance(value, list):
        return b"".join(map(_decode, value))
    unit, size = bytes.fromhex(value["fill"]), int(value["len"])
    return (unit * (size // len(unit) + 1))[:size]


def _encode(value: bytes | None) -> str | Json | None:
    if value is None or len(value) <= DIGEST_ABOVE:
        return value if value is None else value.hex()
    return {"len": len(value), "crc32c": f"{crc32c(value):08x}"}


def _record(r: Record) -> Json:
    ref = {"segment": r.segment, "offset": r.offset, "len": r.len}
    return {"type": WORDS[r.type], "txid": r.txid, "key": _encode(r.key), "payload": _encode(r.payload), **ref}


def _error(problem: Exception) -> Json:
    if not isinstance(problem, DatawalError):
        return {"kind": "other", "message": f"{type(problem).__name__}: {problem}"}
    place = {name: getattr(problem, name) for name in PLACE if hasattr(problem, name)}
    return {"kind": problem.kind, "message": str(problem), **place}


def _flat(value: Any) -> Json:
    return {name: getattr(value, name) for name in value.__match_args__}


def _log(handle: Any) -> Any:
    return handle.log if isinstance(handle, DataWal) else handle


def _opened(handle: Any) -> Json:
    if isinstance(handle, RecordLogReader):
        return {"segments": handle.segments}
    own = {"len": len(handle)} if isinstance(handle, DataWal) else {"active_segment": handle.active_segment}
    return {"report": _flat(_log(handle).recovery_report()), **own}


def _scan_iter(handle: Any, _step: Json, _root: str) -> Json:
    scan, records = _log(handle).scan_iter(), []
    try:
        for record in scan:
            records.append(_record(record))  # noqa: PERF401 - what came before an error counts
    except DatawalError as problem:
        return {"error": {**_error(problem), "records": records}}
    return {"records": records, "report": _flat(scan.recovery_report())}


def _spawn() -> None:
    """Start a child that inherits what it can."""
    quiet = subprocess.DEVNULL
    subprocess.Popen(["sleep", "30"], stdin=quiet, stdout=quiet, stderr=quiet, close_fds=False)  # noqa: S607


# Each takes the handle, the step and the request's directory, and gives what the answer's "ok" holds.
OPERATIONS: dict[str, Callable[[Any, Json, str], Any]] = {
    "append": lambda h, s, _: h.append(_decode(s["payload"])),
    "append_record": lambda h, s, _: h.append_record(TYPES[s["type"]], _decode(s["key"]), _decode(s["payload"])),
    "scan": lambda h, _s, _: {"records": [_record(record) for record in h.scan()]},
    "scan_iter": _scan_iter,
    "fsync": lambda h, _s, _: h.fsync(),
    "rotate": lambda h, _s, _: h.rotate() or {"active_segment": h.active_segment},
    "report": lambda h, _s, _: {"report": _flat(_log(h).recovery_report())},
    "active_segment": lambda h, _s, _: {"active_segment": _log(h).active_segment},
    "is_poisoned": lambda h, _s, _: {"is_poisoned": _log(h).is_poisoned},
    "poison": lambda h, s, _: poison(h, s["reason"]),
    "spawn": lambda _h, _s, _: _spawn(),
    "segments": lambda h, _s, _: {"segments": h.segments},
    "put": lambda h, s, _: h.put(_decode(s["key"]), _decode(s["value"])),
    "delete": lambda h, s, _: h.delete(_decode(s["key"])),
    "get": lambda h, s, _: {"value": _encode(h.get(_decode(s["key"])))},
    "contains_key": lambda h, s, _: {"contains": h.contains_key(_decode(s["key"]))},
    "keys": lambda h, _s, _: {"keys": list(map(_encode, sorted(h.keys())))},
    "items": lambda h, _s, _: {"items": [list(map(_encode, pair)) for pair in sorted(h.items())]},
    "len": lambda h, _s, _: {"len": len(h)},
    "is_empty": lambda h, _s, _: {"is_empty": h.is_empty()},
    "ref_of": lambda h, s, _: {"ref": (ref := h.ref_of(_decode(s["key"]))) and _flat(ref)},
    "compact_to": lambda h, s, root: h.compact_to(f"{root}/{s['to']}"),
    "export_jsonl": lambda h, s, root: h.export_jsonl(f"{root}/{s['to']}"),
    "close": lambda h, _s, _: h.close(),
}


def _run(step: Json, root: str, handles: Json) -> Json:
    op = step["op"]
    try:
        if op in OPENERS:
            handle = handles[step.get("as", "main")] = OPENERS[op](f"{root}/{step['path']}")
            return {"ok": _opened(handle)}
        if op not in OPERATIONS:
            return {"unsupported": True}
        answer = OPERATIONS[op](handles[step.get("on", "main")], step, root)
    except Exception as problem:  # noqa: BLE001 - a failing step must not end the adapter
        return {"error": _error(problem)}
    if is_dataclass(answer) and not isinstance(answer, type):
        answer = _flat(answer)
    return answer if answer and "error" in answer else {"ok": answer or {}}


def main() -> None:
    """Answer one line for each line, until there are no more."""
    kept: dict[str, Json] = {}
    for line in sys.stdin.buffer:
        request = json.loads(line)
        if "hello" in request:
            answer: Json = {"hello": HELLO}
        else:
            handles = kept.pop(request["id"], {})
            results = [_run(step, request["dir"], handles) for step in request["steps"]]
            answer = {"id": request["id"], "results": results}
            if request.get("more"):
                kept[request["id"]] = handles
            else:
                for handle in handles.values():
                    with suppress(Exception):
                        handle.close()
        sys.stdout.buffer.write(DUMPS(answer).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
