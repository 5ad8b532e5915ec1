"""Fixtures that more than one file of tests needs."""

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from datawal import _files

SHM = Path("/dev/shm")
CALLS = {"open", "mkdir", "rename", "unlink", "rmdir", "scandir", "lstat", "fstat", "lseek"}
CALLS |= {"pread", "pwrite", "write", "ftruncate", "fsync"}


class FaultyOs:
    """Stands in for `os` inside `datawal._files`: passes every call on, but for those told to fail."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self._faults: list[tuple[str, str, Callable[..., Any]]] = []

    def on(self, call: str, path_end: str, act: Callable[..., Any]) -> None:
        """Let `act(real, *args)` answer calls of `call` on paths that end with `path_end`."""
        self._faults.append((call, path_end, act))

    def fail(self, call: str, path_end: str = "", code: int = errno.EIO) -> None:
        """Let calls of `call` on paths that end with `path_end` fail."""

        def act(_real: Any, *_args: Any, **_kwargs: Any) -> None:
            raise OSError(code, os.strerror(code))

        self.on(call, path_end, act)

    def heal(self) -> None:
        """Let everything work again."""
        self._faults.clear()

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in CALLS:
            return real

        def call(*args: Any, **kwargs: Any) -> Any:
            target = args[-1] if name == "rename" else args[0]
            path = str(Path(f"/proc/self/fd/{target}").readlink()) if isinstance(target, int) else os.fspath(target)
            self.calls.append((name, path))
            for wanted, path_end, act in self._faults:
                if wanted == name and path.endswith(path_end):
                    return act(real, *args, **kwargs)
            return real(*args, **kwargs)

        return call


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> FaultyOs:
    stand_in = FaultyOs()
    monkeypatch.setattr(_files, "os", stand_in)
    return stand_in


@pytest.fixture
def root() -> Iterator[Path]:
    """A directory of the test's own, in memory where the machine has it."""
    with tempfile.TemporaryDirectory(dir=SHM if SHM.is_dir() else None) as directory:
        yield Path(directory)


@pytest.fixture
def where(root: Path) -> Path:
    """Where the log of a test goes; nothing is there yet."""
    return root / "log"


@pytest.fixture
def open_fds(root: Path) -> Callable[[], set[str]]:
    """Tells which files this process has open."""

    def listing() -> set[str]:
        found = set()
        for link in list(Path("/proc/self/fd").iterdir()):
            with suppress(FileNotFoundError):  # the descriptor of this very listing
                target = str(link.readlink())
                if str(root) in target:
                    found.add(f"{link.name}:{target}")
        return found

    return listing
