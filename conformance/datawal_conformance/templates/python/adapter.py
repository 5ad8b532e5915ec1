"""A conformance adapter: fill in `operate` for your implementation, capability by capability.

Try it:  datawal-conformance doctor -- python3 adapter.py
Then:    datawal-conformance run -- python3 adapter.py
"""

import json
import sys

HELLO = {
    "protocol": 1,
    "implementation": "my-port",
    "version": "0.0.0",
    "language": "python",
    # Name what you have filled in: "log", "reader", "kv", "compact", "export", "poison", "spawn", "typed-errors",
    # "error-positions". Cases that need anything else are left out.
    "capabilities": [],
}


class Unsupported(Exception):
    """The operation is not filled in yet."""


def to_bytes(value):
    """Bytes of a request: hex, {"fill": hex, "len": n}, or a list to be joined."""
    if isinstance(value, str):
        return bytes.fromhex(value)
    if isinstance(value, list):
        return b"".join(to_bytes(part) for part in value)
    unit = bytes.fromhex(value["fill"])
    return (unit * (value["len"] // len(unit) + 1))[: value["len"]]


def operate(op, step, directory, handles):
    """Do one operation and return what belongs into "ok"; raise for an error.

    Paths in `step` ("path", "to") are relative to `directory`. An open stores its handle:
        handles[step.get("as", "main")] = MyLog.open(f"{directory}/{step['path']}")
    and the other operations find it: handles[step.get("on", "main")].
    """
    raise Unsupported


def result_of(step, directory, handles):
    try:
        return {"ok": operate(step["op"], step, directory, handles)}
    except Unsupported:
        return {"unsupported": True}
    except Exception as error:  # map your errors to the kinds of the protocol here
        return {"error": {"kind": "other", "message": f"{type(error).__name__}: {error}"}}


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
            else:
                for handle in handles.values():
                    handle.close()
            answer = {"id": request["id"], "results": results}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
