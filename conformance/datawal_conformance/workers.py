"""Several engines side by side, each in a process of its own, drawing from one list of cases.

Processes, not threads: laying out and comparing files keeps the interpreter busy most of the time. They are forked, so
that the cases, which take longest to load, are there at once.
"""

import gc
import mmap
import multiprocessing
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType
from typing import Any, Final, Self

from datawal_conformance.case import Case
from datawal_conformance.engine import Engine, EngineReport
from datawal_conformance.engine_options import STOP_PAUSE, EngineOptions, StoppedError
from datawal_conformance.errors import ProtocolError, RunnerError
from datawal_conformance.interruption import SIGNALS
from datawal_conformance.protocol import Hello
from datawal_conformance.verdict import CaseResult

_FORK = multiprocessing.get_context("fork")
_CASES_A_DRAW: Final = 8
_RESULTS_A_MESSAGE: Final = 64
_MESSAGE_SECONDS: Final = 0.05
_LEAVE_SECONDS: Final = 10.0
"""How long a worker may take to end its adapters when it is told to stop."""


class _Draw:
    """Cases from which several processes draw: each case comes to one of them."""

    def __init__(self, cases: Sequence[Case], at_once: int) -> None:
        self._cases = cases
        self._at_once = at_once
        self._next = _FORK.Value("q", 0)

    def __iter__(self) -> Iterator[Case]:
        while True:
            with self._next.get_lock():
                start = self._next.value
                self._next.value = start + self._at_once
            if start >= len(self._cases):
                return
            yield from self._cases[start : start + self._at_once]


@dataclass(frozen=True, slots=True)
class _Traced:
    """A line that a worker sent to its adapter or received from it."""

    direction: str
    line: bytes


class Workers:
    """`jobs` engines in processes of their own; used as `Engine` is. Leaving the context ends them.

    `emit` is called in this process. `options.stopped`, asked here, ends them all.
    """

    def __init__(
        self,
        options: EngineOptions,
        together: Sequence[Case],
        apart: Sequence[Case],
        emit: Callable[[CaseResult], None],
        jobs: int,
    ) -> None:
        self._options = options
        self._emit = emit
        self._stop = mmap.mmap(-1, 1)
        self._draws = _Draw(together, _CASES_A_DRAW), _Draw(apart, 1)
        self._jobs = jobs
        self._processes: dict[Connection, Any] = {}
        self._hello: Hello | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop[0] = 1
        for connection, process in self._processes.items():
            process.join(_LEAVE_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
            connection.close()
        self._processes.clear()

    def greet(self) -> Hello:
        """Start the workers, wait for the first adapter's hello. The workers go on by themselves.

        Raises a ProtocolError when an adapter cannot be started or greeted, StoppedError when somebody stops first.
        """
        # A collection in a worker would write to every object made so far, and copy the memory that forking shares.
        gc.freeze()
        for number in range(self._jobs):
            self._start(number)
        while self._hello is None:
            self._options.check_stop()
            self._take_messages()
        return self._hello

    def _start(self, number: int) -> None:
        workdir = Path(self._options.workdir) / f"job{number}"
        workdir.mkdir()
        reader, writer = _FORK.Pipe(duplex=False)
        options = replace(
            self._options,
            workdir=str(workdir),
            stopped=lambda: self._stop[0] != 0,
            trace=None if self._options.trace is None else lambda *args: writer.send(_Traced(*args)),
        )
        # A worker that held the reading ends would not notice that this process is gone.
        not_theirs = [*self._processes, reader]
        process = _FORK.Process(target=_work, args=(options, *self._draws, writer, not_theirs), daemon=True)
        process.start()
        writer.close()
        self._processes[reader] = process

    def run(self) -> EngineReport:
        """Take results until every worker is done; see `Engine.run`."""
        merged = EngineReport()
        while self._processes:
            if self._options.stopped():
                self._stop[0] = 1
            for report in self._take_messages():
                merged.add(report)
                if merged.gave_up:
                    self._stop[0] = 1
        return merged

    def _take_messages(self) -> list[EngineReport]:
        """Wait for what workers say and act on it; returns the report of each that is done."""
        reports = []
        for connection in wait(list(self._processes), STOP_PAUSE):
            assert isinstance(connection, Connection)
            try:
                message = connection.recv()
            except EOFError:
                process = self._processes[connection]
                process.join()
                msg = f"a worker of the runner ended early, with status {process.exitcode}"
                raise RunnerError(msg) from None
            if isinstance(message, EngineReport):
                reports.append(message)
                self._processes.pop(connection).join()
                connection.close()
            else:
                self._take(message)
        return reports

    def _take(self, message: object) -> None:
        if isinstance(message, list):
            for result in message:
                self._emit(result)
        elif isinstance(message, _Traced):
            assert self._options.trace is not None
            self._options.trace(message.direction, message.line)
        elif isinstance(message, Hello):
            self._hello = self._hello or message
        else:
            assert isinstance(message, Exception)
            raise message


def _work(
    options: EngineOptions, together: _Draw, apart: _Draw, parent: Connection, not_ours: Sequence[Connection]
) -> None:
    """Be a worker: run an engine and tell the parent everything."""
    for number in SIGNALS:
        signal.signal(number, _left_to_the_parent)
    for connection in not_ours:
        connection.close()
    results: list[CaseResult] = []
    told = time.monotonic()

    def emit(result: CaseResult) -> None:
        nonlocal told
        results.append(result)
        if len(results) >= _RESULTS_A_MESSAGE or time.monotonic() - told > _MESSAGE_SECONDS:
            tell()

    def tell() -> None:
        nonlocal told
        parent.send(results)
        results.clear()
        told = time.monotonic()

    try:
        with Engine(options, together, apart, emit) as engine:
            parent.send(engine.greet())
            report = engine.run()
            tell()
            parent.send(report)
    except BrokenPipeError:
        pass
    except StoppedError:
        parent.send(EngineReport())
    except ProtocolError as error:
        parent.send(error)
    except Exception:  # noqa: BLE001  (the parent raises it again: nothing is swallowed)
        parent.send(RunnerError("a worker of the runner failed:\n" + traceback.format_exc()))


def _left_to_the_parent(_number: int, _frame: FrameType | None) -> None:
    """Ctrl-C reaches every process of the terminal. Ignoring it outright would be inherited by adapters."""
