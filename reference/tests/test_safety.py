"""Where the published crate loses or falsifies data, one test or more for each of S1 to S14 (profile SAFE)."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datawal import (
    DataWal,
    DatawalError,
    FrameError,
    ObstructedError,
    RecordLog,
    RecordRef,
    RecordType,
    SegmentIdsExhaustedError,
    StaleReferenceError,
    TxidExhaustedError,
)
from datawal_spec import MAX_SEGMENT_ID, MAX_TXID, build_frame

FIRST = build_frame(0, 1, b"", b"first")
SECOND = build_frame(0, 2, b"", b"second")
TAILS = [SECOND[:cut] for cut in (1, 23, 24, 30, len(SECOND) - 1)] + [SECOND[:-1] + b"\0", SECOND[:-1] + b"\0" + FIRST]


def lay(where: Path, tail: bytes):
    where.mkdir()
    (where / "00000001.dwal").write_bytes(FIRST + tail)


def payloads(where: Path):
    with RecordLog.open(where) as log:
        return [record.payload for record in log.scan()]


@pytest.mark.parametrize("tail", TAILS)
def test_s1_s2_what_is_appended_behind_a_damaged_tail_is_found_again(where: Path, tail: bytes):
    lay(where, tail)
    with RecordLog.open(where) as log:
        assert log.recovery_report().tail_bytes_discarded == len(tail)
        log.append(b"new")
        log.fsync()
    assert payloads(where) == [b"first", b"new"]
    assert (where / "00000001.dwal").read_bytes() == FIRST + build_frame(0, 2, b"", b"new")


@pytest.mark.parametrize("tail", TAILS)
def test_s3_a_log_with_a_damaged_tail_opens_again_after_rotation(where: Path, tail: bytes):
    lay(where, tail)
    with RecordLog.open(where) as log:
        log.rotate()
        log.append(b"new")
    assert payloads(where) == [b"first", b"new"]


def test_s4_references_after_recovery_are_true(where: Path):
    lay(where, SECOND[:7])
    with DataWal.open(where) as wal:
        assert wal.put(b"k", b"v") == RecordRef(1, len(FIRST), 30)
        assert wal[b"k"] == b"v"


def test_the_tail_is_cut_and_synced_before_the_first_append_writes(where: Path, faults: Any):
    lay(where, SECOND[:7])
    with RecordLog.open(where) as log:
        faults.calls.clear()
        log.append(b"new")
    assert [call for call, _ in faults.calls if call != "lseek"] == ["ftruncate", "fsync", "write"]


def test_the_tail_is_cut_once(where: Path, faults: Any):
    lay(where, SECOND[:7])
    with RecordLog.open(where) as log:
        log.append(b"new")
        log.append(b"newer")
        log.rotate()
    assert [call for call, _ in faults.calls].count("ftruncate") == 2  # the other one is the lock file's


def test_opening_and_scanning_leave_a_damaged_tail_alone(where: Path):
    lay(where, SECOND[:7])
    with RecordLog.open(where) as log:
        log.scan()
        list(log.scan_iter())
    assert (where / "00000001.dwal").read_bytes() == FIRST + SECOND[:7]


def test_s5_no_txid_is_used_twice(where: Path):
    where.mkdir()
    (where / "00000001.dwal").write_bytes(build_frame(0, MAX_TXID, b"", b"last"))
    with RecordLog.open(where) as log:
        with pytest.raises(TxidExhaustedError):
            log.append(b"one more")
        assert not log.is_poisoned
        log.rotate()
        with pytest.raises(TxidExhaustedError):
            log.append(b"one more")
    assert payloads(where) == [b"last"]


def test_s5_an_exhausted_append_does_not_even_cut_the_tail(where: Path):
    where.mkdir()
    content = build_frame(0, MAX_TXID, b"", b"last") + b"torn"
    (where / "00000001.dwal").write_bytes(content)
    with RecordLog.open(where) as log, pytest.raises(TxidExhaustedError):
        log.append(b"one more")
    assert (where / "00000001.dwal").read_bytes() == content


def test_s6_the_last_txid_is_usable(where: Path):
    where.mkdir()
    (where / "00000001.dwal").write_bytes(build_frame(0, MAX_TXID - 1, b"", b"last but one"))
    with RecordLog.open(where) as log:
        log.append(b"last")
        assert log.scan()[-1].txid == MAX_TXID
        with pytest.raises(TxidExhaustedError):
            log.append(b"one more")


def test_s7_rotating_past_the_last_id_is_refused_before_any_file_is_made(where: Path):
    where.mkdir()
    name = f"{MAX_SEGMENT_ID}.dwal"
    (where / name).write_bytes(FIRST)
    with RecordLog.open(where) as log:
        with pytest.raises(SegmentIdsExhaustedError):
            log.rotate()
        assert not log.is_poisoned
        log.append(b"still")
    assert sorted(path.name for path in where.iterdir()) == [".lock", name]
    assert payloads(where) == [b"first", b"still"]


def test_s8_creating_the_first_segment_follows_no_link(where: Path):
    where.mkdir()
    victim = where / "victim"
    victim.write_text("precious")
    (where / "00000001.dwal").symlink_to("victim")
    with pytest.raises(ObstructedError, match="create the segment"):
        RecordLog.open(where)
    assert victim.read_text() == "precious"


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.symlink_to("victim"),
        lambda path: path.symlink_to("nowhere"),
        lambda path: path.mkdir(),
        os.mkfifo,
    ],
    ids=["link", "dangling link", "directory", "fifo"],
)
def test_s8_an_obstacle_in_place_of_the_next_segment_is_told_before_it_harms(
    where: Path, make: Callable[[Path], object]
):
    with RecordLog.open(where) as log:
        log.append(b"before")
        (where / "victim").write_text("precious")
        make(where / "00000002.dwal")
        with pytest.raises(ObstructedError, match="move it away") as caught:
            log.rotate()
        assert caught.value.path == str(where / "00000002.dwal")
        assert not log.is_poisoned
        assert log.active_segment == 1
        log.append(b"after")
    assert (where / "victim").read_text() == "precious"
    assert payloads(where) == [b"before", b"after"]


def test_s8_a_segment_that_someone_else_made_is_left_alone_and_poisons(where: Path):
    """From here on the active segment would no longer be the last one, and a torn end in it fatal."""
    with RecordLog.open(where) as log:
        log.append(b"before")
        (where / "00000002.dwal").write_bytes(SECOND)
        with pytest.raises(ObstructedError):
            log.rotate()
        assert log.is_poisoned
    assert payloads(where) == [b"before", b"second"]


def synced(faults: Any):
    return [path for call, path in faults.calls if call == "fsync"]


def test_s9_every_directory_that_open_makes_is_synced_into_its_parent(root: Path, faults: Any):
    RecordLog.open(root / "a" / "b" / "c").close()
    for parent in (root, root / "a", root / "a" / "b", root / "a" / "b" / "c"):
        assert str(parent) in synced(faults)
    made = [path for call, path in faults.calls if call == "open" and path.endswith("00000001.dwal")]
    assert made


def test_s9_a_log_that_an_interrupted_open_left_empty_is_synced_into_its_parent(root: Path, faults: Any):
    (root / "log").mkdir()
    RecordLog.open(root / "log").close()
    assert synced(faults) == [str(root / "log"), str(root)]


def test_s9_an_existing_log_opens_without_a_sync(where: Path, faults: Any):
    RecordLog.open(where).close()
    faults.calls.clear()
    RecordLog.open(where).close()
    assert synced(faults) == []


def test_s9_compaction_and_export_sync_what_they_make(root: Path, faults: Any):
    with DataWal.open(root / "log") as wal:
        wal.put(b"k", b"v")
        faults.calls.clear()
        wal.compact_to(root / "c" / "d" / "out")
        for parent in (root, root / "c", root / "c" / "d"):
            assert str(parent) in synced(faults)
        order = [(call, Path(path).name) for call, path in faults.calls if call in {"fsync", "rename", "write"}]
        assert order[-5][0] == "write"
        assert order[-4] == ("fsync", "00000001.dwal")
        assert order[-3][0] == "fsync"  # the directory that is renamed next
        assert order[-2:] == [("rename", "out"), ("fsync", "d")]
        faults.calls.clear()
        wal.export_jsonl(root / "e" / "f" / "o.jsonl")
        for parent in (root, root / "e", root / "e" / "f"):
            assert str(parent) in synced(faults)
        order = [call for call, _ in faults.calls if call in {"fsync", "rename", "write"}]
        assert order[-4:] == ["write", "fsync", "rename", "fsync"]


def test_s10_export_leaves_its_neighbours_alone(root: Path):
    (root / "o.tmp").write_text("precious")
    (root / "o.jsonl.tmp").write_text("precious")
    with DataWal.open(root / "log") as wal:
        wal.export_jsonl(root / "o.jsonl")
    assert (root / "o.tmp").read_text() == (root / "o.jsonl.tmp").read_text() == "precious"
    assert sorted(path.name for path in root.iterdir()) == ["log", "o.jsonl", "o.jsonl.tmp", "o.tmp"]


def test_s13_swapped_frames_are_no_values(where: Path):
    with DataWal.open(where) as wal:
        one, other = wal.put(b"a", b"1"), wal.put(b"b", b"2")
        content = (where / "00000001.dwal").read_bytes()
        (where / "00000001.dwal").write_bytes(content[other.offset :] + content[: one.len])
        for key in (b"a", b"b"):
            with pytest.raises(StaleReferenceError):
                wal.get(key)


def test_s13_an_older_value_of_the_same_key_is_no_value(where: Path):
    with DataWal.open(where) as wal:
        one, other = wal.put(b"a", b"1"), wal.put(b"a", b"2")
        content = (where / "00000001.dwal").read_bytes()
        (where / "00000001.dwal").write_bytes(content[other.offset :] + content[: one.len])
        with pytest.raises(StaleReferenceError) as caught:
            wal.get(b"a")
        assert (caught.value.segment, caught.value.offset) == (other.segment, other.offset)


@pytest.mark.parametrize("at", range(31 * 8))
def test_s13_no_flipped_bit_makes_a_wrong_value(where: Path, at: int):
    with DataWal.open(where) as wal:
        wal.put(b"k", b"vw")
        content = bytearray((where / "00000001.dwal").read_bytes())
        content[at // 8] ^= 1 << at % 8
        (where / "00000001.dwal").write_bytes(content)
        with pytest.raises(FrameError) as caught:
            wal.get(b"k")
        assert (caught.value.segment, caught.value.offset) == (1, 0)


@pytest.mark.parametrize("size", [0, 3, 30])
def test_s13_a_cut_frame_is_truncated(where: Path, size: int):
    with DataWal.open(where) as wal:
        wal.put(b"k", b"vw")
        os.truncate(where / "00000001.dwal", size)
        with pytest.raises(FrameError, match="truncated"):
            wal.get(b"k")


def test_s13_a_frame_that_became_a_tombstone_is_no_value(where: Path):
    with DataWal.open(where) as wal:
        wal.put(b"k", b"v")
        (where / "00000001.dwal").write_bytes(build_frame(RecordType.DELETE, 1, b"k", b"v"))
        with pytest.raises(StaleReferenceError):
            wal.get(b"k")


def test_s14_opening_writes_through_no_lock_that_is_a_link(where: Path):
    where.mkdir()
    (where / "victim").write_text("precious")
    (where / ".lock").symlink_to("victim")
    with pytest.raises(ObstructedError, match=r"\.lock"):
        RecordLog.open(where)
    assert (where / "victim").read_text() == "precious"
    assert (where / ".lock").is_symlink()


def test_s14_a_lock_file_with_a_second_name_is_not_written(where: Path):
    where.mkdir()
    (where / "victim").write_text("precious")
    os.link(where / "victim", where / ".lock")
    RecordLog.open(where).close()
    assert (where / "victim").read_text() == "precious"


@pytest.mark.parametrize("name", ["00000001.dwal", "00000009.dwal", ".lock"])
def test_neither_export_nor_compaction_takes_a_name_of_the_log(where: Path, name: str):
    with DataWal.open(where) as wal:
        wal.put(b"k", b"v")
        before = sorted(path.name for path in where.iterdir())
        with pytest.raises(DatawalError, match="choose another one"):
            wal.export_jsonl(where / name)
        with pytest.raises(DatawalError, match="choose another one"):
            wal.compact_to(where / name)
        assert wal[b"k"] == b"v"
        assert sorted(path.name for path in where.iterdir()) == before
