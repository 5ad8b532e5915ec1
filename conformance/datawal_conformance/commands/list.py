"""`list`: print the ids of cases."""

import argparse

from datawal_conformance.commands._context import Context, add_filters, selection
from datawal_conformance.exitcodes import ExitCode

NAME = "list"
HELP = "print the ids of cases, one a line"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    add_filters(parser)


def execute(context: Context) -> ExitCode:
    """Print the ids that the filters let through."""
    cases = selection(context.arguments).of(context.cases())
    for case in cases:
        context.say(case.id)
    return ExitCode.CONFORMANT if cases else ExitCode.NOTHING_RAN
