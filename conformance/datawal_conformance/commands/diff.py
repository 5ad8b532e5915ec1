"""`diff`: what changed between two JSON reports."""

import argparse
from pathlib import Path

from datawal_conformance.commands._context import Context
from datawal_conformance.exitcodes import ExitCode
from datawal_conformance.report.load import Report, load_report
from datawal_conformance.terminal import harmless
from datawal_conformance.verdict import AGAINST

NAME = "diff"
HELP = "compare two JSON reports: regressions, fixes, new and gone cases"

_MOST_SHOWN = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument("old", type=Path, metavar="OLD", help="JSON report to compare with")
    parser.add_argument("new", type=Path, metavar="NEW", help="JSON report to judge")


def execute(context: Context) -> ExitCode:
    """Print the groups that are not empty; exit 1 when something regressed or fails anew.

    Cases missing from a report that is not complete are counted and not listed: nothing became of them.
    """
    reports = load_report(context.arguments.old), load_report(context.arguments.new)
    old, new = (report.cases for report in reports)
    shared = [case_id for case_id in new if case_id in old]
    failing = [case_id for case_id in new if new[case_id].outcome in AGAINST]
    regressions = [case_id for case_id in failing if case_id in old and old[case_id].outcome not in AGAINST]
    fixes = [case_id for case_id in shared if old[case_id].outcome in AGAINST and new[case_id].outcome not in AGAINST]
    fresh = [case_id for case_id in new if case_id not in old]
    gone = [case_id for case_id in old if case_id not in new]
    failing_anew = set(fresh) & set(failing)
    _say_shortfall(context, reports[0], len(fresh))
    _say_shortfall(context, reports[1], len(gone))
    groups = {
        "regressions": [
            f"{name}: {old[name].outcome} -> {new[name].outcome}: {new[name].message}" for name in regressions
        ],
        "fixes": [f"{name}: {old[name].outcome} -> {new[name].outcome}" for name in fixes],
        "new cases": [f"{name}: {new[name].outcome}" for name in fresh if reports[0].complete or name in failing_anew],
        "gone cases": gone if reports[1].complete else [],
    }
    for title, lines in groups.items():
        if lines:
            context.say(f"{title}: {len(lines)}")
            for line in lines[:_MOST_SHOWN]:
                context.say(f"  {harmless(line, 300)}")
            if len(lines) > _MOST_SHOWN:
                context.say(f"  ... and {len(lines) - _MOST_SHOWN} more")
    if not any(groups.values()):
        context.say(f"no difference in {len(shared)} {'case' if len(shared) == 1 else 'cases'}")
    return ExitCode.NOT_CONFORMANT if regressions or failing_anew else ExitCode.CONFORMANT


def _say_shortfall(context: Context, report: Report, missing: int) -> None:
    if report.shortfall:
        other = (
            f"{missing} cases of the other report are not in it"
            if missing
            else "no case of the other report is missing"
        )
        context.say(f"{harmless(str(report.path))}: {report.shortfall}; {other}")
