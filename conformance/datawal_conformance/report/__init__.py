"""Reports: one run record, several forms."""

from collections.abc import Callable

from datawal_conformance.report.badge import badge_report
from datawal_conformance.report.html import html_report
from datawal_conformance.report.json import json_report
from datawal_conformance.report.junit import junit_report
from datawal_conformance.report.markdown import markdown_report
from datawal_conformance.report.tap import tap_report
from datawal_conformance.report.text import text_report
from datawal_conformance.verdict import RunRecord

FORMATS: dict[str, Callable[[RunRecord], str]] = {
    "text": text_report,
    "json": json_report,
    "junit": junit_report,
    "tap": tap_report,
    "markdown": markdown_report,
    "html": html_report,
    "badge": badge_report,
}
"""Report formats by the name used on the command line."""

__all__ = [
    "FORMATS",
    "badge_report",
    "html_report",
    "json_report",
    "junit_report",
    "markdown_report",
    "tap_report",
    "text_report",
]
