"""The key/value projection: the last write wins (profile KV)."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datawal import DataWal, RecordLog, RecordType
from datawal_spec import MAX_OPEN_SEGMENTS, build_frame

SHM = "/dev/shm" if Path("/dev/shm").is_dir() else None
KEYS = st.sampled_from([b"", b"a", b"b", b"ab", b"\xff", b"DWAL"])
CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, st.binary(max_size=20)),
        st.tuples(st.just("delete"), KEYS),
        st.tuples(st.just("raw"), KEYS),
        st.tuples(st.just("odd tombstone"), KEYS),
        st.tuples(st.sampled_from(["rotate", "reopen"])),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=150)
@given(CHANGES)
def test_a_projection_is_the_dict_of_what_was_put(changes: list[tuple[Any, ...]]):
    with tempfile.TemporaryDirectory(dir=SHM) as root:
        wal, expected = DataWal.open(f"{root}/log"), {}
        for change in changes:
            match change:
                case ("put", key, value):
                    wal.put(key, value)
                    expected[key] = value
                case ("delete", key):
                    wal.delete(key)
                    expected.pop(key, None)
                case ("raw", key):
                    wal.log.append_record(RecordType.RAW, key, b"invisible")
                case ("odd tombstone", key):
                    wal.log.append_record(RecordType.DELETE, key, b"with a payload")
                    expected.pop(key, None)
                case ("rotate",):
                    wal.log.rotate()
                case ("reopen",):
                    wal.close()
                    wal = DataWal.open(f"{root}/log")
        for _ in range(2):
            assert dict(wal.items()) == expected
            assert set(wal.keys()) == set(wal) == set(expected)
            assert len(wal) == len(expected)
            assert wal.is_empty() == (not expected)
            for key in (b"", b"a", b"b", b"ab", b"\xff", b"DWAL", b"never"):
                assert wal.get(key) == expected.get(key)
                assert wal.contains_key(key) == (key in wal) == (key in expected)
                assert (wal.ref_of(key) is None) == (key not in expected)
            wal.close()
            wal = DataWal.open(f"{root}/log")
        stats = wal.compact_to(f"{root}/out")
        wal.close()
        with DataWal.open(f"{root}/out") as compacted:
            assert dict(compacted.items()) == expected
            assert stats.live_keys == len(expected)


def test_order_is_physical_and_txids_play_no_part(where: Path):
    where.mkdir()
    (where / "00000001.dwal").write_bytes(
        build_frame(RecordType.PUT, 9, b"k", b"first") + build_frame(RecordType.PUT, 2, b"k", b"last")
    )
    with DataWal.open(where) as wal:
        assert wal.get(b"k") == b"last"


def test_deleting_an_absent_key_still_writes_a_tombstone(where: Path):
    with DataWal.open(where) as wal:
        wal.delete(b"never")
        assert [(record.type, record.key, record.payload) for record in wal.log.scan()] == [
            (RecordType.DELETE, b"never", b"")
        ]


def test_the_empty_value_differs_from_absence(where: Path):
    with DataWal.open(where) as wal:
        wal.put(b"", b"")
        assert wal.get(b"") == b""
        assert wal.get(b"x") is None


def test_ref_of_tells_where_the_value_stands(where: Path):
    with DataWal.open(where) as wal:
        wal.put(b"k", b"old")
        ref = wal.put(b"k", b"new")
        assert wal.ref_of(b"k") == ref == wal.log.scan()[-1].ref


def test_a_projection_is_used_like_a_dict(where: Path):
    with DataWal.open(where) as wal:
        wal[b"k"] = b"v"
        assert wal[b"k"] == b"v"
        assert list(wal) == [b"k"]
        del wal[b"k"]
        assert b"k" not in wal
        assert wal  # an empty projection is still a handle
        with pytest.raises(KeyError):
            wal[b"k"]
        with pytest.raises(KeyError):
            del wal[b"k"]
        assert len(wal.log.scan()) == 2


def test_items_read_one_value_at_a_time(where: Path, faults: Any):
    with DataWal.open(where) as wal:
        wal.put(b"a", b"1")
        wal.put(b"b", b"2")
        faults.calls.clear()
        next(wal.items())
        assert [call for call, _ in faults.calls].count("pread") == 1


def test_a_value_larger_than_the_window_is_read_whole(where: Path):
    value = bytes(range(256)) * 8192
    with DataWal.open(where) as wal:
        wal.put(b"k", value)
        assert wal.get(b"k") == value


def test_at_most_16_segment_files_are_open(where: Path, open_fds: Callable[[], set[str]]):
    with RecordLog.open(where) as log:
        for number in range(40):
            log.append_record(RecordType.PUT, b"%d" % number, b"v")
            log.rotate()
    with DataWal.open(where) as wal:
        for _ in range(2):
            for number in range(40):
                assert wal.get(b"%d" % number) == b"v"
                assert sum(entry.endswith(".dwal") for entry in open_fds()) <= MAX_OPEN_SEGMENTS
        assert sum(entry.endswith(".dwal") for entry in open_fds()) == MAX_OPEN_SEGMENTS
    assert open_fds() == set()


def test_the_least_recently_used_segment_is_closed_first(where: Path, faults: Any):
    with RecordLog.open(where) as log:
        for number in range(16):
            log.append_record(RecordType.PUT, b"%d" % number, b"v")
            log.rotate()
    with DataWal.open(where) as wal:
        for number in range(15):
            wal.get(b"%d" % number)
        wal.get(b"0")
        wal.get(b"15")
        faults.calls.clear()
        wal.get(b"0")
        assert not [call for call, _ in faults.calls if call == "open"]
        wal.get(b"1")
        assert [call for call, _ in faults.calls if call == "open"]
