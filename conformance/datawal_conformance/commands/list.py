"""`list`: print the ids of cases."""

import argparse

from datawal_conformance.commands._context import Context, add_filters, selection
from datawal_conformance.exitcodes import ExitCode
from datawal_conformance.selection import why_nothing

NAME = "list"
HELP = "print the ids of cases, one a line"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add_filters(parser)


def execute(context: Context) -> ExitCode:
    """Print the ids that the filters let through."""
    chosen = selection(context.arguments)
    every = context.cases()
    cases = chosen.of(every)
    for case in cases:
        context.say(case.id)
    if not cases:
        context.warn(f"datawal-conformance: {why_nothing(chosen, every)}")
    return ExitCode.CONFORMANT if cases else ExitCode.NOTHING_RAN
