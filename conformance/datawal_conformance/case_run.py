"""One case under way: cut into requests and actions, fed with answers, judged at the end."""

import time
from collections import deque
from dataclasses import dataclass
from typing import Final

from datawal_conformance.case import MAIN_PROCESS, Case, Step
from datawal_conformance.errors import AdapterDiedError, AdapterTimeoutError, ProtocolError
from datawal_conformance.judge_case import StepResult, failed, judge_case
from datawal_conformance.mismatch import Mismatch
from datawal_conformance.protocol import parse_results, request_line
from datawal_conformance.sandbox import Sandbox
from datawal_conformance.verdict import CaseResult, Outcome

CASE_DIRECTORY: Final = "DIR"
"""What stands for the path of a case's directory in the messages of an implementation."""


@dataclass(frozen=True, slots=True)
class Phase:
    """Part of a case: steps for one process in one request, or one action of the runner."""

    process: str
    steps: list[Step]
    more: bool
    is_action: bool


def phases(case: Case) -> list[Phase]:
    """Cut a case into requests, as few as its actions and processes allow, and actions."""
    if all(step.action is None and step.process == MAIN_PROCESS for step in case.steps):
        return [Phase(MAIN_PROCESS, list(case.steps), more=False, is_action=False)]
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


class CaseRun:
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
        """How long the case has been under way."""
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
        """The request that comes next, as a line."""
        phase = self.phases[0]
        requests = [step.request for step in phase.steps if step.request is not None]
        return request_line(self.case.id, self.directory, requests, more=phase.more)

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
        """The result of a case all of whose steps are done."""
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
