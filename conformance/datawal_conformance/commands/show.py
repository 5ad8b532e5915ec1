"""`show`: one case for people: clauses, annotated bytes, steps, what must come of them."""

import argparse
import json
from collections.abc import Iterator
from typing import Any

from datawal_conformance.case import Case, Step
from datawal_conformance.commands._context import Context, add_vectors
from datawal_conformance.exitcodes import ExitCode
from datawal_conformance.values import to_bytes
from datawal_spec import all_clauses, format_dump, segment_id

NAME = "show"
HELP = "explain one case: clauses, annotated bytes, steps, expectation"

_MOST_DUMPED = 4096


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("case", metavar="ID", help="the id of the case")
    add_vectors(parser)


def execute(context: Context) -> ExitCode:
    """Print the case."""
    for line in _lines(context.case(context.arguments.case)):
        context.say(line)
    return ExitCode.CONFORMANT


def _lines(case: Case) -> Iterator[str]:
    yield case.id
    yield f"  {case.title}"
    yield ""
    for clause_id in case.clauses:
        clause = all_clauses().get(clause_id)
        yield f"{clause_id} ({clause.level}): {clause.text}" if clause else f"{clause_id}: no such clause"
    yield ""
    for path, content in case.given.items():
        yield from _given(path, content)
    for step in case.steps:
        yield from _step(step)
    if case.then is not None:
        yield "afterwards"
        yield f"  {_json(case.then)}"
    yield ""
    yield f"run it: datawal-conformance run --id '{case.id}' -- ADAPTER"


def _given(path: str, content: Any) -> Iterator[str]:
    if isinstance(content, dict) and "fill" not in content:
        yield f"given {path}: {_json(content)}"
        yield ""
        return
    data = to_bytes(content)
    yield f"given {path}: {len(data)} byte{'s' * (len(data) != 1)}"
    if segment_id(path.rpartition("/")[2]) is not None and len(data) <= _MOST_DUMPED:
        yield from (f"  {line}" for line in format_dump(data).splitlines())
    elif data:
        yield f"  {data[:64].hex()}{'...' if len(data) > 64 else ''}"  # noqa: PLR2004 - enough to recognise it
    yield ""


def _step(step: Step) -> Iterator[str]:
    source = {name: value for name, value in (step.request or step.action or {}).items() if name not in {"op", "do"}}
    actor = "" if step.request else "the runner: "
    word = (step.request or step.action or {}).get("op") or (step.action or {}).get("do")
    process = "" if step.process == "main" else f" in process {step.process}"
    yield f"step {step.number}{process}: {actor}{word} {_json(source) if source else ''}".rstrip()
    if step.expect is not None:
        yield f"  expect {_json(step.expect)}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)
