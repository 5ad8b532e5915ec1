"""`deviations update`: bring a deviations file up to date from a full run."""

import argparse
from pathlib import Path

from datawal_conformance.commands._context import Context, add_vectors
from datawal_conformance.commands.run import adapter_command, add_execution, check_execution, jobs
from datawal_conformance.deviations import load_deviations, updated_file
from datawal_conformance.exitcodes import ExitCode
from datawal_conformance.progress import Progress
from datawal_conformance.run import RunOptions, run_cases, vectors_digest

NAME = "deviations"
HELP = "bring a deviations file up to date from a full run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.usage = "%(prog)s update FILE [options] [-- ADAPTER ARG...]"
    parser.add_argument("action", choices=("update",), help="what to do with the file")
    parser.add_argument("file", type=Path, metavar="FILE", help="the file; it is made when it does not exist")
    add_execution(parser)
    add_vectors(parser)


def execute(context: Context) -> ExitCode:
    """Run every case and write the file anew; entries that still hold keep their reason and link."""
    arguments = context.arguments
    check_execution(arguments)
    cases = context.cases()
    known = load_deviations(arguments.file) if arguments.file.exists() else []
    progress = Progress(len(cases), context.err)
    options = RunOptions(
        adapter_command(context.adapter),
        arguments.timeout,
        jobs(arguments, len(cases)),
        isolate=arguments.isolate,
        workdir=arguments.workdir,
    )
    try:
        record = run_cases(cases, options, [], vectors_digest(context.vectors), progress)
    finally:
        progress.finish()
    if record.interrupted or record.gave_up or record.incidents:
        context.warn("the run was not complete; the file was left as it is")
        return ExitCode.INTERRUPTED if record.interrupted else ExitCode.ADAPTER_BROKEN
    text, unexplained = updated_file(record.results, known)
    arguments.file.write_text(text, encoding="utf-8")
    context.say(f"wrote {arguments.file}")
    if unexplained:
        context.warn(f"{unexplained} entries have no reason yet; look for 'not explained yet'")
    return ExitCode.CONFORMANT
