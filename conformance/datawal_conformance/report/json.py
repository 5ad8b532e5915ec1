"""The report for machines. Its layout is published in `report.schema.json`; `load.py` reads it back."""

import json
from typing import Any

from datawal_conformance.exitcodes import exit_code
from datawal_conformance.report._notes import likely_causes
from datawal_conformance.verdict import AGAINST, CaseResult, Outcome, RunRecord

REPORT_VERSION = 1
"""Version of the report's layout."""

_EXPLAINED = AGAINST | {Outcome.KNOWN_DEVIATION}
"""Outcomes whose message is always there, be it empty."""


def json_report(record: RunRecord) -> str:
    """The run as one JSON document; the same run gives the same text apart from times."""
    return json.dumps(report_document(record), indent=1) + "\n"


def report_document(record: RunRecord) -> dict[str, Any]:
    """The run as JSON values."""
    hello = record.hello
    return {
        "report": REPORT_VERSION,
        "kit": {"version": record.kit_version, "vectors": record.vectors_digest},
        "adapter": {
            "command": list(record.command),
            "implementation": hello.implementation,
            "version": hello.version,
            "language": hello.language,
            "capabilities": sorted(hello.capabilities),
        },
        "machine": record.machine,
        "started": record.started,
        "seconds": round(record.seconds, 3),
        "chosen": record.chosen or len(record.results),
        "available": [{"profile": profile, "cases": number} for profile, number in sorted(record.available.items())],
        "filtered": record.filtered,
        "interrupted": record.interrupted,
        "gave_up": record.gave_up,
        "exit_code": int(exit_code(record)),
        "counts": {outcome.value: number for outcome, number in sorted(record.counts.items())},
        "profiles": [
            {
                "profile": verdict.profile,
                "standing": verdict.standing.value,
                "counts": {outcome.value: number for outcome, number in sorted(verdict.counts.items())},
            }
            for verdict in record.verdicts
        ],
        "untested_clauses": record.untested_clauses,
        "likely_causes": likely_causes(record),
        "incidents": [
            {"message": item.message, "cases": list(item.case_ids), "stderr": item.stderr} for item in record.incidents
        ],
        "stale_deviations": record.stale_deviations,
        "cases": [_case(result) for result in record.results],
    }


def _case(result: CaseResult) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": result.case_id,
        "profile": result.profile,
        "clauses": list(result.clauses),
        "outcome": result.outcome.value,
        "seconds": round(result.seconds, 6),
    }
    if result.outcome in _EXPLAINED or result.message:
        document["message"] = result.message
    optional = {
        "step": result.step,
        "step_title": result.step_title,
        "stderr": result.stderr,
        "reason": result.reason,
    }
    document.update({name: value for name, value in optional.items() if value not in ("", None)})
    if result.mismatch is not None:
        mismatch = result.mismatch
        document["mismatch"] = {
            "where": mismatch.where,
            "expected": mismatch.expected,
            "found": mismatch.found,
            **({} if mismatch.byte is None else {"byte": mismatch.byte}),
            **({} if mismatch.field is None else {"field": mismatch.field}),
        }
    return document
