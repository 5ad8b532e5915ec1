"""The adapter of tinylog: what `datawal-conformance init python` wrote, filled in for a reader."""

import json
import sys

import tinylog

HELLO = {
    "protocol": 1,
    "implementation": "tinylog",
    "version": "1.0",
    "language": "python",
    "capabilities": ["reader", "typed-errors", "error-positions"],
}


class Unsupported(Exception):
    """The operation is not filled in yet."""


def to_hex(value):
    """Bytes of an answer; what is long is answered as a digest."""
    if len(value) <= 1024:
        return value.hex()
    return {"len": len(value), "crc32c": f"{tinylog.crc32c(value):08x}"}


def shown(record):
    return record | {"key": to_hex(record["key"]), "payload": to_hex(record["payload"])}


def operate(op, step, directory, handles):
    """Do one operation and return what belongs into "ok"; raise for an error."""
    if op == "open_reader":
        reader = handles[step.get("as", "main")] = tinylog.Reader(f"{directory}/{step['path']}")
        return {"segments": reader.segments}
    if op not in ("segments", "scan_iter", "close"):
        raise Unsupported
    reader = handles[step.get("on", "main")]
    if op == "segments":
        return {"segments": reader.segments}
    if op == "close":
        return {}
    records = []
    try:
        for record in reader.scan():
            records.append(shown(record))
    except (tinylog.Fault, OSError) as error:
        error.records = records
        raise
    return {"records": records, "report": reader.report}


def error_of(error):
    """The kind of the protocol for an exception of ours."""
    answer = {"kind": "other", "message": f"{type(error).__name__}: {error}"}
    if isinstance(error, tinylog.Fault):
        answer |= {"kind": error.kind, "segment": error.segment, "offset": error.offset}
    elif isinstance(error, FileNotFoundError):
        answer["kind"] = "not_found"
    elif isinstance(error, NotADirectoryError):
        answer["kind"] = "not_a_directory"
    if hasattr(error, "records"):
        answer["records"] = error.records
    return answer


def result_of(step, directory, handles):
    try:
        return {"ok": operate(step["op"], step, directory, handles)}
    except Unsupported:
        return {"unsupported": True}
    except Exception as error:
        return {"error": error_of(error)}


def main():
    kept = {}
    for line in sys.stdin:
        request = json.loads(line)
        if "hello" in request:
            answer = {"hello": HELLO}
        else:
            handles = kept.pop(request["id"], {})
            results = [result_of(step, request["dir"], handles) for step in request["steps"]]
            if request.get("more"):
                kept[request["id"]] = handles
            answer = {"id": request["id"], "results": results}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
