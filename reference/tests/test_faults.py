"""The operating system refuses: the handle is poisoned, reading works, reopening recovers (profile POI)."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datawal import (
    DataWal,
    DatawalError,
    NotEmptyError,
    PoisonedError,
    RecordLog,
    StorageError,
)
from datawal import testing as datawal_testing

STEPS: dict[str, Callable[[Any], object]] = {
    "append": lambda log: log.append(b"lost"),
    "fsync": lambda log: log.fsync(),
    "rotate": lambda log: log.rotate(),
}
FAILURES = [
    ("append", "write", "00000001.dwal", errno.ENOSPC),
    ("append", "lseek", "00000001.dwal", errno.EIO),
    ("fsync", "fsync", "00000001.dwal", errno.EIO),
    ("fsync", "fsync", "log", errno.EIO),
    ("rotate", "fsync", "00000001.dwal", errno.EIO),
    ("rotate", "open", "00000002.dwal", errno.EMFILE),
    ("rotate", "open", "00000002.dwal", errno.EEXIST),
    ("rotate", "fsync", "log", errno.EIO),
]


@pytest.mark.parametrize(("step", "call", "path_end", "code"), FAILURES)
def test_a_failed_write_sync_or_rotation_poisons_and_reopening_recovers(
    where: Path, faults: Any, step: str, call: str, path_end: str, code: int
):
    log = RecordLog.open(where)
    log.append(b"kept")
    faults.fail(call, path_end, code)
    with pytest.raises(StorageError) as caught:
        STEPS[step](log)
    faults.heal()
    assert caught.value.errno == code
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.path.endswith(path_end)
    assert log.is_poisoned
    before = {path.name: path.read_bytes() for path in where.glob("*.dwal")}
    for use in STEPS.values():
        with pytest.raises(PoisonedError) as poisoned:
            use(log)
        assert str(poisoned.value) == f"datawal: writer poisoned: {caught.value}; drop handle and reopen"
        assert poisoned.value.reason == str(caught.value)
    assert [record.payload for record in log.scan()] == [b"kept"]
    log.close()
    assert {path.name: path.read_bytes() for path in where.glob("*.dwal")} == before
    with RecordLog.open(where) as log:
        assert not log.is_poisoned
        log.append(b"new")
        assert [record.payload for record in log.scan()] == [b"kept", b"new"]


@pytest.mark.parametrize("call", ["ftruncate", "fsync"])
@pytest.mark.parametrize("step", ["append", "rotate"])
def test_a_tail_that_cannot_be_cut_poisons_before_anything_is_written(where: Path, faults: Any, call: str, step: str):
    with RecordLog.open(where) as log:
        log.append(b"kept")
    with (where / "00000001.dwal").open("ab") as file:
        file.write(b"torn")
    log = RecordLog.open(where)
    faults.fail(call, "00000001.dwal")
    with pytest.raises(StorageError):
        STEPS[step](log)
    faults.heal()
    with pytest.raises(PoisonedError):
        log.append(b"lost")
    log.close()
    assert sorted(path.name for path in where.glob("*.dwal")) == ["00000001.dwal"]
    with RecordLog.open(where) as log:
        log.append(b"new")
        assert [record.payload for record in log.scan()] == [b"kept", b"new"]


@pytest.mark.parametrize("short", [1, 20, 33])
def test_a_short_write_is_continued(where: Path, faults: Any, short: int):
    with RecordLog.open(where) as log:
        faults.on("write", ".dwal", lambda real, fd, data: real(fd, bytes(data)[:short]))
        log.append(b"alpha" * 10)
        log.append(b"beta")
    faults.heal()
    with RecordLog.open(where) as log:
        assert [record.payload for record in log.scan()] == [b"alpha" * 10, b"beta"]


@pytest.mark.parametrize("short", range(1, 33))
def test_a_write_torn_after_any_byte_loses_nothing_acknowledged(where: Path, faults: Any, short: int):
    log = RecordLog.open(where)
    log.append(b"kept")
    log.fsync()
    wrote = []

    def tear(real: Any, fd: int, data: bytes) -> int:
        if wrote:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        wrote.append(real(fd, bytes(data)[:short]))
        return wrote[0]

    faults.on("write", ".dwal", tear)
    with pytest.raises(StorageError):
        log.append(b"alpha")
    faults.heal()
    assert [record.payload for record in log.scan()] == [b"kept"]
    assert log.recovery_report().tail_bytes_discarded == short
    log.close()
    with RecordLog.open(where) as log:
        log.append(b"new")
        log.fsync()
    with RecordLog.open(where) as log:
        assert [record.payload for record in log.scan()] == [b"kept", b"new"]
        assert log.recovery_report().tail_truncated == 0


def test_a_write_that_makes_no_progress_fails_instead_of_hanging(where: Path, faults: Any):
    with RecordLog.open(where) as log:
        faults.on("write", ".dwal", lambda _real, _fd, _data: 0)
        with pytest.raises(StorageError, match="no progress"):
            log.append(b"x")
        assert log.is_poisoned


@pytest.mark.parametrize(("step", "call", "path_end"), [("append", "write", ".dwal"), ("rotate", "fsync", "log")])
def test_an_interrupt_in_the_middle_poisons_too(where: Path, faults: Any, step: str, call: str, path_end: str):
    def interrupt(real: Any, *args: Any) -> None:
        real(*args)
        raise KeyboardInterrupt

    with RecordLog.open(where) as log:
        faults.on(call, path_end, interrupt)
        with pytest.raises(KeyboardInterrupt):
            STEPS[step](log)
        with pytest.raises(PoisonedError, match="KeyboardInterrupt"):
            log.append(b"x")


def test_a_failed_append_uses_no_reference_and_no_index_entry(where: Path, faults: Any):
    with DataWal.open(where) as wal:
        wal.put(b"k", b"old")
        faults.fail("write", ".dwal")
        with pytest.raises(StorageError):
            wal.put(b"k", b"new")
        with pytest.raises(PoisonedError):
            wal.delete(b"k")
        assert wal[b"k"] == b"old"
        assert dict(wal.items()) == {b"k": b"old"}


def test_poisoning_by_hand_does_what_a_failure_does(where: Path):
    with RecordLog.open(where) as log:
        log.append(b"kept")
        datawal_testing.poison(log, "a test")
        datawal_testing.poison(log, "the first reason stays")
        assert log.is_poisoned
        message = "^datawal: writer poisoned: a test; drop handle and reopen$"
        for use in STEPS.values():
            with pytest.raises(PoisonedError, match=message):
                use(log)
        assert [record.payload for record in log.scan_iter()] == [b"kept"]


@pytest.mark.parametrize(
    ("call", "path_end"),
    [
        ("mkdir", "log"),
        ("open", "log"),
        ("open", ".lock"),
        ("open", "00000001.dwal"),
        ("scandir", "log"),
        ("fsync", "log"),
        ("fsync", ""),
        ("pread", "00000001.dwal"),
        ("fstat", "00000001.dwal"),
        ("fstat", ".lock"),
    ],
)
def test_a_failed_open_holds_no_lock_and_no_descriptor(
    where: Path, faults: Any, open_fds: Callable[[], set[str]], call: str, path_end: str
):
    if call == "pread":
        with RecordLog.open(where) as log:
            log.append(b"x")
            log.rotate()
    faults.fail(call, path_end)
    with pytest.raises(StorageError) as caught:
        RecordLog.open(where)
    assert open_fds() == set()
    faults.heal()
    RecordLog.open(where).close()
    assert caught.value.kind == "io"


def test_a_read_error_is_an_error_of_the_tree(where: Path, faults: Any):
    with DataWal.open(where) as wal:
        wal.put(b"k", b"v")
        faults.fail("pread", ".dwal")
        for use in (lambda: wal.get(b"k"), lambda: list(wal.items()), wal.log.scan, lambda: list(wal.log.scan_iter())):
            with pytest.raises(StorageError, match="cannot read"):
                use()


def test_a_read_that_comes_back_short_is_continued(where: Path, faults: Any):
    with DataWal.open(where) as wal:
        wal.put(b"key", b"value" * 20)
        faults.on("pread", ".dwal", lambda real, fd, size, offset: real(fd, min(size, 7), offset))
        assert wal.get(b"key") == b"value" * 20
        assert len(wal.log.scan()) == 1


COMPACTION = [
    ("mkdir", ".tmp"),
    ("open", "00000001.dwal"),
    ("write", "00000001.dwal"),
    ("fsync", "00000001.dwal"),
    ("fsync", ".tmp"),
    ("rename", "out"),
    ("pread", ""),
]


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize(("call", "path_end"), COMPACTION)
def test_a_failed_compaction_leaves_nothing_and_the_source_unchanged(
    root: Path, faults: Any, call: str, path_end: str, *, exists: bool
):
    with DataWal.open(root / "log") as wal:
        for number in range(20):
            wal.put(b"%d" % number, bytes(100))
        wal.contains_key(b"")
        if exists:
            (root / "out").mkdir()
        source = (root / "log" / "00000001.dwal").read_bytes()
        list(wal.items())  # the cached descriptor: only the target's opens are left to fail
        faults.fail(call, path_end)
        with pytest.raises(StorageError):
            wal.compact_to(root / "out")
        faults.heal()
        assert sorted(path.name for path in root.iterdir()) == ["log", "out"][: 1 + exists]
        assert not exists or list((root / "out").iterdir()) == []
        assert (root / "log" / "00000001.dwal").read_bytes() == source
        assert not wal.log.is_poisoned
        assert wal.compact_to(root / "out").live_keys == 20


def test_a_compaction_whose_target_fills_meanwhile_harms_nothing(root: Path, faults: Any):
    with DataWal.open(root / "log") as wal:
        wal.put(b"k", b"v")

        def intrude(real: Any, *args: Any) -> None:
            (root / "out").mkdir()
            (root / "out" / "guest").touch()
            real(*args)

        faults.on("rename", "out", intrude)
        with pytest.raises(NotEmptyError):
            wal.compact_to(root / "out")
    assert [path.name for path in (root / "out").iterdir()] == ["guest"]
    assert sorted(path.name for path in root.iterdir()) == ["log", "out"]


@pytest.mark.parametrize(
    ("call", "path_end"), [("open", ".tmp"), ("write", ".tmp"), ("fsync", ".tmp"), ("rename", "o.jsonl")]
)
def test_a_failed_export_leaves_the_old_file_and_nothing_else(root: Path, faults: Any, call: str, path_end: str):
    (root / "o.jsonl").write_text("old")
    with DataWal.open(root / "log") as wal:
        wal.put(b"k", b"v")
        faults.fail(call, path_end)
        with pytest.raises(StorageError):
            wal.export_jsonl(root / "o.jsonl")
        faults.heal()
    assert (root / "o.jsonl").read_text() == "old"
    assert sorted(path.name for path in root.iterdir()) == ["log", "o.jsonl"]


def test_damage_ends_a_compaction_and_an_export_without_a_trace(root: Path):
    with DataWal.open(root / "log") as wal:
        wal.put(b"a", b"1")
        ref = wal.put(b"b", b"2")
        with (root / "log" / "00000001.dwal").open("r+b") as file:
            file.seek(ref.offset + ref.len - 1)
            file.write(b"\xff\xff")
        for use in (lambda: wal.compact_to(root / "out"), lambda: wal.export_jsonl(root / "o.jsonl")):
            with pytest.raises(DatawalError, match="crc_mismatch"):
                use()
        assert [path.name for path in root.iterdir()] == ["log"]


def test_what_cannot_be_removed_after_a_failure_hides_no_error(root: Path, faults: Any):
    with DataWal.open(root / "log") as wal:
        wal.put(b"k", b"v")
        faults.fail("write", "", errno.ENOSPC)
        faults.fail("unlink", "", errno.EPERM)
        faults.fail("rmdir", "", errno.EPERM)
        for use in (lambda: wal.compact_to(root / "out"), lambda: wal.export_jsonl(root / "o.jsonl")):
            with pytest.raises(StorageError) as caught:
                use()
            assert caught.value.errno == errno.ENOSPC


def test_a_target_that_cannot_be_looked_at_is_an_error_of_the_tree(root: Path):
    with DataWal.open(root / "log") as wal, pytest.raises(StorageError):
        wal.compact_to(root / ("n" * 300))


def test_a_rotation_that_cannot_look_ahead_changes_nothing(where: Path, faults: Any):
    with RecordLog.open(where) as log:
        faults.fail("lstat", "00000002.dwal")
        with pytest.raises(StorageError, match="look at"):
            log.rotate()
        assert not log.is_poisoned
        log.append(b"x")


def test_a_parent_that_may_not_be_read_is_no_obstacle_to_a_new_log(where: Path, faults: Any):
    """The directory was there before: whoever made it had to sync its name."""
    where.mkdir()
    faults.fail("open", str(where.parent), errno.EACCES)
    RecordLog.open(where).close()


def test_a_parent_that_fails_to_sync_fails_the_open(where: Path, faults: Any):
    where.mkdir()
    faults.fail("fsync", str(where.parent), errno.EIO)
    with pytest.raises(StorageError):
        RecordLog.open(where)
