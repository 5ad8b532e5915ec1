"""`repro`: one case as a folder that needs nothing but the adapter (and Python's standard library)."""

import argparse
import json
import shlex
from importlib.resources import files
from pathlib import Path
from typing import Any

from datawal_conformance.case import Case
from datawal_conformance.case_run import phases
from datawal_conformance.commands._context import Context, add_vectors
from datawal_conformance.errors import UsageError
from datawal_conformance.exitcodes import ExitCode
from datawal_conformance.protocol import PROTOCOL_VERSION
from datawal_conformance.sandbox import Sandbox

NAME = "repro"
HELP = "write a folder that repeats one case with the adapter alone"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.usage = "%(prog)s ID -o DIR [--vectors DIR] [-- ADAPTER ARG...]"
    parser.add_argument("case", metavar="ID", help="the id of the case")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="the folder, which must not exist"
    )
    add_vectors(parser)


def execute(context: Context) -> ExitCode:
    """Write the folder."""
    case = context.case(context.arguments.case)
    folder: Path = context.arguments.output
    try:
        folder.mkdir(parents=True)
    except FileExistsError as error:
        msg = f"{folder} exists; name a folder that does not"
        raise UsageError(msg) from error
    Sandbox(str(folder / "given"), case.given)
    (folder / "case.json").write_text(json.dumps(case.source, indent=1) + "\n", encoding="utf-8")
    (folder / "plan.json").write_text(json.dumps(_plan(case), indent=1) + "\n", encoding="utf-8")
    script = files("datawal_conformance").joinpath("templates", "repro.py").read_text("utf-8")
    (folder / "repro.py").write_text(script, encoding="utf-8")
    context.say(f"wrote {folder}: given/ (the files), case.json, plan.json (requests and expectations), repro.py")
    adapter = shlex.join(context.adapter) if context.adapter else "ADAPTER [ARG...]"
    context.say(f"run it: python3 {shlex.quote(str(folder / 'repro.py'))} {adapter}")
    return ExitCode.CONFORMANT


def _plan(case: Case) -> list[dict[str, Any]]:
    """Hello, requests and actions in order, each request with the expectations of its steps."""
    plan: list[dict[str, Any]] = [{"protocol": PROTOCOL_VERSION}]
    for phase in phases(case):
        if phase.is_action:
            plan.append({"action": phase.steps[0].action})
            continue
        request: dict[str, Any] = {"id": case.id, "dir": "@DIR@", "steps": [step.request for step in phase.steps]}
        if phase.more:
            request["more"] = True
        expect = [step.expect for step in phase.steps]
        plan.append({"process": phase.process, "request": request, "expect": expect})
    if case.then is not None:
        plan.append({"then": case.then})
    return plan
