"""Compaction and export: whole or not at all, nothing but what was asked for (profiles CMP and EXP)."""

import base64
import json
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from datawal import CompactionStats, DataWal, NotDirectoryError, NotEmptyError, ObstructedError, StorageError
from datawal_spec import build_frame


@pytest.fixture
def wal(root: Path) -> Iterator[DataWal]:
    with DataWal.open(root / "log") as handle:
        handle.put(b"b", b"overwritten")
        handle.log.append(b"raw")
        handle.put(b"c", b"deleted")
        handle.log.rotate()
        handle.put(b"b", b"2")
        handle.delete(b"c")
        handle.put(b"a\xff", b"1")
        handle.put(b"", b"")
        yield handle


PUTS = [(b"", b""), (b"a\xff", b"1"), (b"b", b"2")]
COMPACTED = b"".join(build_frame(1, txid, key, value) for txid, (key, value) in enumerate(PUTS, 1))


def test_the_target_holds_one_segment_with_the_present_keys_in_order(root: Path, wal: DataWal):
    stats = wal.compact_to(root / "made" / "with parents")
    assert stats == CompactionStats(live_keys=3, records_written=3, bytes_written=len(COMPACTED))
    (only,) = (root / "made" / "with parents").iterdir()
    assert only.name == "00000001.dwal"
    assert only.read_bytes() == COMPACTED


def test_the_source_is_unchanged(root: Path, wal: DataWal):
    before = {path: path.read_bytes() for path in (root / "log").iterdir()}
    wal.compact_to(root / "out")
    wal.export_jsonl(root / "o.jsonl")
    assert {path: path.read_bytes() for path in (root / "log").iterdir()} == before


@pytest.mark.parametrize("name", ["out", "out/", "out/."])
def test_an_empty_target_is_replaced(root: Path, wal: DataWal, name: str):
    (root / "out").mkdir()
    wal.compact_to(f"{root}/{name}")
    assert (root / "out" / "00000001.dwal").read_bytes() == COMPACTED


@pytest.mark.parametrize("name", [".lock", "00000001.dwal", ".hidden"])
def test_a_target_with_anything_in_it_is_refused_and_left_alone(root: Path, wal: DataWal, name: str):
    (root / "out").mkdir()
    (root / "out" / name).touch()
    with pytest.raises(NotEmptyError) as caught:
        wal.compact_to(root / "out")
    assert caught.value.kind == "not_empty"
    assert [path.name for path in (root / "out").iterdir()] == [name]
    assert sorted(path.name for path in root.iterdir()) == ["log", "out"]


@pytest.mark.parametrize(
    "make",
    [Path.touch, os.mkfifo, lambda path: path.symlink_to("nowhere"), lambda path: path.symlink_to("empty")],
    ids=["file", "fifo", "dangling link", "link to an empty directory"],
)
def test_a_target_that_is_no_directory_is_refused_and_left_alone(
    root: Path, wal: DataWal, make: Callable[[Path], object]
):
    (root / "empty").mkdir()
    make(root / "out")
    before = os.lstat(root / "out")
    with pytest.raises(NotDirectoryError) as caught:
        wal.compact_to(root / "out")
    assert caught.value.kind == "not_a_directory"
    assert os.lstat(root / "out").st_ino == before.st_ino
    assert sorted(path.name for path in root.iterdir()) == ["empty", "log", "out"]


def test_the_source_itself_is_no_target(root: Path, wal: DataWal):
    with pytest.raises(NotEmptyError):
        wal.compact_to(root / "log")


def test_a_target_inside_the_source_is_accepted(root: Path, wal: DataWal):
    wal.compact_to(root / "log" / "inside")
    with DataWal.open(root / "log" / "inside") as compacted:
        assert sorted(compacted.items()) == PUTS
    wal.put(b"still", b"works")


def test_an_empty_projection_compacts_into_an_empty_segment(root: Path):
    with DataWal.open(root / "log") as wal:
        assert wal.compact_to(root / "out") == CompactionStats(0, 0, 0)
    assert (root / "out" / "00000001.dwal").read_bytes() == b""


def test_a_compaction_larger_than_one_write_is_whole(root: Path):
    with DataWal.open(root / "log") as wal:
        for number in range(40):
            wal.put(b"%02d" % number, bytes([number]) * 30_000)
        stats = wal.compact_to(root / "out")
    assert stats.records_written == 40
    assert stats.bytes_written == (root / "out" / "00000001.dwal").stat().st_size
    with DataWal.open(root / "out") as compacted:
        assert [key for key, _ in compacted.items()] == [b"%02d" % number for number in range(40)]


def test_an_export_is_one_line_a_key_in_order(root: Path, wal: DataWal):
    wal.export_jsonl(root / "made" / "too" / "o.jsonl")
    text = (root / "made" / "too" / "o.jsonl").read_bytes()
    assert text.splitlines(keepends=True)[1] == b'{"key_b64":"Yf8=","value_b64":"MQ=="}\n'
    lines = [json.loads(line) for line in text.splitlines()]
    assert [tuple(map(base64.b64decode, line.values())) for line in lines] == PUTS


def test_an_export_of_nothing_is_an_empty_file(root: Path):
    with DataWal.open(root / "log") as wal:
        wal.export_jsonl(root / "o.jsonl")
    assert (root / "o.jsonl").read_bytes() == b""


def test_an_export_replaces_a_link_not_what_it_points_at(root: Path, wal: DataWal):
    (root / "victim").write_text("precious")
    (root / "o.jsonl").symlink_to("victim")
    wal.export_jsonl(root / "o.jsonl")
    assert (root / "victim").read_text() == "precious"
    assert not (root / "o.jsonl").is_symlink()


def test_an_export_onto_a_directory_fails_and_leaves_nothing(root: Path, wal: DataWal):
    (root / "o.jsonl").mkdir()
    with pytest.raises(StorageError):
        wal.export_jsonl(root / "o.jsonl")
    assert sorted(path.name for path in root.iterdir()) == ["log", "o.jsonl"]


def test_an_export_below_a_file_is_not_a_directory(root: Path, wal: DataWal):
    (root / "file").touch()
    with pytest.raises(NotDirectoryError):
        wal.export_jsonl(root / "file" / "o.jsonl")


def test_a_name_of_the_log_is_free_elsewhere(root: Path, wal: DataWal):
    wal.export_jsonl(root / "made" / "00000001.dwal")
    wal.compact_to(root / "00000002.dwal")
    assert (root / "made" / "00000001.dwal").read_bytes().startswith(b"{")


def test_a_temporary_name_in_use_is_left_alone(root: Path, wal: DataWal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(secrets, "token_hex", lambda _size: "guessed")
    (root / ".o.guessed.tmp").write_text("precious")
    (root / ".out.guessed.tmp").mkdir()
    with pytest.raises(ObstructedError):
        wal.export_jsonl(root / "o")
    with pytest.raises(ObstructedError):
        wal.compact_to(root / "out")
    assert (root / ".o.guessed.tmp").read_text() == "precious"
    assert sorted(path.name for path in root.iterdir()) == [".o.guessed.tmp", ".out.guessed.tmp", "log"]


def test_a_refused_target_is_refused_before_anything_is_built(root: Path, wal: DataWal, faults: Any):
    (root / "out").mkdir()
    (root / "out" / "guest").touch()
    with pytest.raises(NotEmptyError):
        wal.compact_to(root / "out")
    assert not [call for call, _ in faults.calls if call == "mkdir"]


def test_a_very_long_name_is_no_problem(root: Path, wal: DataWal):
    wal.export_jsonl(root / ("n" * 255))
    wal.compact_to(root / ("d" * 255))
    assert len(list(root.iterdir())) == 3
