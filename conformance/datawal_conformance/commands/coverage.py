"""`coverage`: which cases test which clause, and how they went in real runs."""

import argparse
from collections import Counter
from pathlib import Path

from datawal_conformance.commands._context import Context, add_vectors
from datawal_conformance.exitcodes import ExitCode
from datawal_conformance.report.load import load_report
from datawal_conformance.verdict import in_ranges, untested_clauses
from datawal_spec import all_clauses

NAME = "coverage"
HELP = "clauses against cases, and against the outcomes in JSON reports"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("reports", type=Path, nargs="*", metavar="REPORT", help="JSON reports of real runs")
    parser.add_argument("--missing", action="store_true", help="only clauses without a case")
    add_vectors(parser)


def execute(context: Context) -> ExitCode:
    """Print a line for each clause; exit 1 when a MUST has no case."""
    counts = Counter(clause for case in context.cases() for clause in case.clauses)
    reports = [load_report(path) for path in context.arguments.reports]
    missing = untested_clauses(counts.keys())
    for clause in all_clauses().values():
        count = counts[clause.id]
        if context.arguments.missing and count:
            continue
        columns = [f"{clause.id:<8} {clause.level:<6} {count:>5} cases"]
        for report in reports:
            outcomes = Counter(case.outcome for case in report.cases.values() if clause.id in case.clauses)
            summary = ", ".join(f"{number} {word}" for word, number in sorted(outcomes.items())) or "none ran"
            columns.append(f"{report.implementation} {report.version}: {summary}")
        context.say(" | ".join(columns) + ("   <-- no case" if clause.id in missing else ""))
    if missing:
        context.warn(
            f"{len(missing)} MUST {'clause has' if len(missing) == 1 else 'clauses have'} no case: {in_ranges(missing)}"
        )
    return ExitCode.NOT_CONFORMANT if missing else ExitCode.CONFORMANT
