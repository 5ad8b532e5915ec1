"""The public surface: names, types, representations, closed handles."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import datawal
import datawal.testing
from datawal import ClosedError, DataWal, Record, RecordLog, RecordLogReader, RecordType, errors


def test_every_public_name_exists_and_every_error_is_public():
    assert all(hasattr(datawal, name) for name in datawal.__all__)
    assert set(errors.__all__) <= set(datawal.__all__)


def test_every_error_stands_in_one_tree():
    assert all(issubclass(getattr(errors, name), datawal.DatawalError) for name in errors.__all__)


@pytest.mark.parametrize("value", [b"ab", bytearray(b"ab"), memoryview(b"ab"), memoryview(b"axbx")[::2]])
def test_anything_bytes_like_is_taken_and_bytes_are_given(where: Path, value: Any):
    with DataWal.open(where) as wal:
        wal.put(value, value)
        assert wal.get(value) == b"ab"
        assert type(next(wal.keys())) is bytes
        wal.log.append(value)
        assert wal.log.scan()[-1].payload == b"ab"
        assert value in wal


@pytest.mark.parametrize("value", ["ab", 5, None, ["a"]])
def test_anything_else_is_a_type_error_before_anything_is_written(where: Path, value: Any):
    with DataWal.open(where) as wal:
        for use in (
            lambda: wal.log.append(value),
            lambda: wal.log.append_record(RecordType.RAW, value, b""),
            lambda: wal.put(value, b""),
            lambda: wal.put(b"", value),
            lambda: wal.delete(value),
            lambda: wal.get(value),
            lambda: value in wal,
            lambda: wal.ref_of(value),
        ):
            with pytest.raises(TypeError, match="must be bytes, bytearray or memoryview, not "):
                use()
        with pytest.raises(TypeError, match="record_type must be a RecordType, not "):
            wal.log.append_record(value, b"", b"")
        assert (where / "00000001.dwal").stat().st_size == 0
        assert not wal.log.is_poisoned


@pytest.mark.parametrize("opener", [RecordLog, RecordLog.open, DataWal, DataWal.open, RecordLogReader.open])
@pytest.mark.parametrize("as_type", [str, Path])
def test_a_path_is_a_string_or_path_like(where: Path, opener: Callable[[Any], Any], as_type: Callable[[Path], Any]):
    where.mkdir()
    with opener(as_type(where)) as handle:
        assert handle.dir == where


def test_a_closed_log_says_so_and_closing_twice_is_harmless(where: Path):
    log = RecordLog.open(where)
    log.close()
    log.close()
    for use in (
        lambda: log.append(b""),
        log.fsync,
        log.rotate,
        log.scan,
        log.scan_iter,
        log.__enter__,
    ):
        with pytest.raises(ClosedError, match="this RecordLog is closed; open the directory again"):
            use()
    assert log.active_segment == 1
    assert log.recovery_report().files_scanned == 1


def test_a_closed_projection_says_so_and_closing_twice_is_harmless(where: Path):
    wal = DataWal.open(where)
    wal.put(b"k", b"v")
    items = wal.items()
    wal.close()
    wal.close()
    for use in (
        lambda: wal.get(b"k"),
        lambda: wal.contains_key(b"k"),
        lambda: wal.ref_of(b"k"),
        lambda: len(wal),
        lambda: list(wal),
        lambda: next(items),
        wal.items,
        wal.is_empty,
        lambda: wal.put(b"k", b"v"),
        lambda: wal.delete(b"k"),
        wal.fsync,
        lambda: wal.compact_to(where / "out"),
        lambda: wal.export_jsonl(where / "o"),
        wal.__enter__,
    ):
        with pytest.raises(ClosedError, match="is closed"):
            use()
    assert sorted(path.name for path in where.iterdir()) == [".lock", "00000001.dwal"]


def test_representations_are_readable_and_short(where: Path):
    log = RecordLog.open(where)
    ref = log.append(bytes(1000))
    assert repr(ref) == "RecordRef(segment=1, offset=0, len=1028)"
    (record,) = log.scan()
    assert repr(record).startswith("Record(type=RAW, txid=1, key=b'', payload=<1000 bytes b'")
    assert len(repr(record)) < 300
    assert repr(log) == f"<RecordLog '{where}' open, active segment 00000001.dwal>"
    datawal.testing.poison(log, "x")
    assert "poisoned" in repr(log)
    log.close()
    assert "closed" in repr(log)
    assert repr(RecordLogReader.open(where)) == f"<RecordLogReader '{where}' open, 1 segments>"
    with DataWal.open(where) as wal:
        assert repr(wal) == f"<DataWal '{where}' 0 keys>"
    assert "closed" in repr(wal)


def test_values_cannot_be_changed(where: Path):
    with RecordLog.open(where) as log:
        log.append(b"x")
        (record,) = log.scan()
        assert isinstance(record, Record)
        for value, name in ((record, "payload"), (record.ref, "offset"), (log.recovery_report(), "files_scanned")):
            with pytest.raises(AttributeError):
                setattr(value, name, 1)
