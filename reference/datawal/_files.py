"""The only module that opens, reads, writes, syncs, renames and removes.

Strategy: everything here calls the operating system through this module's own `os`, one seam where tests
inject faults, and turns what it answers into an error of the tree. Paths are kept absolute and passed whole, so a
later `chdir` is harmless and a system-call trace can be read by path. A file of the log is opened without
following a link and without waiting (a FIFO would hang otherwise), and is used only when it turns out to be a
regular file. Nothing is mapped: a file that someone cuts would kill the process that maps it. Python opens
descriptors close-on-exec, so no started program inherits them.
"""
# ruff: noqa: PTH - pathlib has no descriptors, and costs more than the calls it makes

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from typing import Final, TypeAlias

from datawal_spec import LOCK_NAME, segment_id, segment_name

from datawal.errors import NotDirectoryError, ObstructedError, StorageError, storage_error

StrPath: TypeAlias = str | os.PathLike[str]
"""What paths may be given as."""

_NEVER_WAIT_OR_FOLLOW: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FILE_MODE: Final = 0o666
_OBSTACLES: Final = frozenset({errno.EEXIST, errno.ELOOP, errno.EISDIR, errno.ENXIO})
"""What the operating system answers when a link, a directory or a socket stands in place of a file."""


class File:
    """An open regular file; for a segment, also the `Source` of a walk over it.

    `size` is the length in bytes at the time of opening; `segment` is the id, -1 for any other file.
    """

    __slots__ = ("fd", "path", "segment", "size")

    def __init__(self, fd: int, path: str, segment: int = -1, size: int = 0) -> None:
        self.fd = fd
        self.path = path
        self.segment = segment
        self.size = size

    def length(self) -> int:
        """Length of the file in bytes, now."""
        try:
            return os.lseek(self.fd, 0, os.SEEK_END)
        except OSError as error:
            raise storage_error("measure the file", self.path, error) from error

    def read_at(self, offset: int, size: int, /) -> bytes:
        """`size` bytes from `offset` on; fewer only when the file ends before."""
        try:
            data = os.pread(self.fd, size, offset)
            if len(data) == size or not data:
                return data
            chunks = [data]
            missing = size - len(data)
            while missing and (data := os.pread(self.fd, missing, offset + size - missing)):
                chunks.append(data)
                missing -= len(data)
            return b"".join(chunks)
        except OSError as error:
            raise storage_error(f"read {size} bytes at offset {offset}", self.path, error) from error

    def write(self, data: bytes) -> None:
        """Append `data` whole, going on after short writes."""
        try:
            written = os.write(self.fd, data)
            while written < len(data):
                step = os.write(self.fd, memoryview(data)[written:])
                if step == 0:
                    raise OSError(errno.EIO, "write made no progress")  # noqa: TRY301 - one way out
                written += step
        except OSError as error:
            raise storage_error(f"write {len(data)} bytes", self.path, error) from error

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes."""
        try:
            os.ftruncate(self.fd, size)
        except OSError as error:
            raise storage_error(f"cut the file to {size} bytes", self.path, error) from error

    def sync(self) -> None:
        """Bring the file's bytes and length to stable storage."""
        _sync(self.fd, self.path)

    def close(self) -> None:
        """Close the descriptor; twice is harmless."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


def _sync(fd: int, path: str) -> None:
    try:
        os.fsync(fd)
    except OSError as error:
        raise storage_error("sync", path, error) from error


def absolute(path: StrPath) -> str:
    """`path` as an absolute string without a slash at its end; links and dots are left to the system."""
    text = os.fsdecode(path)
    if not text.startswith("/"):
        text = os.path.join(os.getcwd(), text)
    return text.rstrip("/") or "/"


def open_directory(path: str) -> File:
    """The directory at `path`; raises MissingError or NotDirectoryError when there is none."""
    try:
        return File(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), path)
    except OSError as error:
        raise storage_error("open the directory", path, error) from error


def sync_directory(path: str) -> None:
    """Bring the names in a directory to stable storage."""
    directory = open_directory(path)
    try:
        directory.sync()
    finally:
        directory.close()


def make_directories(path: str) -> None:
    """Make the directory and its parents where they are missing, syncing each into its parent (SAFE-9)."""
    try:
        try:
            os.mkdir(path)
        except FileNotFoundError:
            make_directories(os.path.dirname(path))
            os.mkdir(path)
    except FileExistsError as error:
        if not os.path.isdir(path):
            raise NotDirectoryError("make the directory", path, "something else stands there") from error
        return
    except OSError as error:
        raise storage_error("make the directory", path, error) from error
    sync_directory(os.path.dirname(path))


def list_segments(path: str) -> list[int]:
    """Ids of the segments in a directory, ascending (clauses SEG-1 to SEG-6)."""
    try:
        with os.scandir(path) as entries:
            found = [
                number
                for entry in entries
                if (number := segment_id(entry.name)) is not None and entry.is_file(follow_symlinks=False)
            ]
    except OSError as error:
        raise storage_error("list the directory", path, error) from error
    found.sort()
    return found


def segment_path(directory: str, segment: int) -> str:
    """Path of a segment."""
    return os.path.join(directory, segment_name(segment))


def open_segment(directory: str, segment: int, *, writable: bool = False) -> File:
    """An existing segment, to read or to read and append (clause SEG-2)."""
    path = segment_path(directory, segment)
    flags = os.O_RDWR | os.O_APPEND if writable else os.O_RDONLY
    return _open_regular("open the segment", path, flags, segment)


def create_segment(directory: str, segment: int) -> File:
    """A new segment, to read and append; raises ObstructedError when anything has its name (SAFE-8)."""
    path = segment_path(directory, segment)
    return _open_regular("create the segment", path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, segment)


def create_file(path: str) -> File:
    """A new file to append to; raises ObstructedError when anything has its name."""
    return _open_regular("create the file", path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL)


def open_lock_file(directory: str) -> File:
    """The lock file, made where it is missing, never through a link (clauses LOCK-1 and SAFE-14)."""
    path = os.path.join(directory, LOCK_NAME)
    return _open_regular("open the lock file", path, os.O_RDWR | os.O_CREAT)


def write_diagnostic(file: File, text: bytes) -> None:
    """Make `text` the content of a file, as well as possible: nothing depends on it (clause LOCK-8).

    A file with a second name is left alone, for what that other name means is unknown.
    """
    try:
        if os.fstat(file.fd).st_nlink == 1:
            os.ftruncate(file.fd, 0)
            os.pwrite(file.fd, text, 0)
    except OSError:
        return


def _open_regular(action: str, path: str, flags: int, segment: int = -1) -> File:
    try:
        fd = os.open(path, flags | _NEVER_WAIT_OR_FOLLOW, _FILE_MODE)
    except OSError as error:
        if error.errno in _OBSTACLES:
            raise ObstructedError(action, path, error) from error
        raise storage_error(action, path, error) from error
    try:
        status = os.fstat(fd)
    except OSError as error:
        os.close(fd)
        raise storage_error(action, path, error) from error
    if not stat.S_ISREG(status.st_mode):
        os.close(fd)
        raise ObstructedError(action, path, "something that is no regular file stands there")
    return File(fd, path, segment, status.st_size)


def sources(directory: str, segments: list[int] | tuple[int, ...]) -> Iterator[File]:
    """The segments one after the other, each open only while it is the current one."""
    for segment in segments:
        file = open_segment(directory, segment)
        try:
            yield file
        finally:
            file.close()


def is_missing(path: str) -> bool:
    """Whether nothing, not even a dangling link, stands at `path`."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise storage_error("look at", path, error) from error
    return False


def is_link(path: str) -> bool:
    """Whether a symbolic link stands at `path`."""
    return os.path.islink(path)


def is_regular(path: str) -> bool:
    """Whether a regular file, no link to one, stands at `path`."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def is_empty(path: str) -> bool:
    """Whether the directory at `path` holds nothing; raises NotDirectoryError when it is none."""
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except OSError as error:
        raise storage_error("list the directory", path, error) from error


def split(path: str) -> tuple[str, str]:
    """Parent directory and name of a path, dots at its end resolved."""
    if os.path.basename(path) in {".", ".."}:
        path = os.path.realpath(path)
    parent, name = os.path.split(path)
    return parent, name


def same_directory(one: str, other: str) -> bool:
    """Whether two paths lead to one directory."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def unpredictable_sibling(path: str) -> str:
    """A name beside `path` that nobody can guess, hidden and recognisable (clause SAFE-10)."""
    parent, name = os.path.split(path)
    return os.path.join(parent, f".{name[:100]}.{secrets.token_hex(8)}.tmp")


def make_directory(path: str) -> None:
    """A new directory; raises ObstructedError when anything has its name."""
    try:
        os.mkdir(path)
    except FileExistsError as error:
        raise ObstructedError("make the directory", path, error) from error
    except OSError as error:
        raise storage_error("make the directory", path, error) from error


def rename(source: str, target: str) -> None:
    """Put `source` in the place of `target` in one step; a directory replaces only an empty one."""
    try:
        os.rename(source, target)
    except OSError as error:
        raise storage_error(f"rename {os.path.basename(source)} into place", target, error) from error


def discard_file(path: str) -> None:
    """Remove a file of ours as well as possible: the error that led here is the one to tell."""
    try:
        os.unlink(path)
    except OSError:
        return


def discard_directory(path: str) -> None:
    """Remove an empty directory of ours as well as possible, see `discard_file`."""
    try:
        os.rmdir(path)
    except OSError:
        return
