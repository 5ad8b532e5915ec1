"""The lock: one writer at a time, released whatever happens (profile LOCK)."""

import errno
import fcntl
import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datawal import DataWal, LockedError, RecordLog, RecordLogReader, StorageError

HOLD = "import sys; from datawal import RecordLog; log = RecordLog.open(sys.argv[1]); print(flush=True); input()"


def hold(where: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, where], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    child.stdout.readline()
    return child


def test_a_second_open_in_this_process_fails_as_locked(where: Path):
    with RecordLog.open(where):
        for opener in (RecordLog.open, DataWal.open):
            with pytest.raises(LockedError, match="already locked") as caught:
                opener(where)
            assert (caught.value.kind, caught.value.holder) == ("locked", os.getpid())
    RecordLog.open(where).close()


def test_a_locked_open_leaves_no_descriptor(where: Path, open_fds: Callable[[], set[str]]):
    with RecordLog.open(where):
        before = open_fds()
        with pytest.raises(LockedError):
            RecordLog.open(where)
        assert open_fds() == before


def test_another_process_keeps_us_out_until_it_dies(where: Path):
    with hold(where) as child:
        with pytest.raises(LockedError) as caught:
            RecordLog.open(where)
        assert caught.value.holder == child.pid
        child.send_signal(signal.SIGKILL)
        child.wait()
    RecordLog.open(where).close()


def test_a_failed_open_does_not_disturb_the_holder(where: Path):
    with RecordLog.open(where) as log:
        with pytest.raises(LockedError):
            RecordLog.open(where)
        with pytest.raises(LockedError):
            RecordLog.open(where)
        log.append(b"x")
        assert (where / ".lock").read_text() == f"{os.getpid()}\n"


@pytest.mark.parametrize("content", [b"", b"4194304999\n", b"no pid", bytes(4096)])
def test_a_stale_lock_file_is_no_obstacle_whatever_it_contains(where: Path, content: bytes):
    where.mkdir()
    (where / ".lock").write_bytes(content)
    RecordLog.open(where).close()
    assert (where / ".lock").read_text() == f"{os.getpid()}\n"


def test_a_holder_that_wrote_no_pid_is_just_another_handle(where: Path):
    with RecordLog.open(where):
        (where / ".lock").write_text("?")
        with pytest.raises(LockedError, match="another handle") as caught:
            RecordLog.open(where)
        assert caught.value.holder is None


@pytest.mark.parametrize("use", [RecordLog.open, DataWal.open])
def test_dropping_a_handle_releases_the_lock(where: Path, use: Callable[[Any], object]):
    gc.disable()
    try:
        handle = use(where)
        del handle
        RecordLog.open(where).close()
    finally:
        gc.enable()


def test_a_reader_neither_takes_the_lock_nor_minds_it(where: Path):
    with RecordLog.open(where) as log:
        log.append(b"x")
        reader = RecordLogReader.open(where)
        assert [record.payload for record in reader.scan_iter()] == [b"x"]
    RecordLog.open(where).close()


def test_closing_releases_the_lock_even_where_the_descriptor_lives_on(where: Path):
    log = RecordLog.open(where)
    copy = os.dup(log._lock.fd)
    try:
        log.close()
        RecordLog.open(where).close()
    finally:
        os.close(copy)


def test_a_system_without_locks_left_is_an_error_of_the_tree(where: Path, monkeypatch: pytest.MonkeyPatch):
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(StorageError, match="cannot lock: no locks"):
        RecordLog.open(where)


def test_the_pid_is_a_diagnostic_that_no_open_depends_on(where: Path, faults: Any):
    faults.fail("pwrite", ".lock", errno.ENOSPC)
    RecordLog.open(where).close()


FORK = """
import os, sys
from datawal import ClosedError, LockedError, RecordLog
log = RecordLog.open(sys.argv[1])
from_child, to_parent = os.pipe()
from_parent, to_child = os.pipe()
if os.fork() == 0:
    try:
        log.append(b"from the child")
    except ClosedError:
        os.write(to_parent, b"closed")
    os.read(from_parent, 1)
    os._exit(0)
assert os.read(from_child, 6) == b"closed"
try:
    RecordLog.open(sys.argv[1])
except LockedError:
    print("still locked")
log.append(b"from the parent")
log.close()
with RecordLog.open(sys.argv[1]) as again:
    print([record.payload for record in again.scan()])
os.write(to_child, b"x")
os.wait()
"""


def test_a_forked_child_neither_holds_the_lock_nor_writes(where: Path):
    done = subprocess.run([sys.executable, "-c", FORK, where], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["still locked", "[b'from the parent']"]


def test_a_started_program_inherits_no_descriptor(where: Path, open_fds: Callable[[], set[str]]):
    with RecordLog.open(where) as log, log.scan_iter() as records:
        log.append(b"x")
        next(records, None)
        assert open_fds()
        assert not any(os.get_inheritable(int(entry.partition(":")[0])) for entry in open_fds())
