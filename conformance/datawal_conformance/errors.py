"""What can go wrong in the kit itself, as one tree.

A wrong implementation is not an error here: it is a verdict. A wrong adapter is a `ProtocolError`, in one of
the steps of a session: it cannot be started (`AdapterStartError`), does not answer hello properly
(`HelloError`), dies (`AdapterDiedError`), stays silent (`AdapterTimeoutError`) or answers what the protocol does
not allow (`AnswerError`).
"""

from pathlib import Path


class ConformanceError(Exception):
    """Root of every error the kit raises."""


class RunnerError(ConformanceError):
    """The kit itself failed: nothing is said of the implementation."""


class UsageError(ConformanceError):
    """The command line, or a file it names, cannot be used."""


class ResourceError(UsageError):
    """Data that belongs to the kit is not where it should be."""

    def __init__(self, what: str, tried: str) -> None:
        super().__init__(f"{what} not found; looked at: {tried}")
        self.what = what
        self.tried = tried


class CaseFileError(UsageError):
    """A case file breaks the schema or the model.

    `path` names the file, `case_id` the case if it is known, `where` the place inside it.
    """

    def __init__(self, path: Path, case_id: str | None, where: str, problem: str) -> None:
        at = f" case {case_id}" if case_id else ""
        super().__init__(f"{path}:{at} at {where}: {problem}")
        self.path = path
        self.case_id = case_id
        self.where = where
        self.problem = problem


class DeviationsFileError(UsageError):
    """A deviations file cannot be used."""


class ProtocolError(ConformanceError):
    """The adapter broke the protocol. `stderr` is the tail of what it wrote there."""

    def __init__(self, message: str, stderr: str = "") -> None:
        super().__init__(message)
        self.stderr = stderr


class AdapterStartError(ProtocolError):
    """The adapter's command could not be started."""


class HelloError(ProtocolError):
    """The adapter's answer to hello is missing or wrong."""


class AdapterDiedError(ProtocolError):
    """The adapter ended, or closed its stdout, while an answer was due."""


class AdapterTimeoutError(ProtocolError):
    """The adapter did not answer in time."""


class AnswerError(ProtocolError):
    """The adapter answered something the protocol does not allow."""
