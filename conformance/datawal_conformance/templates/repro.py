"""Repeat one case with an adapter and nothing else: python3 repro.py ADAPTER [ARG...]

Copies given/ into a fresh directory, sends the requests of plan.json, does the runner's actions in between, and
prints every answer beside what the case expects. Exits with 1 when an answer plainly differs; the full verdict, with
files and alternatives, is the conformance runner's.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent


def to_bytes(value):
    if isinstance(value, str):
        return bytes.fromhex(value)
    if isinstance(value, list):
        return b"".join(map(to_bytes, value))
    unit = bytes.fromhex(value["fill"])
    return (unit * (value["len"] // len(unit) + 1))[: value["len"]]


def act(action, root, processes):
    word = action["do"]
    print("runner:", json.dumps(action))
    if word in ("kill", "exit"):
        process = processes.pop(action["process"], None)
        if process:
            process.kill() if word == "kill" else process.stdin.close()
            process.wait()
        return
    if word == "check":
        return
    path = root / action["path"]
    if word == "remove":
        path.unlink()
    elif word == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(to_bytes(action["content"]))
    elif word == "truncate":
        os.truncate(path, action["len"])
    else:
        with open(path, "r+b") as file:
            file.seek(*((0, 2) if word == "append_bytes" else (action["offset"],)))
            file.write(to_bytes(action["bytes"]))


def start(command):
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    ask(process, {"hello": {"protocol": 1}})
    return process


def ask(process, message):
    process.stdin.write(json.dumps(message).encode() + b"\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        sys.exit(f"the adapter ended without an answer, status {process.wait()}")
    return json.loads(line)


def agrees(expect, result):
    """Whether an answer is what a step expects, as far as that can be told without the runner."""
    if expect is None:
        return True
    if "one_of" in expect:
        return any(agrees(one, result) for one in expect["one_of"].values())
    if "error" in expect:
        return "error" in result
    return "ok" in result and covers(expect["ok"], result["ok"])


def covers(expected, found):
    if isinstance(found, dict) and found.keys() == {"len", "crc32c"}:
        return True
    if isinstance(expected, dict) and isinstance(found, dict):
        return all(name in found and covers(expected[name], found[name]) for name in expected)
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(covers, expected, found))
    if isinstance(found, str) and not isinstance(expected, str):
        return to_bytes(expected).hex() == found
    return type(expected) is type(found) and expected == found


def main(command):
    wrong = 0
    root = pathlib.Path(tempfile.mkdtemp(prefix="repro-")) / "case"
    shutil.copytree(HERE / "given", root, symlinks=True)
    processes = {}
    for entry in json.loads((HERE / "plan.json").read_text()):
        if "action" in entry:
            act(entry["action"], root, processes)
        elif "request" in entry:
            process = processes.get(entry["process"]) or start(command)
            processes[entry["process"]] = process
            answer = ask(process, dict(entry["request"], dir=str(root)))
            for step, result, expect in zip(entry["request"]["steps"], answer["results"], entry["expect"]):
                print("step:    ", json.dumps(step))
                print("answer:  ", json.dumps(result))
                print("expected:", json.dumps(expect), "" if agrees(expect, result) else "   <-- differs")
                wrong += not agrees(expect, result)
        elif "then" in entry:
            print("files afterwards should be:", json.dumps(entry["then"]))
    for process in processes.values():
        process.stdin.close()
        process.wait()
    print("files are in", root)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or sys.exit(__doc__)))
