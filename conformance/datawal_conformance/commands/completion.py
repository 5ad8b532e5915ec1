"""`completion`: words for the shell to complete."""

import argparse

from datawal_conformance.commands._context import Context
from datawal_conformance.exitcodes import ExitCode

NAME = "completion"
HELP = "print a completion script for a shell"

SHELLS = ("bash", "zsh", "fish")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("shell", choices=SHELLS, help="the shell; put the output into its start-up file")


def execute(context: Context) -> ExitCode:
    """Print the script; it lists commands, options and profiles as they are now."""
    words = completion_words(context.arguments.parser)
    context.say(_SCRIPTS[context.arguments.shell](words))
    return ExitCode.CONFORMANT


def completion_words(parser: argparse.ArgumentParser) -> dict[str, list[str]]:
    """The commands of a parser, each with its options."""
    [commands] = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001
    return {
        name: sorted(option for action in sub._actions for option in action.option_strings if option[:2] == "--")  # noqa: SLF001
        for name, sub in commands.choices.items()
    }


def _bash(words: dict[str, list[str]]) -> str:
    cases = "\n".join(f"    {name}) words='{' '.join(options)}' ;;" for name, options in words.items())
    return f"""_datawal_conformance() {{
  local words
  case "${{COMP_WORDS[1]}}" in
{cases}
    *) words='{" ".join(words)}' ;;
  esac
  [ "$COMP_CWORD" -eq 1 ] && words='{" ".join(words)}'
  mapfile -t COMPREPLY < <(compgen -W "$words" -f -- "${{COMP_WORDS[COMP_CWORD]}}")
}}
complete -F _datawal_conformance datawal-conformance"""


def _zsh(words: dict[str, list[str]]) -> str:
    return "autoload -U +X bashcompinit && bashcompinit\n" + _bash(words)


def _fish(words: dict[str, list[str]]) -> str:
    lines = [f"complete -c datawal-conformance -n __fish_use_subcommand -a '{' '.join(words)}'"]
    lines += [
        f"complete -c datawal-conformance -n '__fish_seen_subcommand_from {name}' -l {option[2:]}"
        for name, options in words.items()
        for option in options
    ]
    return "\n".join(lines)


_SCRIPTS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
