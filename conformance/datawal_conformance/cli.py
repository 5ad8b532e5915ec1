"""The command line `datawal-conformance`: parses, calls a command, turns errors into messages and exit codes."""

import argparse
import contextlib
import shlex
import signal
import sys
import traceback
from collections.abc import Sequence
from types import ModuleType
from typing import Final, TextIO

from datawal_conformance.commands import (
    completion,
    coverage,
    deviations,
    diff,
    doctor,
    init,
    matrix,
    repro,
    run,
    show,
)
from datawal_conformance.commands import (
    list as list_command,
)
from datawal_conformance.commands._context import Context
from datawal_conformance.errors import ConformanceError, ProtocolError, RunnerError
from datawal_conformance.exitcodes import ExitCode
from datawal_conformance.terminal import harmless, stderr_excerpt

COMMANDS: Final[tuple[ModuleType, ...]] = (
    run,
    list_command,
    show,
    repro,
    doctor,
    init,
    diff,
    matrix,
    coverage,
    deviations,
    completion,
)
"""The commands, in the order in which help lists them."""

_EXAMPLES: Final = """\
examples:
  datawal-conformance run                                      judge the embedded reference
  datawal-conformance init python my-adapter                   start an adapter for your implementation
  datawal-conformance doctor -- python3 my-adapter/adapter.py  see whether it speaks the protocol
  datawal-conformance run -- ./adapter --flag                  judge your implementation
  datawal-conformance run --profile recovery --fail-fast -- ./adapter
  datawal-conformance run --report json:new.json --report html:new.html -- ./adapter
  datawal-conformance diff old.json new.json                   what got worse, what got better

exit status:
"""

_STDERR_LINES: Final = 10


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="datawal-conformance",
        description="Judge implementations of the datawal record log. Everything after -- is the adapter's command.",
        epilog=_EXAMPLES + "\n".join(f"  {int(code):<4} {code.meaning}" for code in ExitCode),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in COMMANDS:
        sub = subparsers.add_parser(module.NAME, help=module.HELP, description=module.HELP, allow_abbrev=False)
        module.add_arguments(sub)
        sub.set_defaults(execute=module.execute, parser=parser)
    return parser


def main(arguments: Sequence[str], out: TextIO, err: TextIO) -> ExitCode:
    """Run one command and return its exit code. Everything behind `--` is the adapter's command."""
    own, adapter = _split(arguments)
    if "--" in arguments and not adapter:
        # An empty variable in a script must not judge the reference and pass.
        print("datawal-conformance: expected the adapter's command behind --, found nothing", file=err)
        return ExitCode.USAGE
    parser = make_parser()
    parsed, unknown = parser.parse_known_args(own)
    if unknown:
        hint = "" if unknown[0].startswith("-") else f"; an adapter's command goes behind --: -- {shlex.join(unknown)}"
        parser.error(f"unknown: {shlex.join(unknown)}{hint}")
    try:
        code: ExitCode = parsed.execute(Context(parsed, adapter, out, err))
    except (BrokenPipeError, RunnerError):
        raise
    except ProtocolError as error:
        print(f"datawal-conformance: {harmless(str(error))}", file=err)
        for line in stderr_excerpt(error.stderr, _STDERR_LINES):
            print(f"  stderr | {harmless(line, 200)}", file=err)
        return ExitCode.ADAPTER_BROKEN
    except (ConformanceError, OSError) as error:
        print(f"datawal-conformance: {harmless(str(error))}", file=err)
        return ExitCode.USAGE
    return code


def _split(arguments: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    if "--" not in arguments:
        return list(arguments), ()
    at = list(arguments).index("--")
    return list(arguments[:at]), tuple(arguments[at + 1 :])


def run_this_process() -> None:
    """Run the command line of this process and exit with its code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        code = main(sys.argv[1:], sys.stdout, sys.stderr)
        sys.stdout.flush()
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            sys.stdout.close()
        code = ExitCode.USAGE
    except Exception:  # noqa: BLE001  (whatever it is, it must not exit as a verdict would)
        traceback.print_exc()
        print("datawal-conformance: the kit itself failed; please report the lines above", file=sys.stderr)
        code = ExitCode.KIT_FAILED
    sys.exit(int(code))
