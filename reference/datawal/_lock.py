"""The lock that keeps two writers apart (profile LOCK)."""

import fcntl
import os
import re
from typing import Final

from datawal import _files
from datawal.errors import LockedError, fail

_HOLDER: Final = re.compile(rb"([0-9]{1,20})\n")
_DIAGNOSTIC_LEN: Final = 21


def acquire(directory: str) -> _files.File:
    """Take the lock of a log's directory without waiting (clauses LOCK-1 to LOCK-8).

    Closing the file that is returned releases the lock, and so does the death of the process. Raises
    LockedError when another handle holds it, ObstructedError when .lock is no regular file.
    """
    file = _files.open_lock_file(directory)
    try:
        _flock(file)
        _files.write_diagnostic(file, b"%d\n" % os.getpid())
    except BaseException:
        file.close()
        raise
    return file


def _flock(file: _files.File) -> None:
    try:
        fcntl.flock(file.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        match = _HOLDER.fullmatch(file.read_at(0, _DIAGNOSTIC_LEN))
        raise LockedError(path=file.path, holder=int(match[1]) if match else None) from error
    except OSError as error:
        fail("lock", file.path, error)


def release(file: _files.File) -> None:
    """Give the lock up, even where a forked process still has the descriptor (clause LOCK-4)."""
    try:
        fcntl.flock(file.fd, fcntl.LOCK_UN)
    finally:
        file.close()
