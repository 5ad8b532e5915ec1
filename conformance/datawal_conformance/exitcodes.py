"""The exit codes of the command line, and which of them a run has earned."""

from enum import IntEnum

from datawal_conformance.verdict import AGAINST, Outcome, RunRecord


class ExitCode(IntEnum):
    """What the exit status of `datawal-conformance` means."""

    CONFORMANT = 0
    NOT_CONFORMANT = 1
    USAGE = 2
    ADAPTER_BROKEN = 3
    DEVIATIONS_STALE = 4
    NOTHING_RAN = 5
    KIT_FAILED = 70
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """What the code says, in one line."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.CONFORMANT: "nothing counts against the implementation",
    ExitCode.NOT_CONFORMANT: "a case failed, crashed, timed out or broke the protocol",
    ExitCode.USAGE: "the command line, or a file it names, cannot be used",
    ExitCode.ADAPTER_BROKEN: "the adapter does not start, does not greet, or breaks in ways no single case explains",
    ExitCode.DEVIATIONS_STALE: "the deviations file is out of date; the lines to change are printed",
    ExitCode.NOTHING_RAN: "no case ran, for example because a filter matches none",
    ExitCode.KIT_FAILED: "the kit itself failed; nothing is said of the implementation",
    ExitCode.INTERRUPTED: "interrupted; the report covers what ran",
}


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
