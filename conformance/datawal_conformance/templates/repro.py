"""Repeat one case with an adapter and nothing else: python3 repro.py ADAPTER [ARG...]

Copies given/ into a fresh directory, sends the requests of plan.json, does the runner's actions in between, and
prints every answer beside what the case expects and, where they differ, what does; then the same for the files. Where
a case permits several outcomes, any of them counts here; that one must fit throughout is for the runner to judge.

Exit status: 0 all agrees, 1 something differs or the adapter broke, 2 no adapter was named, 3 it does not start.
"""

import json
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
MISSING = object()


class Broken(Exception):
    """The adapter cannot be talked to; holds the message and the exit status."""


# Bytes and files


def to_bytes(value):
    if isinstance(value, str):
        return bytes.fromhex(value)
    if isinstance(value, list):
        return b"".join(map(to_bytes, value))
    unit = bytes.fromhex(value["fill"])
    return (unit * (value["len"] // len(unit) + 1))[: value["len"]]


def located(path):
    """A path of a case; a part `hex:...` stands for the bytes it spells."""
    parts = [os.fsdecode(bytes.fromhex(part[4:])) if part.startswith("hex:") else part for part in path.split("/")]
    return "/".join(parts)


def copy(source, target):
    """Copy one file, also what is no plain file and what may not be read."""
    mode = os.lstat(source).st_mode
    if stat.S_ISFIFO(mode):
        os.mkfifo(target)
    elif stat.S_ISSOCK(mode):
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(target)
    else:
        os.chmod(source, mode | stat.S_IRUSR)
        shutil.copyfile(source, target)
        for path in (source, target):
            os.chmod(path, stat.S_IMODE(mode))


def look(path):
    """What stands at a path: its kind, and the bytes of a file or the target of a link."""
    mode = os.lstat(path).st_mode
    if stat.S_ISLNK(mode):
        return "link", os.readlink(path)
    if stat.S_ISREG(mode):
        os.chmod(path, mode | stat.S_IRUSR)
        data = pathlib.Path(path).read_bytes()
        os.chmod(path, stat.S_IMODE(mode))
        return "file", data
    kinds = ((stat.S_ISDIR, "directory"), (stat.S_ISFIFO, "fifo"), (stat.S_ISSOCK, "socket"))
    return next((kind for test, kind in kinds if test(mode)), "other"), None


def stated(content):
    """What a case says stands at a path, in the form of `look`."""
    if isinstance(content, dict) and "fill" not in content:
        [(kind, value)] = content.items()
        if kind == "unreadable":
            return "file", to_bytes(value)
        return ("link", value) if kind == "symlink" else (kind, None if value is True else value)
    return "file", to_bytes(content)


def snapshot(root):
    found = {}
    for folder, folders, names in os.walk(root):
        for name in folders + names:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, root)] = look(path)
    return found


def files_differing(files, given, root):
    """Where the files first differ from what is stated of them: triples as `differences` gives them."""
    want = dict(given)
    free = [path for path in files if files[path] == {"any": True}] if files != "unchanged" else []
    for path, content in {} if files == "unchanged" else files.items():
        path = located(path)
        for parent in pathlib.PurePath(path).parents:
            if str(parent) != "." and content is not None:
                want.setdefault(str(parent), ("directory", None))
        want.pop(path, None)
        if content is not None:
            want[path] = stated(content)
    have = snapshot(root)
    for path in sorted(want.keys() | have.keys()):
        is_free_lock = os.path.basename(path) == ".lock" and (files == "unchanged" or path not in files)
        if is_free_lock or any(path == place or path.startswith(place + "/") for place in free):
            continue
        expected, found = want.get(path), have.get(path)
        if expected and expected[0] == "matches" and found and found[0] == "file":
            if re.fullmatch(expected[1].encode(), found[1]):
                continue
        if expected != found:
            return [(path, described(expected, found), described(found, expected))]
    return []


def described(entry, other):
    if entry is None:
        return "nothing there"
    kind, value = entry
    if kind != "file":
        return f"a {kind}" if value is None else f"a {kind} {value!r}"
    if not other or other[0] != "file":
        return f"a file of {len(value)} bytes"
    pairs = zip(value, other[1])
    at = next((index for index, (a, b) in enumerate(pairs) if a != b), min(len(value), len(other[1])))
    return f"{value[at : at + 8].hex() or 'the end'} at byte {at} ({len(value)} bytes in all)"


def act(action, root, processes, given):
    """Do one step of the runner; what it changes counts as given from then on. Returns what a check found."""
    word = action["do"]
    print("runner:  ", json.dumps(action))
    if word in ("kill", "exit"):
        process = processes.pop(action["process"], None)
        if process:
            process.kill() if word == "kill" else leave({"": process})
            process.wait()
        return []
    if word == "check":
        return files_differing(action["files"], given, root)
    name = located(action["path"])
    path = root / name
    try:
        change(word, action, path)
    except OSError as error:
        return [(name, "a file that this can be done to", error.strerror)]
    given.pop(name, None)
    if word != "remove":
        given[name] = look(path)
    return []


def change(word, action, path):
    if word in ("remove", "write") and os.path.lexists(path):
        path.unlink()
    elif word == "remove":
        raise FileNotFoundError(2, "nothing there")
    if word == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        kind, value = stated(action["content"])
        path.symlink_to(value) if kind == "link" else path.mkdir() if kind == "directory" else path.write_bytes(value)
    elif word == "truncate":
        os.truncate(path, action["len"])
    elif word != "remove":
        with open(path, "r+b") as file:
            file.seek(*((0, 2) if word == "append_bytes" else (action["offset"],)))
            file.write(to_bytes(action["bytes"]))


# The adapter


def start(name, command, processes, capabilities):
    """Start an adapter, note it by its name in the case, and greet it."""
    try:
        processes[name] = process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    except OSError as error:
        raise Broken(f"cannot start {command[0]!r}: {error.strerror}", 3) from None
    hello = ask(process, {"hello": {"protocol": 1}}).get("hello")
    capabilities.update(hello.get("capabilities", []) if isinstance(hello, dict) else [])
    return process


def ask(process, message):
    try:
        process.stdin.write(json.dumps(message).encode() + b"\n")
        process.stdin.flush()
        line = process.stdout.readline()
    except BrokenPipeError:
        line = b""
    if not line:
        raise Broken(f"the adapter ended without an answer, status {process.wait()}", 1)
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Broken(f"expected one JSON object a line, found {line[:80]!r}", 1)
    return answer


# What differs


def differences(expect, result, capabilities):
    """Where an answer first differs from what a step expects: triples of place, expected, found; none if it agrees."""
    if "one_of" in expect:
        found = []
        for name, one in expect["one_of"].items():
            inner = differences(one, result, capabilities)
            if not inner:
                return []
            found += [(f"{at}, if it {name}", want, have) for at, want, have in inner]
        return found
    if "ok" in expect:
        if "ok" in result:
            return differing(expect["ok"], result["ok"], "")
        return [("answer", "ok", shown(result))]
    if "error" not in result:
        kinds = expect["error"].get("kind", "of any kind")
        return [("answer", "error " + (" or ".join(kinds) if isinstance(kinds, list) else kinds), shown(result))]
    return error_differing(expect["error"], result["error"], capabilities)


def error_differing(expected, error, capabilities):
    kinds = expected.get("kind", error.get("kind"))
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "typed-errors" in capabilities and error.get("kind") not in kinds:
        return [("error.kind", " or ".join(kinds), f"{error.get('kind')}: {error.get('message')}")]
    places = ("segment", "offset") if "error-positions" in capabilities else ()
    for name in [name for name in (*places, "records") if name in expected]:
        found = differing(expected[name], error.get(name, MISSING), f"error.{name}")
        if found:
            return found
    pattern = expected.get("message")
    if pattern is not None and not re.search(pattern, str(error.get("message"))):
        return [("error.message", f"a message that matches {pattern!r}", shown(error.get("message")))]
    return []


def differing(expected, found, at):
    if isinstance(found, dict) and found.keys() == {"len", "crc32c"}:
        length = len(to_bytes(expected))
        return [] if found["len"] == length else [(at, f"{length} bytes", f"{found['len']} bytes")]
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in expected:
            inner = differing(expected[name], found.get(name, MISSING), f"{at}.{name}".lstrip("."))
            if inner:
                return inner
        return []
    if isinstance(expected, list) and isinstance(found, list):
        for index, pair in enumerate(zip(expected, found)):
            inner = differing(*pair, f"{at}[{index}]")
            if inner:
                return inner
        return [] if len(expected) == len(found) else [(at, f"{len(expected)} entries", f"{len(found)} entries")]
    if isinstance(found, str) and isinstance(expected, (list, dict)):
        expected = to_bytes(expected).hex()
    same = type(expected) is type(found) and expected == found
    return [] if same else [(at, shown(expected), shown(found))]


def shown(value, longest=300):
    if value is MISSING:
        return "no such member"
    text = json.dumps(value)
    return text if len(text) <= longest else f"{text[:longest]}... ({len(text)} characters)"


def ordered(value, model):
    """The value with members in the order of the model, so that both can be read side by side."""
    if isinstance(value, dict) and isinstance(model, dict):
        names = [name for name in model if name in value] + [name for name in value if name not in model]
        return {name: ordered(value[name], model.get(name)) for name in names}
    if isinstance(value, list) and isinstance(model, list):
        models = model + [None] * len(value)
        return [ordered(item, model) for item, model in zip(value, models)]
    return value


def tell(place, found):
    """Print what differs at a place; return whether anything does."""
    for at, wanted, had in found:
        print("  DIFFERS")
        print(f"    at       {place}, {at}")
        print(f"    expected {wanted}")
        print(f"    found    {had}")
    return bool(found)


def compare(number, step, result, expect, capabilities):
    """Print one step, its answer and what was expected; return whether they differ."""
    title = " ".join(str(step[name]) for name in ("op", "path", "to", "on") if name in step)
    print("step:    ", json.dumps(step))
    print("answer:  ", json.dumps(ordered(result, expect)))
    print("expected:", "any answer" if expect is None else json.dumps(expect))
    found = differences(expect, result, capabilities) if expect else []
    return tell(f"step {number} {title}", found)


def afterwards(then, given, root):
    """Print what is stated of the files; return whether they differ from it, in every outcome if there are several."""
    print("files afterwards should be:", json.dumps(then))
    outcomes = then["one_of"] if "one_of" in then else {"": then}
    found = {name: files_differing(one["files"], given, root) for name, one in outcomes.items()}
    if not all(found.values()):
        return False
    return any([tell(f"files afterwards{f' if it {name}' if name else ''}", one) for name, one in found.items()])


def repeat(command, root, processes):
    wrong = number = 0
    capabilities = set()
    given = snapshot(root)
    for entry in json.loads((HERE / "plan.json").read_text("utf-8")):
        if "action" in entry:
            number += 1
            wrong += tell(f"step {number}", act(entry["action"], root, processes, given))
        elif "request" in entry:
            process = processes.get(entry["process"])
            if process is None:
                process = start(entry["process"], command, processes, capabilities)
            answer = ask(process, dict(entry["request"], dir=str(root)))
            results = answer.get("results")
            if not isinstance(results, list) or len(results) != len(entry["expect"]):
                raise Broken(f"expected {len(entry['expect'])} results, found {shown(answer)}", 1)
            for step, result, expect in zip(entry["request"]["steps"], results, entry["expect"]):
                number += 1
                wrong += compare(number, step, result, expect, capabilities)
        elif "then" in entry:
            wrong += afterwards(entry["then"], given, root)
    return wrong


def leave(processes):
    """Let every adapter end by itself, and end those that do not."""
    for process in processes.values():
        try:
            process.stdin.close()
            process.wait(5)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            process.kill()
            process.wait()


def main(command):
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    place = pathlib.Path(tempfile.mkdtemp(prefix="repro-"))
    root = place / "case"
    shutil.copytree(HERE / "given", root, symlinks=True, copy_function=copy)
    processes = {}
    try:
        status = 1 if repeat(command, root, processes) else 0
    except Broken as broken:
        message, status = broken.args
        print(f"repro: {message}", file=sys.stderr)
    except KeyboardInterrupt:
        # What hangs is looked at by letting it hang: the files are worth keeping.
        print("repro: interrupted", file=sys.stderr)
        status = 1
    leave(processes)
    if status == 1:
        print("files are left in", root)
    else:
        shutil.rmtree(place)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
