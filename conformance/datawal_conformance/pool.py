"""Several engines side by side, each with an adapter process of its own, drawing from one list of cases.

Threads, not processes: the runner spends its time waiting for adapters and for the file system.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from datawal_conformance.case import Case
from datawal_conformance.engine import Engine, EngineReport
from datawal_conformance.engine_options import EngineOptions
from datawal_conformance.errors import ProtocolError
from datawal_conformance.protocol import Hello
from datawal_conformance.verdict import CaseResult


class _Shared:
    """An iterator that several threads may draw from."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self._cases = iter(cases)
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[Case]:
        return self

    def __next__(self) -> Case:
        with self._lock:
            return next(self._cases)


class Pool:
    """`jobs` engines. `emit` is called by one thread at a time; `stop` ends the run early.

    Raises a ProtocolError when the adapter cannot be started or greeted.
    """

    def __init__(self, options: EngineOptions, jobs: int, emit: Callable[[CaseResult], None]) -> None:
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._emit = emit
        self._engines = []
        for number in range(jobs):
            workdir = Path(options.workdir) / f"job{number}"
            workdir.mkdir()
            own = replace(options, workdir=str(workdir), stopped=self._stop.is_set)
            self._engines.append(Engine(own, self._emit_locked))

    def _emit_locked(self, result: CaseResult) -> None:
        with self._lock:
            if not self._stop.is_set():
                self._emit(result)

    def greet(self) -> Hello:
        """Start the first adapter and exchange hello."""
        return self._engines[0].greet()

    def stop(self) -> None:
        """Ask every engine to drop what is in flight and return."""
        self._stop.set()

    def run(self, cases: Sequence[Case]) -> EngineReport:
        """Run the cases; see `Engine.run`. An interrupt stops the engines, waits for them and is raised again."""
        shared = _Shared(cases)
        reports: list[EngineReport] = []
        errors: list[ProtocolError] = []

        def work(engine: Engine) -> None:
            try:
                reports.append(engine.run(shared))
                if reports[-1].gave_up:
                    self.stop()
            except ProtocolError as error:
                errors.append(error)
                self.stop()

        threads = [threading.Thread(target=work, args=(engine,), daemon=True) for engine in self._engines]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            self.stop()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        if errors:
            raise errors[0]
        merged = EngineReport()
        for report in reports:
            merged.incidents += report.incidents
            merged.gave_up = merged.gave_up or report.gave_up
        return merged
