"""`doctor`: walk through the protocol with an adapter and say what it does wrong, apart from the implementation."""

import argparse
import tempfile
from pathlib import Path
from typing import Final

from datawal_conformance.commands._context import Context
from datawal_conformance.doctor import ADAPTER, EITHER, IMPLEMENTATION, examine
from datawal_conformance.errors import UsageError
from datawal_conformance.exitcodes import ExitCode
from datawal_conformance.terminal import Paint, harmless, wants_colour

NAME = "doctor"
HELP = "walk through the protocol with an adapter and say what it does wrong"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.usage = "%(prog)s [--timeout SECONDS] -- ADAPTER [ARG...]"
    parser.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="longest silence (default 10)")


def execute(context: Context) -> ExitCode:
    """Print a line for everything looked at; exit 3 when the adapter is wrong, 1 when the implementation may be."""
    if not context.adapter:
        msg = "doctor needs the adapter's command behind --"
        raise UsageError(msg)
    paint = Paint(enabled=wants_colour(context.out))
    blamed: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="datawal-doctor-") as root:
        for finding in examine(context.adapter, context.arguments.timeout, Path(root)):
            if finding.skipped:
                context.say(f"{paint('skip ', 'dim')} {finding.what}: {harmless(finding.skipped)}")
            elif not finding.problem:
                context.say(f"{paint('ok   ', 'green')} {finding.what}")
            else:
                context.say(f"{paint('WRONG', 'red', 'bold')} {finding.what} ({finding.whose})")
                context.say(f"      {harmless(finding.problem)}")
                if finding.advice:
                    context.say(f"      {harmless(finding.advice)}")
                blamed.add(finding.whose)
    context.say()
    for whose, (code, sentence) in _CONCLUSIONS.items():
        if whose in blamed:
            context.say(sentence)
            return code
    context.say("The adapter speaks the protocol. Next: datawal-conformance run -- ...")
    return ExitCode.CONFORMANT


_CONCLUSIONS: Final = {
    ADAPTER: (
        ExitCode.ADAPTER_BROKEN,
        "Mend the adapter first; conformance/PROTOCOL.md says how each answer should look.",
    ),
    EITHER: (
        ExitCode.NOT_CONFORMANT,
        "Nothing is certainly the adapter's fault: mend what is marked, in the implementation or where it is called.",
    ),
    IMPLEMENTATION: (
        ExitCode.NOT_CONFORMANT,
        "The adapter speaks the protocol; the implementation is wrong where marked.",
    ),
}
"""What it comes to, by whose matter the findings are; the first that fits."""
