"""`command-line::` documents the command line from its parser."""

import argparse
from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from datawal_conformance.cli import make_parser
from datawal_docs import build


class CommandLineDirective(SphinxDirective):
    """One section a command, in the order of the help."""

    def run(self) -> list[nodes.Node]:
        """Walk through the parser."""
        parser = make_parser()
        [commands] = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001
        return [_section(name, sub) for name, sub in commands.choices.items()]


def _section(name: str, parser: argparse.ArgumentParser) -> nodes.section:
    section = nodes.section("", nodes.title("", name), ids=[f"command-{name}"], names=[f"command {name}"])
    description = (parser.description or "").strip()
    section += build.paragraph(description[:1].upper() + description[1:] + ".")
    usage = " ".join(parser.format_usage().removeprefix("usage:").split())
    section += build.code_block(usage, "text")
    rows = list(_rows(parser))
    if rows:
        section += build.table(["argument", "meaning"], rows, "wraps", widths=[2, 3])
    return section


def _rows(parser: argparse.ArgumentParser) -> Iterator[list[build.Content]]:
    for group in parser._action_groups:  # noqa: SLF001 - argparse offers no other way to see its groups
        for action in group._group_actions:  # noqa: SLF001
            if isinstance(action, argparse._HelpAction):  # noqa: SLF001
                continue
            yield [build.code(_spelling(action)), action.help or ""]


def _spelling(action: argparse.Action) -> str:
    choices = "{" + ",".join(map(str, action.choices)) + "}" if action.choices else ""
    metavar = str(action.metavar or choices or action.dest.upper())
    if not action.option_strings:
        return f"{metavar}..." if action.nargs in {"*", "+"} else metavar
    value = "" if action.nargs == 0 else f" {metavar}"
    return ", ".join(action.option_strings) + value


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("command-line", CommandLineDirective)
