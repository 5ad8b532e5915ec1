"""`run`: judge an implementation."""

import argparse
import contextlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from datawal_conformance._resources import reference_adapter
from datawal_conformance.case import Case
from datawal_conformance.commands._context import Context, add_filters, selection
from datawal_conformance.deviations import load_deviations
from datawal_conformance.errors import UsageError
from datawal_conformance.exitcodes import ExitCode, exit_code
from datawal_conformance.interruption import Interruption, noted_interruption
from datawal_conformance.progress import Progress
from datawal_conformance.report import FORMATS, text_report
from datawal_conformance.report.load import load_report
from datawal_conformance.run import RunOptions, run_cases, vectors_digest
from datawal_conformance.selection import why_nothing
from datawal_conformance.terminal import Paint, wants_colour
from datawal_conformance.verdict import AGAINST

NAME = "run"
HELP = "judge an implementation"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.usage = "%(prog)s [options] [-- ADAPTER ARG...]"
    parser.add_argument(
        "--report",
        action="append",
        default=[],
        metavar="FORMAT:PATH",
        help=f"also write a report ({', '.join(FORMATS)}), as often as wanted",
    )
    parser.add_argument("--deviations", type=Path, metavar="FILE", help="failures that are known and explained")
    add_execution(parser)
    parser.add_argument("--fail-fast", action="store_true", help="end at the first failure")
    parser.add_argument("--max-failures", type=int, default=0, metavar="N", help="end after N failures")
    parser.add_argument("--failed-first", type=Path, metavar="REPORT", help="begin with what failed in a JSON report")
    add_filters(parser)


def add_execution(parser: argparse.ArgumentParser) -> None:
    """Add the options that tell how cases are run."""
    parser.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="longest silence (default 10)")
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="adapters side by side (default: one a core, for few cases or a trace 1)"
    )
    parser.add_argument("--isolate", action="store_true", help="an adapter process of its own for every case")
    parser.add_argument("--trace", type=Path, metavar="FILE", help="write every line sent and received into a file")
    parser.add_argument("--workdir", type=Path, metavar="DIR", help="where case directories go (default: in memory)")


def check_execution(arguments: argparse.Namespace) -> None:
    """Raise UsageError when a number makes no sense."""
    if not 0 < arguments.timeout < float("inf"):
        msg = f"--timeout {arguments.timeout}: expected a number of seconds above 0"
        raise UsageError(msg)
    if arguments.jobs is not None and not 1 <= arguments.jobs <= _MOST_JOBS:
        msg = f"--jobs {arguments.jobs}: expected a number from 1 to {_MOST_JOBS}"
        raise UsageError(msg)


_MOST_JOBS = 64
_CASES_A_JOB = 400
"""Cases for which it pays to start one more adapter."""


def jobs(arguments: argparse.Namespace, cases: int) -> int:
    """How many adapters to run side by side."""
    if arguments.jobs is not None:
        return int(arguments.jobs)
    if arguments.trace is not None:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _MOST_JOBS, cases // _CASES_A_JOB))


def adapter_command(adapter: Sequence[str]) -> tuple[str, ...]:
    """The adapter's command, that of the embedded reference when none was given."""
    return tuple(adapter) or (sys.executable, str(reference_adapter()))


def execute(context: Context) -> ExitCode:
    """Run the cases, write the reports, print the verdict."""
    with noted_interruption() as interruption:
        code = _run(context, interruption)
        return ExitCode.INTERRUPTED if interruption() else code


def _run(context: Context, interruption: Interruption) -> ExitCode:
    arguments = context.arguments
    reports = [_report(text) for text in arguments.report]
    check_execution(arguments)
    if arguments.max_failures < 0:
        msg = f"--max-failures {arguments.max_failures}: expected a number above 0"
        raise UsageError(msg)
    chosen = selection(arguments)
    every = context.cases()
    cases = chosen.of(every)
    if not cases:
        context.warn(f"nothing ran: {why_nothing(chosen, every)}")
        return ExitCode.NOTHING_RAN
    if arguments.failed_first:
        cases = _failed_first(cases, arguments.failed_first)
    deviations = load_deviations(arguments.deviations) if arguments.deviations else []
    progress = Progress(len(cases), context.err)
    with contextlib.ExitStack() as stack:
        options = RunOptions(
            command=adapter_command(context.adapter),
            timeout=arguments.timeout,
            jobs=jobs(arguments, len(cases)),
            isolate=arguments.isolate,
            workdir=arguments.workdir,
            filtered=chosen.is_filter,
            available=Counter(case.profile for case in every),
            max_failures=1 if arguments.fail_fast else arguments.max_failures,
            trace=_tracer(arguments.trace, stack),
        )
        try:
            record = run_cases(cases, options, deviations, vectors_digest(context.vectors), progress, interruption)
        finally:
            progress.finish()
    unwritten = []
    for name, path in reports:
        try:
            path.write_text(FORMATS[name](record), encoding="utf-8")
        except OSError as error:
            unwritten.append(f"--report {name}:{path}: {error.strerror}")
    context.out.write(text_report(record, Paint(enabled=wants_colour(context.out))))
    if unwritten:
        raise UsageError("; ".join(unwritten))
    return exit_code(record)


def _report(text: str) -> tuple[str, Path]:
    name, colon, path = text.partition(":")
    if name not in FORMATS or not colon or not path:
        msg = f"--report {text}: expected FORMAT:PATH with FORMAT one of {', '.join(FORMATS)}"
        raise UsageError(msg)
    if not Path(path).parent.is_dir():
        msg = f"--report {text}: there is no folder {Path(path).parent}"
        raise UsageError(msg)
    return name, Path(path)


def _failed_first(cases: list[Case], report: Path) -> list[Case]:
    against = {case_id for case_id, case in load_report(report).cases.items() if case.outcome in AGAINST}
    return sorted(cases, key=lambda case: case.id not in against)


def _tracer(path: Path | None, stack: contextlib.ExitStack) -> Callable[[str, bytes], None] | None:
    if path is None:
        return None
    stream = stack.enter_context(path.open("wb"))

    def trace(direction: str, line: bytes) -> None:
        stream.write(direction.encode() + b" " + line.rstrip(b"\n") + b"\n")

    return trace
