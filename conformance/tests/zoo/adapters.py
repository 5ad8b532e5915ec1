"""Broken adapters, a few lines each: `python adapters.py NAME`.

Each greets and answers `{"ok": {}}` to every step, apart from the one thing it does wrong, which it does in cases
whose id contains `bad` unless its name says otherwise.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HELLO = {
    "protocol": 1,
    "implementation": "zoo",
    "version": "1",
    "language": "python",
    "capabilities": ["log", "reader", "kv", "compact", "export", "poison", "spawn", "typed-errors", "error-positions"],
}

Request = dict[str, Any]


def write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def send(message: Any) -> None:
    write(json.dumps(message).encode() + b"\n")


def requests(hello: dict[str, Any] | None = None) -> Iterator[Request]:
    for line in sys.stdin.buffer:
        message = json.loads(line)
        if "hello" in message:
            send({"hello": hello or HELLO})
        else:
            yield message


def answer(request: Request, result: Any = None) -> Request:
    return {"id": request["id"], "results": [result or {"ok": {}} for _step in request["steps"]]}


def is_bad(request: Request) -> bool:
    return "bad" in request["id"]


def serve(misbehave: Callable[[Request], None], hello: dict[str, Any] | None = None) -> None:
    for request in requests(hello):
        if is_bad(request):
            misbehave(request)
        else:
            send(answer(request))


def always(result: Any) -> None:
    for request in requests():
        send(answer(request, result))


def hang() -> None:
    while True:
        time.sleep(60)


def honest() -> None:
    always(None)


def dies_at_start() -> None:
    sys.stderr.write("cannot find my shared library\n")
    sys.exit(7)


def dies_in_hello() -> None:
    sys.stdin.buffer.readline()
    os.kill(os.getpid(), signal.SIGKILL)


def silent_in_hello() -> None:
    hang()


def hello_not_json() -> None:
    sys.stdin.buffer.readline()
    write(b"ready!\n")
    hang()


def hello_of_another_protocol() -> None:
    serve(lambda _request: None, HELLO | {"protocol": 2})


def hello_names_unknown_capability() -> None:
    serve(lambda _request: None, HELLO | {"capabilities": ["log", "time-travel"]})


def hello_twice() -> None:
    sys.stdin.buffer.readline()
    write(json.dumps({"hello": HELLO}).encode() + b"\n" + json.dumps({"hello": HELLO}).encode() + b"\n")
    hang()


def dies_in_case() -> None:
    def die(_request: Request) -> None:
        sys.stderr.write("panic: index out of range\n")
        sys.stderr.flush()
        os.abort()

    serve(die)


def exits_in_case() -> None:
    serve(lambda _request: sys.exit(0))


def dies_every_third_case() -> None:
    for number, request in enumerate(requests(), 1):
        if number % 3 == 0:
            os.abort()
        send(answer(request))


def hangs_in_case() -> None:
    serve(lambda _request: hang())


def hangs_in_every_case() -> None:
    for _request in requests():
        hang()


def dies_in_every_case() -> None:
    for _request in requests():
        os.abort()


def answers_twice() -> None:
    def twice(request: Request) -> None:
        send(answer(request))
        send(answer(request))

    serve(twice)


def answers_out_of_order() -> None:
    held: list[Request] = []
    for request in requests():
        held.append(request)
        if len(held) == 2:
            send(answer(held.pop()))
            send(answer(held.pop()))


def answers_with_wrong_id() -> None:
    serve(lambda request: send(answer(request) | {"id": "somebody.else"}))


def answers_without_id() -> None:
    serve(lambda request: send({"results": answer(request)["results"]}))


def answers_half_a_line_and_dies() -> None:
    def half(request: Request) -> None:
        write(json.dumps(answer(request)).encode()[:20])
        os.abort()

    serve(half)


def answers_without_newline() -> None:
    def unended(request: Request) -> None:
        write(json.dumps(answer(request)).encode())
        hang()

    serve(unended)


def answers_binary() -> None:
    serve(lambda _request: write(bytes(range(256)).replace(b"\n", b"") + b"\n"))


def answers_invalid_utf8() -> None:
    serve(lambda request: write(b'{"id": "' + request["id"].encode() + b'", "results": [{"ok": {"x": "\xff"}}]}\n'))


def answers_nan() -> None:
    serve(lambda request: send(answer(request, {"ok": {"x": float("nan")}})))


def answers_empty_lines() -> None:
    serve(lambda _request: write(b"\n"))


def answers_a_list() -> None:
    serve(lambda _request: write(b"[1, 2]\n"))


def answers_too_few_results() -> None:
    serve(lambda request: send({"id": request["id"], "results": []}))


def answers_no_results() -> None:
    serve(lambda request: send({"id": request["id"]}))


def answers_unknown_kind() -> None:
    serve(lambda request: send(answer(request, {"error": {"kind": "oops", "message": "x"}})))


def answers_ok_and_error() -> None:
    serve(lambda request: send(answer(request, {"ok": {}, "error": {"kind": "other", "message": "x"}})))


def answers_deeply_nested() -> None:
    serve(lambda _request: write(b"[" * 200_000 + b"\n"))


def answers_a_gigabyte() -> None:
    def flood(_request: Request) -> None:
        chunk = b"x" * (1 << 20)
        for _ in range(1024):
            write(chunk)
        write(b"\n")

    serve(flood)


def closes_stdout_and_lives_on() -> None:
    def close(_request: Request) -> None:
        sys.stdout.flush()
        os.close(1)
        hang()

    serve(close)


def stops_reading() -> None:
    serve(lambda _request: hang())


def leaves_children() -> None:
    def fork(request: Request) -> None:
        subprocess.Popen(["sleep", "300"])
        send(answer(request))

    serve(fork)


def leaves_a_daemon() -> None:
    def daemonize(request: Request) -> None:
        subprocess.Popen(["sleep", "301"], start_new_session=True, stdin=-3, stdout=-3, stderr=-3)
        send(answer(request))

    serve(daemonize)


def makes_many_files() -> None:
    def litter(request: Request) -> None:
        for number in range(30_000):
            (Path(request["dir"]) / str(number)).touch()
        send(answer(request))

    serve(litter)


def ignores_sigterm_and_end_of_input() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    honest()
    hang()


def floods_stderr() -> None:
    def flood(request: Request) -> None:
        for number in range(2000):
            sys.stderr.write(f"line {number} " + "x" * 1000 + "\n")
        sys.stderr.flush()
        send(answer(request, {"error": {"kind": "other", "message": "flooded"}}))

    serve(flood)


def ends_its_worker() -> None:
    def misbehave(_request: Request) -> None:
        os.kill(os.getppid(), signal.SIGKILL)

    serve(misbehave)


def writes_outside_its_files() -> None:
    def litter(request: Request) -> None:
        (Path(request["dir"]) / "litter.tmp").write_text("x")
        send(answer(request))

    serve(litter)


def declares_and_refuses() -> None:
    serve(lambda request: send(answer(request, {"unsupported": True})))


def accepts_all() -> None:
    always(None)


def rejects_all() -> None:
    always({"error": {"kind": "other", "message": "no"}})


def unsupports_all() -> None:
    always({"unsupported": True})


def names_no_capability() -> None:
    serve(lambda _request: None, HELLO | {"capabilities": []})


def echoes() -> None:
    for request in requests():
        send({"id": request["id"], "results": [{"ok": step} for step in request["steps"]]})


def speaks_after_the_end() -> None:
    honest()
    send({"id": "late", "results": []})


def escapes_terminal() -> None:
    serve(lambda request: send(answer(request, {"error": {"kind": "other", "message": "\x1b[2J\x07<b>&\u202e"}})))


if __name__ == "__main__":
    globals()[sys.argv[1]]()
