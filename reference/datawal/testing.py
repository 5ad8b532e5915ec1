"""Help for testing programs that use a log; not for use in production."""

from datawal.log import RecordLog

__all__ = ["poison"]


def poison(log: RecordLog, reason: str) -> None:
    """Make `log` behave as if a write had failed for `reason` (profile POI); no byte of it changes."""
    log._poison(reason)  # noqa: SLF001 - the one door to this, kept out of the public class
