"""The only module that opens, reads, writes, syncs, renames and removes.

Strategy: everything here calls the operating system through this module's own `os`, one seam where tests
inject faults, and turns what it answers into an error of the tree. Paths are kept absolute and passed whole, so a
later `chdir` is harmless and a system-call trace can be read by path. A file of the log is opened without
following a link and without waiting (a FIFO would hang otherwise), and is used only when it turns out to be a
regular file. Nothing is mapped: a file that someone cuts would kill the process that maps it. Python opens
descriptors close-on-exec, so no started program inherits them.
"""

# pathlib knows no descriptors, and making a path costs more than the call that is made with it.
# ruff: noqa: PTH102, PTH104, PTH106, PTH108, PTH109, PTH112, PTH118, PTH119, PTH120, PTH121

import errno
import os
import secrets
import stat
from collections.abc import Generator, Iterable, Iterator
from typing import Final, TypeAlias

from datawal.errors import NotDirectoryError, ObstructedError, StorageError, fail
from datawal_spec import LOCK_NAME, segment_id, segment_name

StrPath: TypeAlias = str | os.PathLike[str]
"""What paths may be given as."""

_NEVER_WAIT_OR_FOLLOW: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FILE_MODE: Final = 0o666
_WRITE: Final = 256 * 1024
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
            fail("measure the file", self.path, error)

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
            fail(f"read {size} bytes at offset {offset}", self.path, error)

    def write(self, data: bytes) -> None:
        """Append `data` whole, going on after short writes."""
        try:
            written = os.write(self.fd, data)
            while written < len(data):
                step = os.write(self.fd, memoryview(data)[written:])
                if step == 0:
                    raise OSError(errno.EIO, "no progress")  # noqa: TRY301 - one way out
                written += step
        except OSError as error:
            fail(f"write {len(data)} bytes", self.path, error)

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes."""
        try:
            os.ftruncate(self.fd, size)
        except OSError as error:
            fail(f"cut the file to {size} bytes", self.path, error)

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
        fail("sync", path, error)


def absolute(path: StrPath) -> str:
    """`path` as an absolute string that ends in a name; links and dots before it are left to the system."""
    text = os.fsdecode(path)
    if not text.startswith("/"):
        try:
            text = os.path.join(os.getcwd(), text)
        except OSError as error:
            fail("find the working directory", text, error)
    if text.endswith(("/", "/.", "/..")):
        text = os.path.realpath(text)
    return text


def open_directory(path: str) -> File:
    """The directory at `path`; raises MissingError or NotDirectoryError when there is none."""
    try:
        return File(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), path)
    except OSError as error:
        fail("open the directory", path, error)


def sync_directory(path: str) -> None:
    """Bring the names in a directory to stable storage."""
    directory = open_directory(path)
    try:
        directory.sync()
    finally:
        directory.close()


def sync_parent_if_allowed(path: str) -> None:
    """Sync the parent of a directory that may have been made by someone else; not everyone may read it."""
    try:
        sync_directory(os.path.dirname(path))
    except StorageError as error:
        if error.errno not in {errno.EACCES, errno.EPERM}:
            raise


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
            raise NotDirectoryError(
                action="make the directory", path=path, reason="something else stands there"
            ) from error
        return
    except OSError as error:
        fail("make the directory", path, error)
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
        fail("list the directory", path, error)
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
            raise ObstructedError(action=action, path=path, reason=error) from error
        fail(action, path, error)
    try:
        status = os.fstat(fd)
    except OSError as error:
        os.close(fd)
        fail(action, path, error)
    if not stat.S_ISREG(status.st_mode):
        os.close(fd)
        raise ObstructedError(action=action, path=path, reason="something that is no regular file stands there")
    return File(fd, path, segment, status.st_size)


def sources(directory: str, segments: Iterable[int], active: File | None = None) -> Generator[File, None, None]:
    """The segments one after the other, each open only while it is the current one, then `active`."""
    for segment in segments:
        file = open_segment(directory, segment)
        try:
            yield file
        finally:
            file.close()
    if active is not None:
        yield active


def mode_at(path: str) -> int | None:
    """The mode of what stands at `path`, links not followed; None when nothing does."""
    try:
        return os.lstat(path).st_mode
    except FileNotFoundError:
        return None
    except OSError as error:
        fail("look at", path, error)


def is_empty(path: str) -> bool:
    """Whether the directory at `path` holds nothing; raises NotDirectoryError when it is none."""
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is None
    except OSError as error:
        fail("list the directory", path, error)


def parent_of(path: str) -> str:
    """The directory that holds `path`."""
    return os.path.dirname(path)


def refuse_own_names(action: str, path: str, log: str) -> None:
    """Raise ObstructedError when `path` is a name that the log in the directory `log` keeps for itself."""
    parent, name = os.path.split(path)
    if segment_id(name) is None and name != LOCK_NAME:
        return
    try:
        own = os.path.samefile(parent, log)
    except OSError:
        own = False
    if own:
        raise ObstructedError(action=action, path=path, reason="the log keeps this name for itself; choose another one")


def batched(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """Join small pieces into writes of about `_WRITE` bytes, each with the number of pieces in it."""
    batch: list[bytes] = []
    size = 0
    for piece in pieces:
        if batch and size + len(piece) > _WRITE:
            yield b"".join(batch), len(batch)
            batch, size = [], 0
        batch.append(piece)
        size += len(piece)
    if batch:
        yield b"".join(batch), len(batch)


def unpredictable_sibling(path: str) -> str:
    """A name beside `path` that nobody can guess, hidden and recognisable (clause SAFE-10)."""
    parent, name = os.path.split(path)
    return os.path.join(parent, f".{name[:100]}.{secrets.token_hex(8)}.tmp")


def make_directory(path: str) -> None:
    """A new directory; raises ObstructedError when anything has its name."""
    try:
        os.mkdir(path)
    except FileExistsError as error:
        raise ObstructedError(action="make the directory", path=path, reason=error) from error
    except OSError as error:
        fail("make the directory", path, error)


def rename(source: str, target: str) -> None:
    """Put `source` in the place of `target` in one step; a directory replaces only an empty one."""
    try:
        os.rename(source, target)
    except OSError as error:
        fail(f"rename {os.path.basename(source)} into place", target, error)


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


class SegmentCache:
    """Segments open for reading, the least recently used one closed first (clause KV-15)."""

    __slots__ = ("_files", "_limit", "directory")

    def __init__(self, directory: str, limit: int) -> None:
        self.directory = directory
        self._limit = limit
        self._files: dict[int, File] = {}

    def get(self, segment: int) -> File:
        """The segment, opened if it is not."""
        file = self._files.pop(segment, None)
        if file is None:
            if len(self._files) >= self._limit:
                self._files.pop(next(iter(self._files))).close()
            file = open_segment(self.directory, segment)
        self._files[segment] = file
        return file

    def close(self) -> None:
        """Close all of them."""
        while self._files:
            self._files.popitem()[1].close()
