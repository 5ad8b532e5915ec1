"""The command line `datawal-conformance`."""

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from datawal_conformance._resources import reference_adapter, vectors_dir
from datawal_conformance.case import Case, load_cases
from datawal_conformance.deviations import load_deviations
from datawal_conformance.errors import ConformanceError, ProtocolError, UsageError
from datawal_conformance.exitcodes import ExitCode, exit_code
from datawal_conformance.progress import Progress
from datawal_conformance.report import FORMATS, text_report
from datawal_conformance.run import RunOptions, run_cases, vectors_digest
from datawal_conformance.selection import Selection
from datawal_conformance.terminal import Paint, harmless, wants_colour

_EXAMPLES = """\
examples:
  datawal-conformance run                                     judge the embedded reference
  datawal-conformance run -- ./my-adapter --flag              judge your implementation
  datawal-conformance run --profile recovery -- ./my-adapter  one profile only
  datawal-conformance run --report json:out.json -- ./my-adapter
  datawal-conformance list --clause REC-2                     ids of the cases that test a clause

exit status:
"""


def _exit_code_help() -> str:
    lines = {
        ExitCode.CONFORMANT: "nothing counts against the implementation",
        ExitCode.NOT_CONFORMANT: "a case failed, crashed, timed out or broke the protocol",
        ExitCode.USAGE: "the command line or a file it names cannot be used",
        ExitCode.ADAPTER_BROKEN: "the adapter does not start, does not greet, or breaks unexplained",
        ExitCode.DEVIATIONS_STALE: "the deviations file is out of date",
        ExitCode.NOTHING_RAN: "no case ran",
        ExitCode.INTERRUPTED: "interrupted",
    }
    return "\n".join(f"  {int(code):<4} {text}" for code, text in lines.items())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="datawal-conformance",
        description="Judge implementations of the datawal record log.",
        epilog=_EXAMPLES + _exit_code_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command_name", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="judge an implementation", usage="%(prog)s [options] [-- COMMAND ARG...]")
    run.add_argument(
        "--report",
        action="append",
        default=[],
        metavar="FORMAT:PATH",
        help=f"also write a report ({', '.join(FORMATS)}); may be repeated",
    )
    run.add_argument("--deviations", type=Path, metavar="FILE", help="known failures, see the docs")
    run.add_argument(
        "--timeout",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="longest silence of the adapter (default 10)",
    )
    run.add_argument("--isolate", action="store_true", help="a fresh adapter process for every case")
    run.add_argument("--trace", type=Path, metavar="FILE", help="write every line sent and received")
    run.add_argument("--workdir", type=Path, metavar="DIR", help="where case directories are made (default: in memory)")
    listing = commands.add_parser("list", help="print the ids of cases")
    for command in (run, listing):
        command.add_argument(
            "--profile",
            action="append",
            default=[],
            metavar="NAME",
            help="only this profile; may be repeated",
        )
        command.add_argument(
            "--clause",
            action="append",
            default=[],
            metavar="ID",
            help="only cases that test this clause; may be repeated",
        )
        command.add_argument(
            "--id",
            action="append",
            default=[],
            metavar="PATTERN",
            help="only these ids (* and ? allowed); may be repeated",
        )
        command.add_argument("--vectors", type=Path, metavar="DIR", help="the vectors to use")
    return parser


def _select(arguments: argparse.Namespace) -> tuple[list[Case], Selection, Path]:
    vectors = vectors_dir(arguments.vectors)
    selection = Selection(tuple(arguments.profile), tuple(arguments.clause), tuple(arguments.id))
    return selection.of(load_cases(vectors)), selection, vectors


def _reports(specifications: Sequence[str]) -> list[tuple[str, Path]]:
    reports = []
    for text in specifications:
        name, colon, path = text.partition(":")
        if name not in FORMATS or not colon or not path:
            msg = f"--report {text}: expected FORMAT:PATH with FORMAT one of {', '.join(FORMATS)}"
            raise UsageError(msg)
        reports.append((name, Path(path)))
    return reports


def _run(arguments: argparse.Namespace, command: Sequence[str], out: TextIO, err: TextIO) -> ExitCode:
    reports = _reports(arguments.report)
    if not arguments.timeout > 0:
        msg = f"--timeout {arguments.timeout}: expected a number of seconds above 0"
        raise UsageError(msg)
    cases, selection, vectors = _select(arguments)
    if not cases:
        print("no case matches; nothing ran (see: datawal-conformance list)", file=err)
        return ExitCode.NOTHING_RAN
    deviations = load_deviations(arguments.deviations) if arguments.deviations else []
    progress = Progress(len(cases), err)
    with contextlib.ExitStack() as stack:
        trace = None
        if arguments.trace:
            stream = stack.enter_context(arguments.trace.open("wb"))

            def trace(direction: str, line: bytes) -> None:
                stream.write(direction.encode() + b" " + line.rstrip(b"\n") + b"\n")

        options = RunOptions(
            command=tuple(command) or (sys.executable, str(reference_adapter())),
            timeout=arguments.timeout,
            jobs=1,
            isolate=arguments.isolate,
            workdir=arguments.workdir,
            filtered=selection.is_filter,
            trace=trace,
        )
        try:
            record = run_cases(cases, options, deviations, vectors_digest(vectors), progress)
        finally:
            progress.finish()
    for name, path in reports:
        path.write_text(FORMATS[name](record), encoding="utf-8")
    out.write(text_report(record, Paint(enabled=wants_colour(out))))
    return exit_code(record)


def main(arguments: Sequence[str], out: TextIO, err: TextIO) -> ExitCode:
    """Run one command; returns the exit code. Everything after `--` is the adapter's command."""
    own, _dashes, command = _split(arguments)
    parsed = _parser().parse_args(own)
    try:
        if parsed.command_name == "list":
            cases, _selection, _vectors = _select(parsed)
            for case in cases:
                print(case.id, file=out)
            return ExitCode.CONFORMANT if cases else ExitCode.NOTHING_RAN
        return _run(parsed, command, out, err)
    except ProtocolError as error:
        print(f"datawal-conformance: {harmless(str(error))}", file=err)
        for line in error.stderr.splitlines()[-10:]:
            print(f"  stderr | {harmless(line, 200)}", file=err)
        return ExitCode.ADAPTER_BROKEN
    except (ConformanceError, OSError) as error:
        print(f"datawal-conformance: {harmless(str(error))}", file=err)
        return ExitCode.USAGE


def _split(arguments: Sequence[str]) -> tuple[list[str], bool, list[str]]:
    if "--" not in arguments:
        return list(arguments), False, []
    at = list(arguments).index("--")
    return list(arguments[:at]), True, list(arguments[at + 1 :])


def entry_point() -> None:
    """Run the command line of this process and exit."""
    code = main(sys.argv[1:], sys.stdout, sys.stderr)
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    os._exit(int(code)) if code is ExitCode.INTERRUPTED else sys.exit(int(code))
