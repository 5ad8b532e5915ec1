"""One run from cases to record: the working directory, the engine, the deviations."""

import contextlib
import datetime as dt
import hashlib
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from datawal_conformance.case import Case
from datawal_conformance.deviations import Deviation, apply_deviations
from datawal_conformance.engine import Engine, EngineOptions
from datawal_conformance.sandbox import memory_dir, remove_tree
from datawal_conformance.verdict import CaseResult, RunRecord

KIT = "datawal"
"""Name of the distribution the kit is part of."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run is made; `timeout` is in seconds, `workdir` where case directories are made."""

    command: Sequence[str]
    timeout: float
    window: int
    isolate: bool
    workdir: Path | None
    filtered: bool
    trace: Callable[[str, bytes], None] | None = None


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
) -> RunRecord:
    """Run the cases and return the record.

    An interrupt (Ctrl-C) ends the run early and is noted in the record. Raises a ProtocolError when the adapter
    cannot be started or greeted.
    """
    latest: dict[str, CaseResult] = {}

    def take(result: CaseResult) -> None:
        latest[result.case_id] = result
        progress(result)

    started = time.perf_counter()
    workdir = tempfile.mkdtemp(prefix="datawal-conformance-", dir=options.workdir or memory_dir())
    try:
        engine = Engine(
            EngineOptions(options.command, workdir, options.timeout, options.window, options.isolate, options.trace),
            take,
        )
        record = RunRecord(
            command=tuple(options.command),
            hello=engine.greet(),
            kit_version=version(KIT),
            vectors_digest=digest,
            machine=_machine(),
            started=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            filtered=options.filtered,
        )
        try:
            report = engine.run(cases)
            record.incidents, record.gave_up = report.incidents, report.gave_up
        except KeyboardInterrupt:
            record.interrupted = True
        results = [latest[case.id] for case in cases if case.id in latest]
        incomplete = options.filtered or record.interrupted or bool(record.gave_up)
        record.results, record.stale_deviations = apply_deviations(results, deviations, filtered=incomplete)
    finally:
        with contextlib.suppress(OSError):
            remove_tree(os.fsencode(workdir))
    record.seconds = time.perf_counter() - started
    return record
