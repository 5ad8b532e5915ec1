"""The record log: appending, scanning, rotating, closing."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datawal import MAX_KEY_LEN, MAX_PAYLOAD_LEN, MissingError, Record, RecordLog, RecordRef, RecordType, TooLargeError
from datawal_spec import build_frame

ALPHA = bytes.fromhex("4457414c0100000001000000000000000000000005000000616c70686159e778f6")


def test_the_first_append_of_a_new_log_writes_the_known_bytes(where: Path):
    with RecordLog.open(where) as log:
        assert log.append(b"alpha") == RecordRef(segment=1, offset=0, len=33)
    assert (where / "00000001.dwal").read_bytes() == ALPHA


def test_a_new_log_is_an_empty_first_segment_and_a_lock(where: Path):
    with RecordLog.open(where / "with" / "parents") as log:
        assert log.active_segment == 1
    assert sorted(path.name for path in (where / "with" / "parents").iterdir()) == [".lock", "00000001.dwal"]


@pytest.mark.parametrize("record_type", RecordType)
@pytest.mark.parametrize(("key", "payload"), [(b"", b""), (b"k", b""), (b"", b"p"), (b"DWAL\0", bytes(300))])
def test_every_type_takes_every_key_and_payload(where: Path, record_type: RecordType, key: bytes, payload: bytes):
    with RecordLog.open(where) as log:
        log.append_record(record_type, key, payload)
        log.append(b"behind")
    with RecordLog.open(where) as log:
        first, second = log.scan()
    frame = build_frame(record_type, 1, key, payload)
    assert first == Record(record_type, 1, key, payload, 1, 0, len(frame))
    assert second.ref == RecordRef(1, len(frame), 34)
    assert (where / "00000001.dwal").read_bytes().startswith(frame)


def test_txids_continue_across_rotation_and_reopening(where: Path):
    with RecordLog.open(where) as log:
        log.append(b"1")
        log.rotate()
        log.append(b"2")
    with RecordLog.open(where) as log:
        log.append(b"3")
        assert [record.txid for record in log.scan_iter()] == [1, 2, 3]


def test_the_next_txid_follows_the_highest_one_not_the_last(where: Path):
    where.mkdir()
    frames = build_frame(0, 9, b"", b"") + build_frame(0, 4, b"", b"")
    (where / "00000001.dwal").write_bytes(frames)
    with RecordLog.open(where) as log:
        assert log.recovery_report().last_txid_seen == 9
        log.append(b"")
        assert log.scan()[-1].txid == 10


def test_a_log_with_only_txid_0_continues_with_1(where: Path):
    where.mkdir()
    (where / "00000001.dwal").write_bytes(build_frame(0, 0, b"", b""))
    with RecordLog.open(where) as log:
        log.append(b"")
        assert [record.txid for record in log.scan()] == [0, 1]


def test_rotation_starts_an_empty_segment_that_receives_appends(where: Path):
    with RecordLog.open(where) as log:
        log.append(b"old")
        log.rotate()
        assert log.active_segment == 2
        assert (where / "00000002.dwal").read_bytes() == b""
        assert log.append(b"new") == RecordRef(2, 0, 31)


def test_segments_may_have_gaps_and_the_id_0_and_odd_neighbours(where: Path):
    where.mkdir()
    (where / "00000000.dwal").write_bytes(build_frame(0, 1, b"", b"zero"))
    (where / "00000007.dwal").write_bytes(build_frame(0, 2, b"", b"seven"))
    for name in ("0000001.dwal", "00000009.DWAL", "000000010.dwal", "00000009.dwal.bak", "notes"):
        (where / name).write_bytes(b"no frame")
    with RecordLog.open(where) as log:
        assert [record.payload for record in log.scan()] == [b"zero", b"seven"]
        log.rotate()
        assert log.active_segment == 8


def test_a_key_and_a_payload_of_exactly_the_limit_are_accepted(where: Path):
    with RecordLog.open(where) as log:
        log.append_record(RecordType.PUT, bytes(MAX_KEY_LEN), bytes(MAX_PAYLOAD_LEN))
        with log.scan_iter() as records:
            record = next(records)
    assert (len(record.key), len(record.payload)) == (MAX_KEY_LEN, MAX_PAYLOAD_LEN)


@pytest.mark.parametrize(
    ("key", "payload", "kind", "size"),
    [
        (bytes(MAX_KEY_LEN + 1), b"", "key_too_large", MAX_KEY_LEN + 1),
        (b"", bytes(MAX_PAYLOAD_LEN + 1), "payload_too_large", MAX_PAYLOAD_LEN + 1),
    ],
)
def test_over_the_limit_nothing_is_written_no_txid_used_no_handle_poisoned(
    where: Path, key: bytes, payload: bytes, kind: str, size: int
):
    with RecordLog.open(where) as log:
        with pytest.raises(TooLargeError, match="nothing was written") as caught:
            log.append_record(RecordType.PUT, key, payload)
        assert (caught.value.kind, caught.value.size, caught.value.limit) == (kind, size, size - 1)
        assert (where / "00000001.dwal").stat().st_size == 0
        assert not log.is_poisoned
        log.append(b"")
        assert log.scan()[0].txid == 1


def test_the_report_answers_for_the_latest_open_or_scan(where: Path):
    with RecordLog.open(where) as log:
        log.append(b"a")
        assert log.recovery_report().records_replayed == 0
        iterator = log.scan_iter()
        list(iterator)
        assert iterator.recovery_report().records_replayed == 1
        assert log.recovery_report().records_replayed == 0
        log.scan()
        assert log.recovery_report().records_replayed == 1


def test_a_scan_takes_the_end_it_finds_as_the_place_to_append(where: Path):
    """The log was cut from outside: the next record must stand behind what is left, not behind a hole."""
    with RecordLog.open(where) as log:
        log.append(b"stays")
        log.append(b"goes")
        os.truncate(where / "00000001.dwal", 40)
        assert [record.payload for record in log.scan()] == [b"stays"]
        assert log.recovery_report().tail_bytes_discarded == 7
        assert log.append(b"new").offset == 33
    with RecordLog.open(where) as log:
        assert [record.payload for record in log.scan()] == [b"stays", b"new"]


@pytest.mark.parametrize("size", [0, 34, 40])
def test_an_append_never_lands_behind_bytes_the_handle_has_not_seen(where: Path, size: int):
    with RecordLog.open(where) as log:
        log.append(b"alpha")
        os.truncate(where / "00000001.dwal", size)
        before = (where / "00000001.dwal").read_bytes()
        with pytest.raises(Exception, match="something else wrote to it"):
            log.append(b"beta")
        assert log.is_poisoned
        assert (where / "00000001.dwal").read_bytes() == before


def test_a_lazy_scan_sees_what_was_there_and_ends_while_its_log_grows(where: Path):
    with RecordLog.open(where) as log:
        log.append(b"a")
        seen = [record.payload for record in log.scan_iter() if log.append(b"more") and not log.rotate()]
    assert seen == [b"a"]


def test_a_lazy_scan_outlives_its_log(where: Path):
    with RecordLog.open(where) as log:
        log.append(b"a")
        log.append(b"b")
        records = log.scan_iter()
        next(records)
    assert next(records).payload == b"b"
    assert list(records) == []


def test_a_lazy_scan_reads_nothing_before_it_is_asked(where: Path, faults: Any):
    with RecordLog.open(where) as log:
        log.append(b"a")
        faults.calls.clear()
        records = log.scan_iter()
        assert not [call for call in faults.calls if call[0] in {"open", "pread"}]
        assert next(records).payload == b"a"


def test_closing_a_lazy_scan_early_leaves_no_descriptor(where: Path, open_fds: Callable[[], set[str]]):
    with RecordLog.open(where) as log:
        log.append(b"a")
        before = open_fds()
        with log.scan_iter() as records:
            next(records)
            assert open_fds() > before
        assert open_fds() == before


def test_fsync_and_close_change_no_byte(where: Path):
    where.mkdir()
    (where / "00000001.dwal").write_bytes(ALPHA + b"torn")
    with RecordLog.open(where) as log:
        log.fsync()
    assert (where / "00000001.dwal").read_bytes() == ALPHA + b"torn"


def test_a_working_directory_that_is_gone_is_an_error_of_the_tree(root: Path, monkeypatch: pytest.MonkeyPatch):
    (root / "gone").mkdir()
    monkeypatch.chdir(root / "gone")
    (root / "gone").rmdir()
    with pytest.raises(MissingError):
        RecordLog.open("log")


@pytest.mark.parametrize("path", ["log", "log/", "./log", "elsewhere/../log/."])
def test_a_path_may_be_relative_and_the_working_directory_may_change(
    root: Path, monkeypatch: pytest.MonkeyPatch, path: str
):
    monkeypatch.chdir(root)
    (root / "elsewhere").mkdir()
    (root / "log").mkdir()
    with RecordLog.open(path) as log:
        monkeypatch.chdir(root / "elsewhere")
        log.rotate()
        assert log.dir == Path(path)
    assert (root / "log" / "00000002.dwal").exists()


def test_a_frame_larger_than_the_window_is_read_whole(where: Path):
    payload = os.urandom(3 << 20)
    with RecordLog.open(where) as log:
        log.append(b"before")
        log.append_record(RecordType.PUT, b"k", payload)
        log.append(b"behind")
    with RecordLog.open(where) as log:
        assert [record.payload for record in log.scan_iter()] == [b"before", payload, b"behind"]


@pytest.mark.parametrize("cut", [1, 5, 1 << 20, (3 << 20) + 8])
def test_a_torn_frame_larger_than_the_window_is_tail_damage(where: Path, cut: int):
    with RecordLog.open(where) as log:
        log.append(b"alpha")
        big = log.append_record(RecordType.RAW, b"key", bytes(3 << 20))
    os.truncate(where / "00000001.dwal", big.offset + big.len - cut)
    with RecordLog.open(where) as log:
        report = log.recovery_report()
    assert (report.records_replayed, report.tail_bytes_discarded) == (1, big.len - cut)


@pytest.mark.parametrize("at", [24, 27, 30, 1 << 20, -5, -1])
def test_a_flipped_bit_in_a_frame_larger_than_the_window_is_tail_damage(where: Path, at: int):
    with RecordLog.open(where) as log:
        log.append(b"alpha")
        big = log.append_record(RecordType.RAW, b"key", bytes(3 << 20))
    data = bytearray((where / "00000001.dwal").read_bytes())
    data[at if at < 0 else big.offset + at] ^= 1
    (where / "00000001.dwal").write_bytes(data)
    with RecordLog.open(where) as log:
        assert log.recovery_report().tail_bytes_discarded == big.len


MEMORY = """
import sys
from pathlib import Path
from datawal import RecordLog
with RecordLog.open(sys.argv[1]) as log:
    print(sum(1 for _ in log.scan_iter()) if sys.argv[2] == "scan" else log.recovery_report().records_replayed)
status = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


def peak(where: Path, mode: str) -> tuple[int, bool]:
    done = subprocess.run([sys.executable, "-c", MEMORY, where, mode], capture_output=True, text=True, check=True)
    records, peak_kib = map(int, done.stdout.split())
    return records, peak_kib < 64 * 1024


def test_memory_does_not_grow_with_the_log(where: Path):
    """96 MiB of log go through a process of well under 64 MiB."""
    with RecordLog.open(where) as log:
        for _ in range(96 * 16):
            log.append(bytes(65_536))
    assert peak(where, "scan") == (96 * 16, True)


def test_opening_keeps_no_payload_in_memory(where: Path):
    """A record of 64 MiB is verified by a process of well under 64 MiB."""
    with RecordLog.open(where) as log:
        log.append(bytes(MAX_PAYLOAD_LEN))
    assert peak(where, "open") == (1, True)
