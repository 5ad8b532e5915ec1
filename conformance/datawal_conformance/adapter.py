"""One adapter process: started, fed, read and ended, with every amount bounded.

Strategy: pipes without blocking, driven by one selector, so that neither side can wait for the other for ever.
The process leads a group of its own, and the group is what is ended: an adapter's children go with it. Those that left
the group are found by a mark in their environment, where the machine shows it.
"""

import contextlib
import os
import secrets
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Self

from datawal_conformance.engine_options import STOP_PAUSE
from datawal_conformance.errors import (
    AdapterDiedError,
    AdapterStartError,
    AdapterTimeoutError,
    AnswerError,
    HelloError,
    ProtocolError,
)
from datawal_conformance.protocol import MAX_LINE, Hello, decode_line, hello_line, parse_hello

STDERR_TAIL: Final = 8 * 1024
"""Bytes of an adapter's stderr that are kept."""

_CHUNK: Final = 256 * 1024
_GRACE: Final = 2.0
_POSTED_TOGETHER: Final = 8
"""Lines that go out in one write: each write wakes the adapter, which has others to work on meanwhile."""
_MOST_STRAY_LINES: Final = 16
_MARK_NAME: Final = "DATAWAL_CONFORMANCE_MARK"
_MARKED_ROUNDS: Final = 3


class AdapterProcess:
    """A running adapter. Use as a context manager: leaving it ends the process and its group.

    `trace`, when given, is told of every line sent (`>`) or received (`<`).
    """

    def __init__(self, command: Sequence[str], trace: Callable[[str, bytes], None] | None = None) -> None:
        self.command = tuple(command)
        self._trace = trace
        self._mark = secrets.token_hex(16)
        try:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                env={**os.environ, _MARK_NAME: self._mark},
                restore_signals=True,
            )
        except (OSError, ValueError) as error:
            msg = f"cannot start {self.command[0]!r}: {error}"
            raise AdapterStartError(msg) from error
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self._stdin = self._process.stdin
        self._out = self._process.stdout.fileno()
        self._err = self._process.stderr.fileno()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            os.set_blocking(stream.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)
        self._selector.register(self._err, selectors.EVENT_READ)
        self._unsent = bytearray()
        self._posted = 0
        self._watching_stdin = False
        self._partial = bytearray()
        self._stderr = b""
        self._stdout_open = True
        self._stderr_open = True
        self._ended = False

    @property
    def pid(self) -> int:
        """Process id, which is also the id of the adapter's group."""
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.end()

    @property
    def stderr_tail(self) -> str:
        """The last `STDERR_TAIL` bytes of stderr, as text."""
        return self._stderr.decode("utf-8", "backslashreplace")

    def send(self, line: bytes) -> None:
        """Queue one line; as much as fits the pipe goes out at once."""
        self._traced(">", line)
        self._unsent += line
        self._flush()

    def post(self, line: bytes) -> None:
        """Queue one line that may wait for a few others, at longest until the next `receive`."""
        self._traced(">", line)
        self._unsent += line
        self._posted += 1
        if self._posted >= _POSTED_TOGETHER:
            self._flush()

    def _flush(self) -> None:
        self._posted = 0
        try:
            while self._unsent:
                del self._unsent[: os.write(self._stdin.fileno(), self._unsent[:_CHUNK])]
        except BlockingIOError:
            pass
        except (BrokenPipeError, ValueError):
            self._unsent.clear()
        wants = bool(self._unsent)
        if wants != self._watching_stdin:
            if wants:
                self._selector.register(self._stdin.fileno(), selectors.EVENT_WRITE)
            else:
                self._selector.unregister(self._stdin.fileno())
            self._watching_stdin = wants

    def receive(self, deadline: float, check: Callable[[], None] = lambda: None) -> list[bytes]:
        """Wait for at least one whole line and return all that are there.

        `deadline` is a `time.monotonic()` value; `check` is called now and then and may raise to end the wait.
        Raises AdapterTimeoutError when the deadline passes, AdapterDiedError when stdout ends, AnswerError when a
        line grows beyond `MAX_LINE` bytes.
        """
        self._flush()
        called = time.monotonic()
        while True:
            check()
            left = deadline - time.monotonic()
            if left <= 0:
                msg = f"no answer within {deadline - called:.3g} s"
                raise AdapterTimeoutError(msg, self.stderr_tail)
            for key, _mask in self._selector.select(min(left, STOP_PAUSE)):
                if key.fd == self._err:
                    self._read_stderr()
                elif key.fd == self._out:
                    lines = self._read_stdout()
                    for line in lines:
                        self._traced("<", line)
                    if lines:
                        return lines
                else:
                    self._flush()

    def _traced(self, direction: str, line: bytes) -> None:
        if self._trace is not None:
            self._trace(direction, line)

    def _read_stdout(self) -> list[bytes]:
        try:
            chunk = os.read(self._out, _CHUNK)
        except BlockingIOError:
            return []
        if not chunk:
            raise AdapterDiedError(self._epitaph(), self.stderr_tail)
        head, newline, rest = chunk.rpartition(b"\n")
        if not newline:
            self._partial += chunk
            if len(self._partial) > MAX_LINE:
                msg = f"an answer line grew beyond {MAX_LINE} bytes without an end"
                raise AnswerError(msg, self.stderr_tail)
            return []
        lines = bytes(self._partial + head).split(b"\n")
        self._partial = bytearray(rest)
        return lines

    def _read_stderr(self) -> None:
        if not self._stderr_open:
            return
        with contextlib.suppress(BlockingIOError):
            chunk = os.read(self._err, _CHUNK)
            if chunk:
                self._stderr = (self._stderr + chunk)[-STDERR_TAIL:]
            else:
                self._selector.unregister(self._err)
                self._stderr_open = False

    def _epitaph(self) -> str:
        """Why stdout ended. Waits a moment for the process, and drains stderr for the report."""
        if self._stdout_open:
            self._selector.unregister(self._out)
            self._stdout_open = False
        deadline = time.monotonic() + _GRACE
        while not self._exited() and time.monotonic() < deadline:
            self._selector.select(0.01)
            self._read_stderr()
        self._read_stderr()
        half = f" in the middle of a line ({bytes(self._partial[:60])!r})" if self._partial else ""
        status = self._exit_status()
        if status is None:
            return f"the adapter closed its stdout{half} but lives on"
        if status < 0:
            return f"the adapter was ended by signal {-status} ({signal.strsignal(-status)}){half}"
        return f"the adapter exited with status {status}{half}"

    def _exit_status(self) -> int | None:
        """Exit status, negative for a signal, None while running. Does not reap: the group's id stays taken."""
        if self._process.returncode is not None:
            return self._process.returncode
        info = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if info is None:
            return None
        return info.si_status if info.si_code == os.CLD_EXITED else -info.si_status

    def _exited(self) -> bool:
        return self._exit_status() is not None

    def _wait(self, timeout: float, check: Callable[[], None] = lambda: None) -> bool:
        """Wait for the process to exit by itself, without reaping it."""
        deadline = time.monotonic() + timeout
        while not self._exited():
            check()
            if time.monotonic() > deadline:
                return False
            self._selector.select(0.005)
            self._read_stderr()
        return True

    def greet(self, timeout: float, check: Callable[[], None] = lambda: None) -> Hello:
        """Say hello and read the answer; raises a ProtocolError that says what went wrong."""
        self.send(hello_line())
        return self.take_hello(timeout, check)

    def take_hello(self, timeout: float, check: Callable[[], None] = lambda: None) -> Hello:
        """Read the answer to a hello sent before; raises a ProtocolError that says what went wrong."""
        try:
            lines = self.receive(time.monotonic() + timeout, check)
            if len(lines) > 1:
                msg = f"expected one line in answer to hello, found {len(lines)}"
                raise HelloError(msg)
            return parse_hello(decode_line(lines[0]))
        except AdapterTimeoutError as error:
            msg = f"no answer to hello within {timeout:g} s"
            raise HelloError(msg, self.stderr_tail) from error
        except AdapterDiedError as error:
            msg = f"no answer to hello: {error}"
            raise HelloError(msg, self.stderr_tail) from error
        except ProtocolError as error:
            msg = f"wrong answer to hello: {error}"
            raise HelloError(msg, self.stderr_tail) from error

    def kill(self) -> None:
        """Send SIGKILL to the adapter alone and wait for its death, as in a crash."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._wait(_GRACE)

    def finish(self, timeout: float, check: Callable[[], None] = lambda: None) -> list[bytes]:
        """Close stdin and read stdout to its end: the lines that nobody asked for.

        Raises AdapterTimeoutError when the adapter is still there after `timeout` seconds.
        """
        self.close_stdin()
        deadline = time.monotonic() + timeout
        lines: list[bytes] = []
        try:
            while len(lines) < _MOST_STRAY_LINES:
                lines += self.receive(deadline, check)
        except (AdapterDiedError, AdapterTimeoutError):
            pass
        except AnswerError:
            lines.append(bytes(self._partial[:80]))
        if not self._wait(max(0.0, deadline - time.monotonic()), check):
            msg = f"the adapter did not exit within {timeout:g} s after its stdin ended"
            raise AdapterTimeoutError(msg, self.stderr_tail)
        return lines

    def close_stdin(self) -> None:
        """Tell the adapter that nothing more will come; twice is harmless."""
        if self._watching_stdin:
            self._selector.unregister(self._stdin.fileno())
            self._watching_stdin = False
        with contextlib.suppress(OSError):
            self._stdin.close()

    def end(self) -> None:
        """End the adapter, its whole group, and those that left the group; twice is harmless."""
        if self._ended:
            return
        self._ended = True
        self.close_stdin()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        _kill_marked(f"{_MARK_NAME}={self._mark}".encode())
        self._selector.close()
        assert self._process.stdout
        assert self._process.stderr
        self._process.stdout.close()
        self._process.stderr.close()


def _kill_marked(mark: bytes) -> None:
    """End the processes that carry the mark in their environment. They may be forking meanwhile: look again."""
    for _ in range(_MARKED_ROUNDS):
        marked = [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _carries(entry, mark)]
        if not marked:
            return
        for pid in marked:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def _carries(entry: Path, mark: bytes) -> bool:
    try:
        return mark in (entry / "environ").read_bytes()
    except OSError:
        return False
