"""`matrix`: implementations side by side, from their JSON reports."""

import argparse
from pathlib import Path

from datawal_conformance.commands._context import Context
from datawal_conformance.exitcodes import ExitCode
from datawal_conformance.report.load import Report, load_report
from datawal_conformance.terminal import harmless
from datawal_conformance.verdict import Outcome
from datawal_spec import all_profiles

NAME = "matrix"
HELP = "implementations side by side, from their JSON reports"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("reports", type=Path, nargs="+", metavar="REPORT", help="JSON reports, one an implementation")


def execute(context: Context) -> ExitCode:
    """Print a table: a row for each profile, a column for each report."""
    reports = [load_report(path) for path in context.arguments.reports]
    rows = [["profile", *(harmless(f"{report.implementation} {report.version}", 30) for report in reports)]]
    rows += [[profile, *(_cell(report, profile) for report in reports)] for profile in all_profiles()]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        context.say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for report in reports:
        if report.shortfall:
            context.warn(f"{harmless(str(report.path))}: {report.shortfall}; it tells only of what ran")
    if len({report.vectors_digest for report in reports}) > 1:
        context.warn("these reports were made with different vectors; their counts cannot be compared")
    return ExitCode.CONFORMANT


def _cell(report: Report, profile: str) -> str:
    cases = [case for case in report.cases.values() if case.profile == profile]
    if not cases:
        return "-"
    passed = sum(case.outcome is Outcome.PASSED for case in cases)
    return f"{report.standings[profile]} {passed}/{len(cases)}"
