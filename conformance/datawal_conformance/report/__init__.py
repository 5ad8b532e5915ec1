"""Reports: one run record, several forms."""

from collections.abc import Callable

from datawal_conformance.report.json import json_report
from datawal_conformance.report.text import text_report
from datawal_conformance.verdict import RunRecord

FORMATS: dict[str, Callable[[RunRecord], str]] = {
    "text": text_report,
    "json": json_report,
}
"""Report formats by the name used on the command line."""

__all__ = ["FORMATS", "json_report", "text_report"]
