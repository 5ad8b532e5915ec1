"""Run cases through an adapter: many in flight, one alone when something breaks.

Strategy: requests wait in the adapter's pipe, so its loop never idles. When it dies, stays silent or answers
nonsense, the oldest case without an answer is the suspect: it runs again alone, in a process of its own, and what
it does there is its outcome. The other cases in flight go back to the queue. When no suspect breaks alone, the
break is an incident of the adapter, which no number of passes outweighs.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from datawal_conformance.adapter import AdapterProcess
from datawal_conformance.case import Case, Step
from datawal_conformance.errors import (
    AdapterDiedError,
    AdapterTimeoutError,
    AnswerError,
    ProtocolError,
)
from datawal_conformance.judge_case import StepResult, failed, judge_case
from datawal_conformance.mismatch import Mismatch
from datawal_conformance.protocol import Hello, decode_line, parse_results, request_line
from datawal_conformance.sandbox import Sandbox
from datawal_conformance.verdict import BROKEN, CaseResult, Incident, Outcome

MOST_INCIDENTS: Final = 3
"""Incidents after which a run gives up on the adapter."""

MOST_BROKEN_IN_A_ROW: Final = 20
"""Consecutive cases without a usable answer after which a run gives up; a timeout counts as four."""

CASE_DIRECTORY: Final = "DIR"
"""What stands for the path of a case's directory in the messages of an implementation."""

_TIMEOUT_WEIGHT: Final = 4
_LEAVE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How cases are run.

    `timeout` is in seconds and counts from the adapter's last answer, `window` is the number of cases in flight,
    `isolate` gives every case processes of its own. `trace`, when given, is told of every line sent and received.
    `stopped` is asked between answers; once it says so, the engine drops what is in flight and returns.
    """

    command: Sequence[str]
    workdir: str
    timeout: float = 10.0
    window: int = 32
    isolate: bool = False
    trace: Callable[[str, bytes], None] | None = None
    stopped: Callable[[], bool] = lambda: False


@dataclass(slots=True)
class EngineReport:
    """What a run of the engine found besides the results it emitted."""

    incidents: list[Incident] = field(default_factory=list)
    gave_up: str = ""


class _AnsweredAgainError(AnswerError):
    """A case that has its result was answered once more."""

    def __init__(self, message: str, stderr: str, case: Case) -> None:
        super().__init__(message, stderr)
        self.case = case


class _GaveUpError(Exception):
    """Too much is broken to go on."""


class _StoppedError(Exception):
    """Somebody asked the engine to stop."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Part of a case: steps for one process in one request, or one action of the runner."""

    process: str
    steps: list[Step]
    more: bool
    is_action: bool


def phases(case: Case) -> list[Phase]:
    """Cut a case into requests, as few as its actions and processes allow, and actions."""
    groups: list[tuple[str, list[Step], bool]] = []
    for step in case.steps:
        is_action = step.action is not None
        if groups and not is_action and not groups[-1][2] and groups[-1][0] == step.process:
            groups[-1][1].append(step)
        else:
            groups.append((step.process, [step], is_action))
    last = {
        process: number
        for number, (process, steps, is_action) in enumerate(groups)
        if not is_action or steps[0].ends_process
    }
    return [
        Phase(process, steps, not is_action and last[process] != number, is_action)
        for number, (process, steps, is_action) in enumerate(groups)
    ]


class _CaseRun:
    """A case under way: its directory, what is left to do, what came back."""

    def __init__(self, case: Case, directory: str) -> None:
        self.case = case
        self.directory = directory
        self.sandbox = Sandbox(directory, case.given)
        self.phases = deque(phases(case))
        self.results: dict[int, StepResult] = {}
        self.started = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started

    def act(self) -> CaseResult | None:
        """Do the runner's actions that come next; a result when one cannot be done."""
        while self.phases and self.phases[0].is_action:
            step = self.phases.popleft().steps[0]
            assert step.action is not None
            try:
                self.results[step.number] = self.sandbox.act(step.action)
            except OSError as error:
                mismatch = Mismatch(step.title, "a file the implementation made", str(error.strerror))
                return failed(self.case, step, mismatch, self.seconds)
        return None

    def next_request(self) -> bytes:
        phase = self.phases[0]
        return request_line(self.case, self.directory, phase.steps, more=phase.more)

    def take(self, message: dict[str, object]) -> None:
        """Take the answer to the request under way; raises AnswerError when it is malformed."""
        phase = self.phases[0]
        results = parse_results(message, phase.steps)
        self.phases.popleft()
        for step, result in zip(phase.steps, results, strict=True):
            if "error" in result:
                # Where the directory lies differs from run to run; what an error says should not.
                error = result["error"]
                error["message"] = error["message"].replace(self.directory, CASE_DIRECTORY)
            self.results[step.number] = result

    def verdict(self, capabilities: frozenset[str]) -> CaseResult:
        return judge_case(self.case, self.results, capabilities, self.sandbox.compare, self.seconds)

    def broken(self, error: ProtocolError) -> CaseResult:
        """The result of a case in which the adapter, alone with it, gave no usable answer."""
        if isinstance(error, AdapterDiedError):
            outcome = Outcome.CRASHED
        elif isinstance(error, AdapterTimeoutError):
            outcome = Outcome.TIMED_OUT
        else:
            outcome = Outcome.PROTOCOL_ERROR
        case = self.case
        step = self.phases[0].steps[0] if self.phases else None
        place = f"step {step.number} {step.title} or later: " if step else "after the last answer: "
        return CaseResult(
            case.id,
            case.profile,
            tuple(case.clauses),
            outcome,
            self.seconds,
            message=place + str(error),
            step=step.number if step else None,
            step_title=step.title if step else "",
            stderr=error.stderr,
        )


class Engine:
    """Runs cases and emits their results. `hello` is what the adapter said of itself."""

    def __init__(self, options: EngineOptions, emit: Callable[[CaseResult], None]) -> None:
        self._options = options
        self._emit = emit
        self._report = EngineReport()
        self._source: Iterator[Case] = iter(())
        self._queue: deque[Case] = deque()
        self._alone: deque[Case] = deque()
        self._in_flight: dict[str, _CaseRun] = {}
        self._answered: dict[str, Case] = {}
        self._directories = 0
        self._broken_in_a_row = 0
        self._process: AdapterProcess | None = None
        self._hello: Hello | None = None

    def greet(self) -> Hello:
        """Start the adapter and exchange hello; raises a ProtocolError when that fails."""
        if self._process is None:
            self._process, self._hello = self._start()
        assert self._hello is not None
        return self._hello

    def _start(self) -> tuple[AdapterProcess, Hello]:
        process = AdapterProcess(self._options.command)
        try:
            return process, process.greet(self._options.timeout)
        except BaseException:
            process.end()
            raise

    @property
    def _capabilities(self) -> frozenset[str]:
        assert self._hello is not None
        return self._hello.capabilities

    def run(self, cases: Iterable[Case]) -> EngineReport:
        """Run the cases; every one of them is emitted unless the run gives up or is interrupted.

        A case is emitted again when a later answer of the adapter shows its first result to be unfounded; the
        last result counts.
        Raises a ProtocolError when the adapter cannot be started or greeted.
        """
        try:
            self.greet()
            self._source = iter(cases)
            self._run_queue()
            while self._alone:
                self._done(self._run_alone(self._alone.popleft()))
        except _GaveUpError as error:
            self._report.gave_up = str(error)
        except _StoppedError:
            pass
        finally:
            self.close()
        return self._report

    def close(self) -> None:
        """End the adapter and remove the directories of cases still in flight."""
        self._drop_process()
        for run in self._in_flight.values():
            run.sandbox.remove()
        self._in_flight.clear()

    def _drop_process(self) -> None:
        if self._process is not None:
            self._process.end()
            self._process = None

    def _run_queue(self) -> None:
        deadline = time.monotonic() + self._options.timeout
        while True:
            try:
                self.greet()
                self._fill_window()
                if not self._in_flight:
                    break
                process = self._process
                assert process is not None
                for line in process.receive(deadline, self._check_stop):
                    self._take_line(process, line)
                deadline = time.monotonic() + self._options.timeout
            except ProtocolError as error:
                self._blame(error)
                deadline = time.monotonic() + self._options.timeout
        self._say_goodbye()

    def _say_goodbye(self) -> None:
        """Let the adapter leave, and notice what it says unasked."""
        if self._process is None:
            return
        try:
            stray = self._process.finish(_LEAVE_SECONDS)
        except AdapterTimeoutError as error:
            self._report.incidents.append(Incident(str(error), (), error.stderr))
        else:
            if stray:
                message = f"the adapter wrote lines that nobody asked for, the first {stray[0][:80]!r}"
                self._report.incidents.append(Incident(message, (), self._process.stderr_tail))
        self._drop_process()

    def _new_run(self, case: Case) -> _CaseRun:
        self._directories += 1
        return _CaseRun(case, os.path.join(self._options.workdir, str(self._directories)))

    def _check_stop(self) -> None:
        if self._options.stopped():
            raise _StoppedError

    def _fill_window(self) -> None:
        self._check_stop()
        while len(self._in_flight) < self._options.window and (case := self._next_case()) is not None:
            run = self._new_run(case)
            self._in_flight[case.id] = run
            self._proceed(run)

    def _next_case(self) -> Case | None:
        """The next case that may share a process; others are answered or put aside on the way."""
        if self._queue:
            return self._queue.popleft()
        for case in self._source:
            if not case.requires <= self._capabilities:
                missing = ", ".join(sorted(case.requires - self._capabilities))
                self._emit(_unsupported(case, missing))
            elif case.isolated or self._options.isolate:
                self._alone.append(case)
            else:
                return case
        return None

    def _proceed(self, run: _CaseRun) -> None:
        """Do what comes next in a case: actions, then a request or the verdict."""
        result = run.act()
        if result is None and run.phases:
            self._send(run)
            return
        if result is None:
            result = run.verdict(self._capabilities)
        del self._in_flight[run.case.id]
        self._answered[run.case.id] = run.case
        run.sandbox.remove()
        self._done(result)

    def _send(self, run: _CaseRun) -> None:
        assert self._process is not None
        line = run.next_request()
        if self._options.trace:
            self._options.trace(">", line)
        self._process.send(line)

    def _take_line(self, process: AdapterProcess, line: bytes) -> None:
        if self._options.trace:
            self._options.trace("<", line)
        message = decode_line(line)
        case_id = message.get("id")
        run = self._in_flight.get(case_id) if isinstance(case_id, str) else None
        if run is None and case_id in self._answered:
            text = f"a second answer carries the id {case_id!r}"
            raise _AnsweredAgainError(text, process.stderr_tail, self._answered[case_id])
        if run is None:
            text = f"an answer carries the id {str(case_id)[:80]!r}, which no request in flight has"
            raise AnswerError(text, process.stderr_tail)
        try:
            run.take(message)
        except AnswerError as error:
            error.stderr = process.stderr_tail
            raise
        self._proceed(run)

    def _done(self, result: CaseResult) -> None:
        self._emit(result)
        if result.outcome in BROKEN:
            self._broken_in_a_row += _TIMEOUT_WEIGHT if result.outcome is Outcome.TIMED_OUT else 1
            if self._broken_in_a_row >= MOST_BROKEN_IN_A_ROW:
                msg = f"the adapter gave no usable answer to the last cases in a row; the latest: {result.message}"
                raise _GaveUpError(msg)
        else:
            self._broken_in_a_row = 0

    def _blame(self, error: ProtocolError) -> None:
        """Find the case that breaks the adapter, by running suspects alone, oldest first."""
        self._drop_process()
        suspects = [run.case for run in self._in_flight.values()]
        if isinstance(error, _AnsweredAgainError):
            suspects.insert(0, error.case)
        for run in self._in_flight.values():
            run.sandbox.remove()
        self._in_flight.clear()
        for number, case in enumerate(suspects):
            result = self._run_alone(case)
            if result.outcome in BROKEN:
                self._queue.extendleft(reversed(suspects[number + 1 :]))
                self._done(result)
                return
            self._done(result)
        ids = tuple(case.id for case in suspects)
        self._report.incidents.append(Incident(str(error), ids, error.stderr))
        if len(self._report.incidents) >= MOST_INCIDENTS:
            msg = f"the adapter broke {MOST_INCIDENTS} times in ways no single case explains; the latest: {error}"
            raise _GaveUpError(msg)

    def _run_alone(self, case: Case) -> CaseResult:
        """Run one case with adapter processes of its own."""
        self._check_stop()
        run = self._new_run(case)
        processes: dict[str, AdapterProcess] = {}
        capabilities = self._capabilities
        try:
            while run.phases:
                phase = run.phases[0]
                step = phase.steps[0]
                if step.action is not None and step.ends_process:
                    run.phases.popleft()
                    run.results[step.number] = None
                    self._end_process(processes.pop(step.process, None), step.action["do"])
                    continue
                if phase.is_action:
                    if (result := run.act()) is not None:
                        return result
                    continue
                if phase.process not in processes:
                    processes[phase.process] = self._start()[0]
                self._exchange(processes[phase.process], run)
            for process in processes.values():
                self._leave(process)
            return run.verdict(capabilities)
        except ProtocolError as error:
            return run.broken(error)
        finally:
            for process in processes.values():
                process.end()
            run.sandbox.remove()

    def _end_process(self, process: AdapterProcess | None, how: str) -> None:
        if process is None:
            return
        try:
            if how == "kill":
                process.kill()
            else:
                self._leave(process)
        finally:
            process.end()

    def _exchange(self, process: AdapterProcess, run: _CaseRun) -> None:
        line = run.next_request()
        if self._options.trace:
            self._options.trace(">", line)
        process.send(line)
        lines = process.receive(time.monotonic() + self._options.timeout, self._check_stop)
        for answer in lines:
            if self._options.trace:
                self._options.trace("<", answer)
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

    def _leave(self, process: AdapterProcess) -> None:
        stray = process.finish(_LEAVE_SECONDS)
        if stray:
            msg = f"after the last answer came a line nobody asked for: {stray[0][:80]!r}"
            raise AnswerError(msg, process.stderr_tail)


def _unsupported(case: Case, missing: str) -> CaseResult:
    message = f"needs {missing}, which the adapter does not name"
    return CaseResult(case.id, case.profile, tuple(case.clauses), Outcome.UNSUPPORTED, 0.0, message=message)
