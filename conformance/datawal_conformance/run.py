"""One run from cases to record: the working directory, the engine, the deviations."""

import contextlib
import datetime as dt
import hashlib
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from datawal_conformance.case import Case
from datawal_conformance.deviations import Deviation, apply_deviations
from datawal_conformance.engine import Engine
from datawal_conformance.engine_options import EngineOptions, StoppedError
from datawal_conformance.interruption import Interruption, noted_interruption
from datawal_conformance.sandbox import memory_dir, remove_tree
from datawal_conformance.verdict import AGAINST, CaseResult, RunRecord
from datawal_conformance.workers import Workers

KIT = "datawal"
"""Name of the distribution the kit is part of."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run is made.

    `timeout` is in seconds; `jobs` counts adapter processes side by side; `isolate` gives every case a process of
    its own; `workdir` is where case directories are made, None for a place in memory; `filtered` says that cases
    were left out; the run ends early after `max_failures` failures when that is not 0; `available` counts the cases
    of the vectors by profile, empty when that is not known.
    """

    command: Sequence[str]
    timeout: float = 10.0
    jobs: int = 1
    isolate: bool = False
    workdir: Path | None = None
    filtered: bool = False
    max_failures: int = 0
    trace: Callable[[str, bytes], None] | None = None
    available: Mapping[str, int] = field(default_factory=dict)


def _machine() -> str:
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def vectors_digest(vectors: Path) -> str:
    """First 16 hex digits of the SHA-256 over names and contents of all case files."""
    total = hashlib.sha256()
    root = vectors / "cases"
    for path in sorted(root.rglob("*.json")):
        total.update(path.relative_to(root).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def run_cases(
    cases: Sequence[Case],
    options: RunOptions,
    deviations: Sequence[Deviation],
    digest: str,
    progress: Callable[[CaseResult], None],
    interruption: Interruption | None = None,
) -> RunRecord:
    """Run the cases and return the record.

    An interrupt (Ctrl-C) ends the run early and is noted in the record; before the adapter has said hello there is
    nothing to record yet, and KeyboardInterrupt is raised. `interruption` is given by callers who note signals
    themselves. Raises a ProtocolError when the adapter cannot be started
    or greeted, RunnerError when the kit itself fails.
    """
    started = time.perf_counter()
    noting = noted_interruption() if interruption is None else contextlib.nullcontext(interruption)
    with noting as noted, _workdir(options.workdir) as workdir:
        record = _judge(cases, options, workdir, digest, progress, noted)
    incomplete = options.filtered or len(record.results) < len(cases)
    record.results, record.stale_deviations = apply_deviations(
        record.results, deviations, filtered=incomplete, today=dt.datetime.now(dt.UTC).date()
    )
    record.seconds = time.perf_counter() - started
    return record


@contextlib.contextmanager
def _workdir(parent: Path | None) -> Iterator[str]:
    workdir = tempfile.mkdtemp(prefix="datawal-conformance-", dir=parent or memory_dir())
    try:
        yield workdir
    finally:
        with contextlib.suppress(OSError):
            remove_tree(os.fsencode(workdir))


def _judge(
    cases: Sequence[Case],
    options: RunOptions,
    workdir: str,
    digest: str,
    progress: Callable[[CaseResult], None],
    interruption: Interruption,
) -> RunRecord:
    latest: dict[str, CaseResult] = {}
    failures = 0

    def enough() -> bool:
        return 0 < options.max_failures <= failures

    def take(result: CaseResult) -> None:
        nonlocal failures
        if not enough():
            latest[result.case_id] = result
            progress(result)
            failures += result.outcome in AGAINST

    engine_options = EngineOptions(
        options.command,
        workdir,
        options.timeout,
        isolate=options.isolate,
        trace=options.trace,
        stopped=lambda: interruption() or enough(),
    )
    together = [case for case in cases if not (case.isolated or options.isolate)]
    apart = [case for case in cases if case.isolated or options.isolate]
    engine: Engine | Workers
    if options.jobs == 1:
        engine = Engine(engine_options, together, apart, take)
    else:
        engine = Workers(engine_options, together, apart, take, options.jobs)
    with engine:
        try:
            hello = engine.greet()
        except StoppedError:
            raise KeyboardInterrupt from None
        record = RunRecord(
            command=tuple(options.command),
            hello=hello,
            kit_version=version(KIT),
            vectors_digest=digest,
            machine=_machine(),
            started=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            filtered=options.filtered,
            chosen=len(cases),
            available=options.available,
        )
        report = engine.run()
    record.left_out = report.left_out
    record.incidents, record.gave_up, record.interrupted = report.incidents, report.gave_up, interruption()
    record.results = [latest[case.id] for case in cases if case.id in latest]
    return record
