"""Reads a JSON report back, for the commands that compare runs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

import fastjsonschema

from datawal_conformance.errors import UsageError
from datawal_conformance.exitcodes import ExitCode
from datawal_conformance.report.json import REPORT_VERSION
from datawal_conformance.terminal import harmless
from datawal_conformance.verdict import EARNED, Outcome, Standing

_SHOWN = 80


@dataclass(frozen=True, slots=True)
class ReportedCase:
    """What a report says of one case; `message` is empty for a pass."""

    case_id: str
    profile: str
    clauses: tuple[str, ...]
    outcome: Outcome
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """A report as later commands need it.

    `implementation`, `version` and `language` are the adapter's own words; `cases` maps ids to what became of
    them, in the order of the run; `standings` maps profiles to what was earned; `shortfall` says why cases are
    missing from the report, empty when no case was left out and the run came to its end.
    """

    path: Path
    implementation: str
    version: str
    language: str
    capabilities: frozenset[str]
    command: tuple[str, ...]
    kit_version: str
    vectors_digest: str
    started: str
    shortfall: str
    exit_code: ExitCode
    cases: Mapping[str, ReportedCase]
    standings: Mapping[str, Standing]

    @property
    def complete(self) -> bool:
        """Whether every case of the vectors stands in the report."""
        return not self.shortfall


@cache
def report_schema() -> dict[str, Any]:
    """The published JSON Schema of the JSON report."""
    schema: dict[str, Any] = json.loads(files("datawal_conformance.report").joinpath("report.schema.json").read_bytes())
    return schema


@cache
def _validator() -> Any:
    return fastjsonschema.compile(report_schema(), use_formats=False)


def load_report(path: Path) -> Report:
    """Read a JSON report; raises UsageError naming the file and the place that cannot be used."""
    try:
        document = json.loads(path.read_text("utf-8"), parse_constant=_reject_constant)
    except OSError as error:
        msg = f"{path}: {error.strerror or error}"
        raise UsageError(msg) from error
    except (ValueError, RecursionError) as error:
        msg = f"{path}: not a JSON document: {error}"
        raise UsageError(msg) from error
    _check(path, document)
    return _report(path, document)


def _reject_constant(text: str) -> float:
    msg = f"{text} is not JSON"
    raise ValueError(msg)


def _check(path: Path, document: Any) -> None:
    found = document.get("report") if isinstance(document, dict) else None
    if found != REPORT_VERSION or isinstance(found, bool):
        shown = harmless(repr(found), _SHOWN)
        wanted = f"a report of layout {REPORT_VERSION}, made with --report json:PATH"
        msg = f"{path}: at report: expected {wanted}; found {shown}"
        raise UsageError(msg)
    try:
        _validator()(document)
    except fastjsonschema.JsonSchemaValueException as error:
        problem = error.message.removeprefix(error.name or "").strip()
        msg = f"{path}: at {_where(error.path[1:])}: {problem} (found {harmless(str(error.value), _SHOWN)})"
        raise UsageError(msg) from error


def _where(path: list[Any]) -> str:
    parts = (f"[{part}]" if str(part).isdigit() else f".{part}" for part in path)
    return harmless("".join(parts).lstrip(".") or "top", _SHOWN)


def _report(path: Path, document: dict[str, Any]) -> Report:
    adapter, kit = document["adapter"], document["kit"]
    cases: dict[str, ReportedCase] = {}
    for number, entry in enumerate(document["cases"]):
        if entry["id"] in cases:
            msg = f"{path}: at cases[{number}].id: {harmless(entry['id'], _SHOWN)} stands in the report twice"
            raise UsageError(msg)
        cases[entry["id"]] = ReportedCase(
            entry["id"],
            entry["profile"],
            tuple(entry["clauses"]),
            Outcome(entry["outcome"]),
            entry.get("message", ""),
        )
    return Report(
        path=path,
        implementation=adapter["implementation"],
        version=adapter["version"],
        language=adapter["language"],
        capabilities=frozenset(adapter["capabilities"]),
        command=tuple(adapter["command"]),
        kit_version=kit["version"],
        vectors_digest=kit["vectors"],
        started=document["started"],
        shortfall=_shortfall(document),
        exit_code=ExitCode(document["exit_code"]),
        cases=MappingProxyType(cases),
        standings=MappingProxyType({entry["profile"]: _standing(document, entry) for entry in document["profiles"]}),
    )


def _shortfall(document: dict[str, Any]) -> str:
    reasons = [
        reason
        for reason, holds in (
            ("the run was interrupted", document["interrupted"]),
            ("the run gave up", document["gave_up"]),
            ("the run ended early", _ended_early(document)),
            ("a filter left cases out", document["filtered"]),
        )
        if holds
    ]
    return " and ".join(reasons)


def _ended_early(document: dict[str, Any]) -> bool:
    known = bool(document["interrupted"] or document["gave_up"])
    return not known and len(document["cases"]) < document.get("chosen", 0)


def _standing(document: dict[str, Any], entry: dict[str, Any]) -> Standing:
    """The standing as the report has it; reports without `chosen` called a profile earned that was cut short."""
    standing = Standing(entry["standing"])
    if standing in EARNED and "chosen" not in document and (document["interrupted"] or document["gave_up"]):
        return Standing.INCOMPLETE
    return standing
