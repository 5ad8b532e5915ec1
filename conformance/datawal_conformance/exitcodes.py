"""The exit codes of the command line, and which of them a run has earned."""

from enum import IntEnum

from datawal_conformance.verdict import AGAINST, Outcome, RunRecord


class ExitCode(IntEnum):
    """What the exit status of `datawal-conformance` means."""

    CONFORMANT = 0
    """Nothing counts against the implementation."""

    NOT_CONFORMANT = 1
    """At least one case failed, crashed, timed out or broke the protocol."""

    USAGE = 2
    """The command line or a file it names cannot be used."""

    ADAPTER_BROKEN = 3
    """The adapter does not start, does not greet, or breaks in ways no single case explains."""

    DEVIATIONS_STALE = 4
    """The deviations file is out of date: an unexpected pass, another message, or a line that matches nothing."""

    NOTHING_RAN = 5
    """No case ran, for example because a filter matches none."""

    INTERRUPTED = 130
    """The run was interrupted; the report covers what ran."""


def exit_code(record: RunRecord) -> ExitCode:
    """The exit code of a finished run."""
    counts = record.counts
    if record.interrupted:
        return ExitCode.INTERRUPTED
    if record.incidents or record.gave_up:
        return ExitCode.ADAPTER_BROKEN
    if any(counts[outcome] for outcome in AGAINST):
        return ExitCode.NOT_CONFORMANT
    if record.stale_deviations:
        return ExitCode.DEVIATIONS_STALE
    if counts.total() == counts[Outcome.UNSUPPORTED]:
        return ExitCode.NOTHING_RAN
    return ExitCode.CONFORMANT
