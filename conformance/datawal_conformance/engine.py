"""Run cases through an adapter: many in flight, one alone when something breaks.

Strategy: requests wait in the adapter's pipe, so its loop never idles. When it dies, stays silent or answers
nonsense, the oldest case without an answer is the suspect: it runs again alone, in a process of its own, and what
it does there is its outcome. The other cases in flight go back to the queue. When no suspect breaks alone, the
break is an incident of the adapter, which no number of passes outweighs.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Self

from datawal_conformance.adapter import AdapterProcess
from datawal_conformance.alone import LEAVE_SECONDS, run_alone
from datawal_conformance.case import Case
from datawal_conformance.case_run import CaseRun
from datawal_conformance.engine_options import EngineOptions, StoppedError
from datawal_conformance.errors import AdapterTimeoutError, AnswerError, ProtocolError
from datawal_conformance.protocol import Hello, decode_line
from datawal_conformance.sandbox import modes_are_heeded
from datawal_conformance.verdict import BROKEN, CaseResult, Incident, Outcome

UNPRIVILEGED: Final = "unprivileged"
"""What a case requires when file modes have to be heeded: the runner's to offer, not the adapter's."""

MOST_INCIDENTS: Final = 3
"""Incidents after which a run gives up on the adapter."""

MOST_BROKEN_IN_A_ROW: Final = 20
"""Consecutive cases without a usable answer after which the rest of their profile is left out; a timeout counts as
four. Where no case had a usable answer yet, the run gives up."""

_TIMEOUT_WEIGHT: Final = 4


@dataclass(slots=True)
class EngineReport:
    """What a run of the engine found besides the results it emitted.

    `left_out` counts, by profile, the cases that did not run because too many before them broke the adapter.
    """

    incidents: list[Incident] = field(default_factory=list)
    gave_up: str = ""
    left_out: Counter[str] = field(default_factory=Counter)

    def add(self, other: "EngineReport") -> None:
        """Take in what another engine found."""
        self.incidents += other.incidents
        self.gave_up = self.gave_up or other.gave_up
        self.left_out += other.left_out


class _AnsweredAgainError(AnswerError):
    """A case that has its result was answered once more."""

    def __init__(self, message: str, stderr: str, case: Case) -> None:
        super().__init__(message, stderr)
        self.case = case


class _GaveUpError(Exception):
    """Too much is broken to go on."""


class Engine:
    """Runs cases and emits their results; leaving the context ends the adapter.

    Cases `together` share a process, many in flight; cases `apart` follow, one at a time, each in processes that
    nothing else uses meanwhile.
    """

    def __init__(
        self,
        options: EngineOptions,
        together: Iterable[Case],
        apart: Iterable[Case],
        emit: Callable[[CaseResult], None],
    ) -> None:
        self._options = options
        self._emit = emit
        self._report = EngineReport()
        self._together = self._supported(together)
        self._apart = self._supported(apart)
        self._queue: deque[Case] = deque()
        self._in_flight: dict[str, CaseRun] = {}
        self._answered: dict[str, Case] = {}
        self._directories = 0
        self._broken_in_a_row = 0
        self._answered_usably = False
        self._hopeless: set[str] = set()
        self._process: AdapterProcess | None = None
        self._hello: Hello | None = None
        self._capabilities: frozenset[str] = frozenset()
        self._companions: dict[str, AdapterProcess] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._close()

    def greet(self) -> Hello:
        """Start the adapter and exchange hello.

        Raises a ProtocolError when that fails, StoppedError when somebody wants to stop first.
        """
        if self._process is None:
            self._process, self._hello = self._start()
            self._capabilities = self._hello.capabilities | ({UNPRIVILEGED} if modes_are_heeded() else set())
        assert self._hello is not None
        return self._hello

    def _start(self) -> tuple[AdapterProcess, Hello]:
        process = AdapterProcess(self._options.command, self._options.trace)
        try:
            return process, process.greet(self._options.timeout, self._options.check_stop)
        except BaseException:
            process.end()
            raise

    def run(self) -> EngineReport:
        """Run the cases; every one of them is emitted unless the run gives up or is stopped.

        A case is emitted again when a later answer of the adapter shows its first result to be unfounded; the
        last result counts.
        Raises a ProtocolError when the adapter cannot be started or greeted.
        """
        try:
            self.greet()
            self._run_queue()
            for case in self._apart:
                self._done(self._run_apart(case))
        except _GaveUpError as error:
            self._report.gave_up = str(error)
        except StoppedError:
            pass
        finally:
            self._close()
        return self._report

    def _close(self) -> None:
        """End the adapter and remove the directories of cases still in flight."""
        self._drop_process()
        for process in self._companions.values():
            process.end()
        self._companions.clear()
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
                for line in process.receive(deadline, self._options.check_stop):
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
            stray = self._process.finish(LEAVE_SECONDS, self._options.check_stop)
        except AdapterTimeoutError as error:
            self._report.incidents.append(Incident(str(error), (), error.stderr))
        else:
            if stray:
                message = f"the adapter wrote lines that nobody asked for, the first {stray[0][:80]!r}"
                self._report.incidents.append(Incident(message, (), self._process.stderr_tail))
        self._drop_process()

    def _new_run(self, case: Case) -> CaseRun:
        self._directories += 1
        return CaseRun(case, f"{self._options.workdir}/{self._directories}")

    def _fill_window(self) -> None:
        self._options.check_stop()
        while len(self._in_flight) < self._options.window and (case := self._next_case()) is not None:
            run = self._new_run(case)
            self._in_flight[case.id] = run
            self._proceed(run)

    def _next_case(self) -> Case | None:
        """The next case that may share a process."""
        while self._queue:
            case = self._queue.popleft()
            if not self._is_left_out(case):
                return case
        return next(self._together, None)

    def _is_left_out(self, case: Case) -> bool:
        if case.profile in self._hopeless:
            self._report.left_out[case.profile] += 1
        return case.profile in self._hopeless

    def _supported(self, cases: Iterable[Case]) -> Iterator[Case]:
        """Those cases for which the adapter has the capabilities; the others are answered on the way."""
        for case in cases:
            missing = case.requires - self._capabilities
            if missing:
                self._emit(_unsupported(case, ", ".join(sorted(missing))))
            elif not self._is_left_out(case):
                yield case

    def _proceed(self, run: CaseRun) -> None:
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

    def _send(self, run: CaseRun) -> None:
        assert self._process is not None
        self._process.post(run.next_request())

    def _take_line(self, process: AdapterProcess, line: bytes) -> None:
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
                if not self._answered_usably:
                    msg = f"the adapter gave no usable answer to any case; the latest: {result.message}"
                    raise _GaveUpError(msg)
                self._hopeless.add(result.profile)
                self._broken_in_a_row = 0
        else:
            self._broken_in_a_row = 0
            self._answered_usably = True

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

    def _run_apart(self, case: Case) -> CaseResult:
        """Run a case that needs several processes, in ones that earlier cases left; blame it only when alone."""
        if self._options.isolate:
            return self._run_alone(case)
        self._options.check_stop()
        result = run_alone(self._new_run(case), self._options, self._capabilities, self._companions)
        return self._run_alone(case) if result.outcome in BROKEN else result

    def _run_alone(self, case: Case) -> CaseResult:
        self._options.check_stop()
        return run_alone(self._new_run(case), self._options, self._capabilities)


def _unsupported(case: Case, missing: str) -> CaseResult:
    message = f"needs {missing}, which the adapter does not name"
    if missing == UNPRIVILEGED:
        message = "needs files that cannot be read, and this user may read everything"
    return CaseResult(case.id, case.profile, tuple(case.clauses), Outcome.UNSUPPORTED, 0.0, message=message)
