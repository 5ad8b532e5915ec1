"""A conversation with an adapter that goes on in a fresh process when it broke."""

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from datawal_conformance.adapter import AdapterProcess
from datawal_conformance.case import Step
from datawal_conformance.doctor._steps import UNKNOWN, Json
from datawal_conformance.errors import AdapterTimeoutError, AnswerError, ProtocolError
from datawal_conformance.protocol import decode_line, parse_results, request_line
from datawal_conformance.sandbox import Sandbox
from datawal_conformance.terminal import harmless

_MOST_SILENCES = 3
"""How often to wait in vain for an answer before giving up."""


class StrayLineError(AnswerError):
    """The adapter wrote a line that is no answer, or not the one that is due."""


class GaveUpError(Exception):
    """The adapter was silent too often, or did not come up again. No ProtocolError: no operation is to be blamed."""


class Session:
    """A conversation with an adapter, which is started again when it broke.

    `told` and `broken` are operations, each with the capability of its handle: those found wrong so far, and those that
    ended the conversation. `shut` are handles that could not be had at all.
    """

    def __init__(self, command: Sequence[str], timeout: float, root: Path) -> None:
        self.capabilities: frozenset[str] = frozenset()
        self.told: set[tuple[str, str]] = set()
        self.broken: set[tuple[str, str]] = set()
        self.shut: set[str] = set()
        self._command, self._timeout, self._root = command, timeout, root
        self.lost: ProtocolError | None = None
        """What ended the conversation, until there is a new one."""
        self._dirs = self._silences = 0
        self.process = AdapterProcess(command)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.process.end()

    def recover(self) -> None:
        """Put a fresh process in the place of one that broke; raises GaveUpError when that is of no use."""
        if self.lost is None:
            return
        self._silences += isinstance(self.lost, AdapterTimeoutError)
        if self._silences >= _MOST_SILENCES:
            msg = f"no answer came {self._silences} times; mend what is marked first"
            raise GaveUpError(msg)
        self.lost = None
        self.process.end()
        try:
            self.process = AdapterProcess(self._command)
            self.process.greet(self._timeout)
        except ProtocolError as error:
            msg = f"the adapter did not come up again: {error}"
            raise GaveUpError(msg) from error

    def fresh_dir(self, given: Json | None = None) -> Path:
        """A directory for one request, with these files."""
        self._dirs += 1
        directory = self._root / str(self._dirs)
        Sandbox(str(directory), given or {})
        return directory

    def ask(
        self, steps: Sequence[Json], directory: Path | None = None, *, case_id: str = "doctor", more: bool = False
    ) -> list[Json]:
        """Send one request and return its results; raises a ProtocolError on anything malformed.

        Another request follows at once, so that a line the adapter writes behind its answer is seen here.
        """
        self.recover()
        self.send(steps, directory or self.fresh_dir(), case_id, more=more)
        self.send([UNKNOWN], self.fresh_dir(), "doctor.behind", more=False)
        answer = self.receive([case_id, "doctor.behind"])[case_id]
        return parse_results(answer, [Step(number, "main", step, None, None) for number, step in enumerate(steps, 1)])

    def send(self, steps: Sequence[Json], directory: Path, case_id: str, *, more: bool) -> None:
        """Send one request, without what its steps expect."""
        bare = [{name: value for name, value in step.items() if name != "expect"} for step in steps]
        self.process.send(request_line(case_id, str(directory), bare, more=more))

    def receive(self, ids: Sequence[str]) -> dict[str, Json]:
        """The answers to these requests, in whatever order."""
        answers: dict[str, Json] = {}
        deadline = time.monotonic() + self._timeout
        while len(answers) < len(ids):
            for line in self.process.receive(deadline):
                try:
                    answer = decode_line(line)
                except AnswerError as error:
                    raise StrayLineError(str(error)) from error
                name = str(answer.get("id"))
                if name not in ids or name in answers:
                    msg = f"expected one answer with the id {ids[0]!r}, found {line[:100].decode(errors='replace')}"
                    raise StrayLineError(msg)
                answers[name] = answer
        return answers

    @property
    def last_words(self) -> str:
        """What tells most of stderr: the beginning of a panic, in some languages two lines long, else the last line."""
        lines = self.process.stderr_tail.splitlines()
        for number, line in enumerate(lines):
            if re.match(r"panic: |fatal error: |thread .* panicked at ", line):
                beginning = lines[number : number + (2 if line.endswith(":") else 1)]
                return f"stderr: {harmless(' '.join(beginning), 200)}"
        return f"stderr: {harmless(lines[-1], 200)}" if lines else ""
