"""The directory of one case: laid out before it, looked at and changed during it, compared after it.

The only place of the kit that touches a case's files. Paths come from case files, which may be anybody's:
each is checked to stay inside the directory, and links are made but never followed.
"""

import contextlib
import os
import re
import shutil
import socket
import stat
import tempfile
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from datawal_conformance.mismatch import Mismatch, files_differ
from datawal_conformance.values import to_bytes
from datawal_spec import LOCK_NAME

_HEX_NAME = "hex:"


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands at a path: `kind` is file, directory, symlink, fifo, socket or other.

    `content` holds a file's bytes, a link's target as bytes, or nothing.
    """

    kind: str
    content: bytes = b""


DIRECTORY = Entry("directory")


@lru_cache(maxsize=4096)
def safe_parts(path: str) -> tuple[bytes, ...]:
    """Split a path of a case into names; raises ValueError where it could lead out of the directory."""
    parts = path.split("/")
    names = tuple(
        bytes.fromhex(part.removeprefix(_HEX_NAME)) if part.startswith(_HEX_NAME) else part.encode() for part in parts
    )
    for name in names:
        if name in {b"", b".", b".."} or b"/" in name or b"\0" in name:
            msg = f"path {path!r} leaves the case's directory or has an empty part"
            raise ValueError(msg)
    return names


def _entry(content: Any, path: tuple[bytes, ...]) -> Entry:
    if isinstance(content, dict):
        if "directory" in content:
            return DIRECTORY
        if "symlink" in content:
            target = str(content["symlink"])
            _check_link(target, path)
            return Entry("symlink", target.encode())
        if "unreadable" in content:
            return Entry("file", to_bytes(content["unreadable"]))
        for kind in ("fifo", "socket"):
            if kind in content:
                return Entry(kind)
    return Entry("file", to_bytes(content))


def _check_link(target: str, path: tuple[bytes, ...]) -> None:
    depth = len(path) - 1
    pure = PurePosixPath(target)
    for part in pure.parts:
        depth += -1 if part == ".." else 1
        if pure.is_absolute() or depth < 0:
            msg = f"symlink target {target!r} leaves the case's directory"
            raise ValueError(msg)


class Sandbox:
    """The directory of one case. `given` is the case's map of paths to contents."""

    def __init__(self, root: str, given: dict[str, Any]) -> None:
        self._root = os.fsencode(root)
        self._expected: dict[bytes, Entry] = {}
        self._made: set[bytes] = set()
        self._last_seen: dict[bytes, Entry] = {}
        self._unread_locks: list[bytes] = []
        self._unreadable: list[bytes] = []
        os.mkdir(self._root, 0o700)
        for path, content in given.items():
            names = safe_parts(path)
            entry = _entry(content, names)
            self._expect(names, entry)
            full = b"/".join((self._root, *names))
            self._make(full, entry)
            if isinstance(content, dict) and "unreadable" in content:
                os.chmod(full, 0)
                self._unreadable.append(full)

    def _expect(self, names: tuple[bytes, ...], entry: Entry) -> None:
        """Note what stands at a path, and make its parents where they are new."""
        for depth in range(1, len(names)):
            parent = b"/".join(names[:depth])
            if parent not in self._expected:
                self._expected[parent] = DIRECTORY
                if parent not in self._made:
                    self._make_directory(self._root + b"/" + parent)
                    self._made.add(parent)
        self._expected[b"/".join(names)] = entry

    def _make(self, path: bytes, entry: Entry) -> None:
        if entry.kind == "file":
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            try:
                _write_all(fd, entry.content)
            finally:
                os.close(fd)
        elif entry.kind == "directory":
            self._make_directory(path)
        elif entry.kind == "symlink":
            os.symlink(entry.content, path)
        elif entry.kind == "fifo":
            os.mkfifo(path, 0o600)
        else:
            _make_socket(path)

    def _make_directory(self, path: bytes) -> None:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)

    def act(self, action: dict[str, Any]) -> Mismatch | None:
        """Do one step of the runner; returns what a `check` found wrong.

        What the step changes counts as given from then on. Raises OSError when it cannot be done, for
        example because the implementation never made the file.
        """
        word = action["do"]
        if word == "check":
            return self.compare(action["files"])
        names = safe_parts(action["path"])
        path = b"/".join((self._root, *names))
        key = b"/".join(names)
        if word == "remove":
            os.unlink(path)
            self._expected.pop(key, None)
            return None
        if word == "write":
            entry = _entry(action["content"], names)
            if os.path.lexists(path):
                os.unlink(path)
            self._expect(names, entry)
            self._make(path, entry)
            return None
        fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        try:
            if word == "truncate":
                os.ftruncate(fd, action["len"])
            else:
                data = to_bytes(action["bytes"])
                os.lseek(fd, *((0, os.SEEK_END) if word == "append_bytes" else (action["offset"], os.SEEK_SET)))
                _write_all(fd, data)
        finally:
            os.close(fd)
        if key in self._expected:
            self._expected[key] = _look(path)
        return None

    def compare(self, files: Any) -> Mismatch | None:
        """Compare the directory with what `then.files` or a check asks for; None when it agrees."""
        for path in self._unreadable:
            with contextlib.suppress(FileNotFoundError):
                os.chmod(path, 0o600, follow_symlinks=True)
        expected = self._expected
        anything: set[bytes] = set()
        if files != "unchanged":
            expected = dict(expected)
            for path, content in files.items():
                self._change(expected, anything, path, content)
        found: dict[bytes, Entry] = {}
        self._unread_locks.clear()
        self._snapshot(self._root, b"", found, expected)
        self._last_seen = found
        if files != "unchanged":
            named = {path: _UNREAD_LOCK for path in self._unread_locks if path.decode("utf-8", "replace") in files}
            found = {**found, **named}
        if found == expected:
            return None
        for path in sorted(expected.keys() | found.keys()):
            if _covered(path, anything) or _is_lock_file(path, expected, found, files):
                continue
            want, have = expected.get(path), found.get(path)
            if want is not None and want.kind == _PATTERN and have is not None and have.kind == "file":
                if re.fullmatch(want.content, have.content):
                    continue
                return Mismatch(
                    path.decode(), f"content that matches {want.content.decode()!r}", repr(have.content[:80])
                )
            if want != have:
                return files_differ(path, want, have)
        return None

    def _change(self, expected: dict[bytes, Entry], anything: set[bytes], path: str, content: Any) -> None:
        names = safe_parts(path)
        key = b"/".join(names)
        if content is None:
            expected.pop(key, None)
            return
        for depth in range(1, len(names)):
            expected.setdefault(b"/".join(names[:depth]), DIRECTORY)
        if isinstance(content, dict) and "any" in content:
            anything.add(key)
        elif isinstance(content, dict) and "matches" in content:
            expected[key] = Entry(_PATTERN, content["matches"].encode())
        else:
            expected[key] = _entry(content, names)

    def _snapshot(
        self, directory: bytes, prefix: bytes, found: dict[bytes, Entry], expected: dict[bytes, Entry]
    ) -> None:
        with os.scandir(directory) as entries:
            for item in entries:
                key = prefix + item.name
                if len(found) > _MOST_ENTRIES:
                    return
                try:
                    if item.is_dir(follow_symlinks=False):
                        found[key] = DIRECTORY
                        if len(key) < _DEEPEST:
                            self._snapshot(item.path, key + b"/", found, expected)
                    elif not item.is_file(follow_symlinks=False):
                        found[key] = _look(item.path)
                    elif item.name == _LOCK and key not in expected:
                        self._unread_locks.append(key)
                    else:
                        found[key] = _read_entry(item.path, expected.get(key, _EMPTY_FILE))
                except OSError as error:
                    found[key] = Entry(f"thing that cannot be read ({error.strerror})")

    def remove(self) -> None:
        """Take the directory away, whatever the implementation left in it."""
        try:
            for key in self._unread_locks:
                os.unlink(self._root + b"/" + key)
            for key in reversed(self._last_seen):
                path = self._root + b"/" + key
                if self._last_seen[key] is DIRECTORY:
                    os.rmdir(path)
                else:
                    os.unlink(path)
            os.rmdir(self._root)
        except OSError:
            remove_tree(self._root)


_LOCK = LOCK_NAME.encode()
_PATTERN = "file by pattern"
"""Kind of an expected entry whose content is a regular expression that a file's content must match as a whole."""

_UNREAD_LOCK = Entry("file")
"""A lock file that was not given: its content is not read, and only a case that names it asks for it."""

_MOST_ENTRIES = 20_000
"""Entries after which a snapshot stops: far more than any case lays out, so the comparison fails anyway."""

_DEEPEST = 1024
"""Longest path, in bytes, that a snapshot follows: hostile trees may be deeper than Python recurses."""


def _covered(path: bytes, anything: set[bytes]) -> bool:
    return any(path == prefix or path.startswith(prefix + b"/") for prefix in anything)


def _is_lock_file(path: bytes, expected: dict[bytes, Entry], found: dict[bytes, Entry], files: Any) -> bool:
    """Whether this is a lock file the case says nothing about: its presence and content are free."""
    if path.rpartition(b"/")[2] != _LOCK:
        return False
    if files != "unchanged" and path.decode("utf-8", "replace") in files:
        return False
    return all(entry is None or entry.kind == "file" for entry in (expected.get(path), found.get(path)))


def _look(path: bytes) -> Entry:
    """What stands at a path."""
    status = os.lstat(path)
    mode = status.st_mode
    if stat.S_ISREG(mode):
        return Entry("file", _read(path, status.st_size))
    if stat.S_ISLNK(mode):
        return Entry("symlink", os.readlink(path))
    if stat.S_ISDIR(mode):
        return DIRECTORY
    if stat.S_ISFIFO(mode):
        return Entry("fifo")
    return Entry("socket" if stat.S_ISSOCK(mode) else "other")


_EMPTY_FILE = Entry("file")
_READ_BEYOND = 1 << 16
_READ_AT_LEAST = 1 << 20


def _read_entry(path: bytes, expected: Entry) -> Entry:
    """A file, `expected` itself where it holds just that; one much larger is read only as far as needed to tell."""
    fd = os.open(path, _READING)
    try:
        enough_to_tell = len(expected.content) + 1
        data = os.read(fd, enough_to_tell)
        if data == expected.content and expected.kind == "file":
            return expected
        return Entry("file", _read_on(fd, data, max(enough_to_tell + _READ_BEYOND, _READ_AT_LEAST)))
    finally:
        os.close(fd)


def _read(path: bytes, size: int) -> bytes:
    fd = os.open(path, _READING)
    try:
        return _read_on(fd, b"", size)
    finally:
        os.close(fd)


def _read_on(fd: int, data: bytes, size: int) -> bytes:
    """What was read already and what follows it, up to `size` bytes in all."""
    parts = [data]
    left = size - len(data)
    while left > 0 and (more := os.read(fd, left)):
        parts.append(more)
        left -= len(more)
    return b"".join(parts)


_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK


def _write_all(fd: int, data: bytes) -> None:
    written = os.write(fd, data)
    while written < len(data):
        written += os.write(fd, memoryview(data)[written:])


def _make_socket(path: bytes) -> None:
    """Bind a socket at the path; binding by a short name keeps below the length limit of addresses."""
    directory, name = os.path.split(path)
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as unix:
            unix.bind(f"/proc/self/fd/{fd}/{os.fsdecode(name)}")
    finally:
        os.close(fd)


def remove_tree(path: bytes) -> None:
    """Remove a directory and all below it; modes that stand in the way are lifted."""
    try:
        _remove_flat(path)
    except (OSError, RecursionError):
        for directory, _names, _files in os.walk(path):
            os.chmod(directory, 0o700)
        shutil.rmtree(path, ignore_errors=True)


def _remove_flat(directory: bytes) -> None:
    with os.scandir(directory) as entries:
        for item in entries:
            if item.is_dir(follow_symlinks=False):
                _remove_flat(item.path)
            else:
                os.unlink(item.path)
    os.rmdir(directory)


def memory_dir() -> Path | None:
    """A directory whose files live in memory, or None where the machine has none that can be written."""
    candidate = Path("/dev/shm")  # noqa: S108  (only the parent: the directory in it is made by mkdtemp)
    return candidate if candidate.is_dir() and os.access(candidate, os.W_OK | os.X_OK) else None


@cache
def modes_are_heeded() -> bool:
    """Whether a file without permissions cannot be read here: not so for the superuser."""
    fd, path = tempfile.mkstemp(prefix="datawal-conformance-")
    os.close(fd)
    try:
        os.chmod(path, 0)
        os.close(os.open(path, os.O_RDONLY))
    except PermissionError:
        return True
    finally:
        os.unlink(path)
    return False
