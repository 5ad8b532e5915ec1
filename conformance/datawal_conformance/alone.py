"""Run one case alone, with adapter processes of its own.

For cases that end processes or need several, and for finding out which case breaks an adapter. The processes a case
will need are started together, so that one is ready while another still works. Where nothing is being blamed, processes
that a case did not end may serve the next one.
"""

import time
from collections import deque
from typing import Final

from datawal_conformance.adapter import AdapterProcess
from datawal_conformance.case import Case, Step
from datawal_conformance.case_run import CaseRun
from datawal_conformance.engine_options import EngineOptions
from datawal_conformance.errors import AnswerError, ProtocolError
from datawal_conformance.protocol import decode_line, hello_line
from datawal_conformance.verdict import CaseResult

LEAVE_SECONDS: Final = 5.0
"""How long an adapter may take to leave when its stdin ends."""

_MOST_STARTED_AHEAD: Final = 4


class _Processes:
    """The adapter processes of one case: those that run, by name, and those started ahead.

    `running` are greeted processes from earlier cases, and where to leave them for later ones; None for neither.
    """

    def __init__(self, case: Case, options: EngineOptions, running: dict[str, AdapterProcess] | None) -> None:
        self._options = options
        self._keep = running is not None
        self._ended: list[AdapterProcess] = []
        self._running = {} if running is None else running
        lives = _lives(case) - len(self._running)
        self._ahead = deque(self._start() for _ in range(min(_MOST_STARTED_AHEAD, max(0, lives))))

    def _start(self) -> AdapterProcess:
        process = AdapterProcess(self._options.command, self._options.trace)
        process.send(hello_line())
        return process

    def get(self, name: str) -> AdapterProcess:
        """The process of this name, greeted."""
        if name not in self._running:
            self._running[name] = self._ahead.popleft() if self._ahead else self._start()
            self._running[name].take_hello(self._options.timeout, self._options.check_stop)
        return self._running[name]

    def end(self, step: Step) -> None:
        """Kill a process, or let it leave, as the step says."""
        process = self._running.pop(step.process, None)
        if process is None:
            return
        # Its children live on until the case is over, as they would after a crash.
        self._ended.append(process)
        if step.action is not None and step.action["do"] == "kill":
            process.kill()
        else:
            self._leave(process)

    def leave(self) -> None:
        """Let all that run leave by themselves; raises a ProtocolError when one does not, or says more."""
        if self._keep:
            return
        for process in self._running.values():
            process.close_stdin()
        for process in self._running.values():
            self._leave(process)

    def _leave(self, process: AdapterProcess) -> None:
        stray = process.finish(LEAVE_SECONDS, self._options.check_stop)
        if stray:
            msg = f"after the last answer came a line nobody asked for: {stray[0][:80]!r}"
            raise AnswerError(msg, process.stderr_tail)

    def close(self, *, failed: bool) -> None:
        """End what nobody needs any more: everything, unless processes are kept and none failed."""
        for process in (*self._ahead, *self._ended):
            process.end()
        if failed or not self._keep:
            for process in self._running.values():
                process.end()
            self._running.clear()


def _lives(case: Case) -> int:
    """How many processes a case needs, counting those that start anew after their end."""
    alive: set[str] = set()
    count = 0
    for step in case.steps:
        if step.ends_process:
            alive.discard(step.process)
        elif step.action is None and step.process not in alive:
            alive.add(step.process)
            count += 1
    return count


def run_alone(
    run: CaseRun,
    options: EngineOptions,
    capabilities: frozenset[str],
    running: dict[str, AdapterProcess] | None = None,
) -> CaseResult:
    """Run a case in processes of its own, and remove its directory.

    With `running`, greeted processes in it are used by their names, and those left over are put back.
    """
    processes: _Processes | None = None
    broken = True
    try:
        processes = _Processes(run.case, options, running)
        while run.phases:
            phase = run.phases[0]
            if phase.steps[0].ends_process:
                step = run.phases.popleft().steps[0]
                run.results[step.number] = None
                processes.end(step)
            elif phase.is_action:
                if (result := run.act()) is not None:
                    return result
            else:
                _exchange(processes.get(phase.process), run, options)
        processes.leave()
        broken = False
        return run.verdict(capabilities)
    except ProtocolError as error:
        return run.broken(error)
    finally:
        if processes is not None:
            processes.close(failed=broken)
        run.sandbox.remove()


def _exchange(process: AdapterProcess, run: CaseRun, options: EngineOptions) -> None:
    process.send(run.next_request())
    lines = process.receive(time.monotonic() + options.timeout, options.check_stop)
    message = decode_line(lines[0])
    if message.get("id") != run.case.id:
        msg = f"expected an answer with the id {run.case.id!r}, found {str(message.get('id'))[:80]!r}"
        raise AnswerError(msg, process.stderr_tail)
    try:
        run.take(message)
    except AnswerError as error:
        error.stderr = process.stderr_tail
        raise
    if len(lines) > 1:
        msg = f"expected one answer, found {len(lines)} lines"
        raise AnswerError(msg, process.stderr_tail)
