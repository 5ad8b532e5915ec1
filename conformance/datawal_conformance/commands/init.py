"""`init`: a skeleton of an adapter to start from."""

import argparse
from importlib.resources import files
from pathlib import Path

from datawal_conformance.commands._context import Context
from datawal_conformance.errors import UsageError
from datawal_conformance.exitcodes import ExitCode

NAME = "init"
HELP = "write an adapter skeleton that greets and passes doctor"

LANGUAGES = ("python",)
"""Languages there is a skeleton for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    languages = ", ".join(LANGUAGES)
    parser.add_argument("language", type=_language, metavar="LANGUAGE", help=f"language of the skeleton: {languages}")
    parser.add_argument("directory", type=Path, metavar="DIR", help="where to write it; nothing is overwritten")


def _language(text: str) -> str:
    """A language there is a skeleton for; for another, say where to read how an adapter is written."""
    if text in LANGUAGES:
        return text
    msg = (
        f"there is no skeleton in {text!r}, only in {', '.join(LANGUAGES)}. An adapter is a loop over lines of JSON in "
        "any language: conformance/PROTOCOL.md says all it has to answer, docs/guides/adapter.rst goes through one."
    )
    raise argparse.ArgumentTypeError(msg)


def execute(context: Context) -> ExitCode:
    """Write the skeleton's files."""
    target: Path = context.arguments.directory
    source = files("datawal_conformance").joinpath("templates", context.arguments.language)
    target.mkdir(parents=True, exist_ok=True)
    for item in source.iterdir():
        if not item.is_file():
            continue
        try:
            with (target / item.name).open("x", encoding="utf-8") as stream:
                stream.write(item.read_text("utf-8"))
        except FileExistsError as error:
            msg = f"{target / item.name} exists; choose another folder"
            raise UsageError(msg) from error
        context.say(f"wrote {target / item.name}")
    context.say(f"next: datawal-conformance doctor -- python3 {target / 'adapter.py'}")
    return ExitCode.CONFORMANT
