"""Variants of the lock: how a port keeps writers apart, or does not (profile LOCK)."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from _variant import Variant

from datawal import _files, _lock
from datawal._files import File
from datawal.errors import LockedError, ObstructedError, StorageError
from datawal.log import RecordLog
from datawal_spec import LOCK_NAME

_ACQUIRE = _lock.acquire
_RELEASE = _lock.release


def _locked(file: File) -> LockedError:
    return LockedError(path=file.path, holder=None)


def lock_is_directory(_adapter: ModuleType) -> None:
    """LOCK-1: the directory itself is locked."""

    def flock(file: File) -> None:
        try:
            fcntl.flock(file.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _locked(file) from error

    _files.open_lock_file = _files.open_directory
    _lock._flock = flock


def lock_elsewhere(_adapter: ModuleType) -> None:
    """LOCK-1: the lock file has another name."""
    _files.LOCK_NAME = "LOCK"


def lock_must_exist(_adapter: ModuleType) -> None:
    """LOCK-1: a .lock that is missing beside segments is not made."""
    original = _files.open_lock_file

    def open_lock_file(directory: str) -> File:
        if _files.list_segments(directory) and not Path(directory, LOCK_NAME).exists():
            raise StorageError(action="open the lock file", path=directory, reason="it is missing")
        return original(directory)

    _files.open_lock_file = open_lock_file


def lock_made_anew(_adapter: ModuleType) -> None:
    """LOCK-1: the lock file must not be there yet."""
    original = _files.open_lock_file

    def open_lock_file(directory: str) -> File:
        if Path(directory, LOCK_NAME).exists():
            raise ObstructedError(action="make the lock file", path=directory, reason="it is there")
        return original(directory)

    _files.open_lock_file = open_lock_file


def lock_of_process(_adapter: ModuleType) -> None:
    """LOCK-2: a lock of fcntl belongs to the process, and so does every other handle in it."""

    def lockf(file: File) -> None:
        try:
            fcntl.lockf(file.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            raise _locked(file) from error

    _lock._flock = lockf


def lock_in_memory(_adapter: ModuleType) -> None:
    """LOCK-3: who has a directory open is known to this process alone."""
    held: dict[str, File] = {}

    def note(file: File) -> None:
        if file.path in held and held[file.path].fd >= 0:
            raise _locked(file)
        held[file.path] = file

    _lock._flock = note


def close_keeps_lock(_adapter: ModuleType) -> None:
    """LOCK-4: another descriptor of the lock stays open when the handle is closed."""

    def release(file: File) -> None:
        os.dup(file.fd)
        file.close()

    _lock.release = release


class _Marked(File):
    """A lock file whose content says whether it is held."""

    __slots__ = ()
    mark = b"held\n"

    def close(self) -> None:
        if self.fd >= 0:
            os.ftruncate(self.fd, 0)
        super().close()


def lock_outlives_process(_adapter: ModuleType) -> None:
    """LOCK-5: the lock is the content of its file, which a process that dies leaves behind."""

    def acquire(directory: str) -> File:
        file = _ACQUIRE(directory)
        if file.read_at(0, len(_Marked.mark) + 1) == _Marked.mark:
            file.close()
            raise _locked(file)
        os.ftruncate(file.fd, 0)
        os.pwrite(file.fd, _Marked.mark, 0)
        return _Marked(file.fd, file.path)

    _files.write_diagnostic = lambda _file, _text: None
    _lock.acquire = acquire


def pid_file(_adapter: ModuleType) -> None:
    """LOCK-6: a .lock that names a running process is held by it."""

    def acquire(directory: str) -> File:
        file = _files.open_lock_file(directory)
        text = file.read_at(0, 20)
        file.close()
        if text.strip().isdigit() and int(text) != os.getpid():
            with suppress(OSError, OverflowError):
                os.kill(int(text), 0)
                raise _locked(file)
        return _ACQUIRE(directory)

    _lock.acquire = acquire


def strange_lock_refused(_adapter: ModuleType) -> None:
    """LOCK-6: a .lock that holds anything but a process id is not touched."""

    def acquire(directory: str) -> File:
        file = _files.open_lock_file(directory)
        text = file.read_at(0, 100)
        file.close()
        if text and not text.strip().isdigit():
            raise ObstructedError(action="lock", path=file.path, reason="it holds something else")
        return _ACQUIRE(directory)

    _lock.acquire = acquire


def lock_removed(_adapter: ModuleType) -> None:
    """LOCK-7: closing removes the lock file."""

    def release(file: File) -> None:
        with suppress(FileNotFoundError):
            os.unlink(file.path)  # noqa: PTH108 - beside calls of os
        _RELEASE(file)

    _lock.release = release


def failed_open_keeps_lock(_adapter: ModuleType) -> None:
    """LOCK-9: when recovery fails, the lock is forgotten."""
    original = RecordLog._recover

    def recover(self: RecordLog) -> None:
        try:
            original(self)
        except BaseException:
            os.dup(self._lock.fd)
            raise

    RecordLog._recover = recover


VARIANTS = [
    Variant("lock-is-directory", "LOCK-1", "locks the directory and makes no .lock", lock_is_directory),
    Variant("lock-elsewhere", "LOCK-1", "locks a file named LOCK", lock_elsewhere),
    Variant("lock-must-exist", "LOCK-1", "refuses segments without a .lock", lock_must_exist),
    Variant("lock-made-anew", "LOCK-1", "refuses a .lock that is there", lock_made_anew),
    Variant("lock-of-process", "LOCK-2", "locks with fcntl, which locks out other processes only", lock_of_process),
    Variant("lock-in-memory", "LOCK-3", "keeps writers apart within a process only", lock_in_memory),
    Variant("close-keeps-lock", "LOCK-4", "keeps the lock when the handle is closed", close_keeps_lock),
    Variant("lock-outlives-process", "LOCK-5", "stays locked when its holder was killed", lock_outlives_process),
    Variant("pid-file", "LOCK-6", "believes the process id in .lock", pid_file),
    Variant("strange-lock-refused", "LOCK-6", "refuses a .lock with other content", strange_lock_refused),
    Variant("lock-removed", "LOCK-7", "removes .lock when it closes", lock_removed),
    Variant("failed-open-keeps-lock", "LOCK-9", "keeps the lock when the open fails", failed_open_keeps_lock),
]
