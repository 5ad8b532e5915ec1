"""Recovery against an independent model: the longest valid prefix, or an error."""

import os
import struct
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datawal import FrameError, Record, RecordLog, RecordLogReader, RecordType
from datawal_spec import build_frame

SHM = "/dev/shm" if Path("/dev/shm").is_dir() else None


def naive_crc32c(data: bytes):
    """Bit by bit, straight from the polynomial."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def model(segments: dict[int, bytes]):  # noqa: PLR0912 - as plain as the table it mirrors
    """Records, discarded bytes and error kind of a log, decided as slowly and plainly as possible."""
    records = []
    last = max(segments)
    for number in sorted(segments):
        data, at = segments[number], 0
        while at < len(data):
            kind = None
            rest = data[at:]
            if len(rest) < 24:
                kind = "truncated"
            else:
                version, record_type, flags, txid, key_len, payload_len = struct.unpack("<HBBQII", rest[4:24])
                size = 24 + key_len + payload_len + 4
                if rest[:4] != b"DWAL":
                    kind = "bad_magic"
                elif version != 1:
                    kind = "unknown_version"
                elif record_type > 2:
                    kind = "unknown_record_type"
                elif flags != 0:
                    kind = "reserved_flags"
                elif key_len > 65_536:
                    kind = "key_too_large"
                elif payload_len > 67_108_864:
                    kind = "payload_too_large"
                elif len(rest) < size:
                    kind = "truncated"
                elif naive_crc32c(rest[: size - 4]) != int.from_bytes(rest[size - 4 : size], "little"):
                    kind = "crc_mismatch"
            if kind in {"truncated", "crc_mismatch"} and number == last:
                return records, len(rest), None
            if kind is not None:
                return records, 0, (kind, number, at)
            body = rest[24 : size - 4]
            records.append((record_type, txid, body[:key_len], body[key_len:], number, at, size))
            at += size
    return records, 0, None


def plain(record: Record):
    return (record.type, record.txid, record.key, record.payload, record.segment, record.offset, record.len)


def files(where: str | Path):
    return {int(path.stem): path.read_bytes() for path in Path(where).glob("*.dwal")}


SMALL = st.binary(max_size=40)
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), SMALL),
        st.tuples(st.just("record"), st.sampled_from(RecordType), SMALL, SMALL),
        st.tuples(st.sampled_from(["rotate", "fsync", "reopen", "scan"])),
    ),
    max_size=12,
)
DAMAGE = st.lists(
    st.tuples(st.sampled_from(["cut", "flip", "add"]), st.integers(0, 3), st.integers(0, 400), st.binary(max_size=40)),
    max_size=3,
)


def do(log: RecordLog, where: str, operation: tuple[Any, ...]):
    match operation:
        case ("append", payload):
            log.append(payload)
        case ("record", record_type, key, payload):
            log.append_record(record_type, key, payload)
        case ("reopen",):
            log.close()
            return RecordLog.open(where)
        case (name,):
            getattr(log, name)()
    return log


def harm(where: str | Path, damage: list[tuple[str, int, int, bytes]]):
    for how, which, at, data in damage:
        paths = sorted(Path(where).glob("*.dwal"))
        # From the end more often than not: that is where crashes happen.
        path = paths[-1 - which % len(paths)]
        content = bytearray(path.read_bytes())
        if how == "cut":
            del content[max(0, len(content) - at % 60) :]
        elif how == "add":
            content += data
        elif content:
            content[at % len(content)] ^= 1 << (at % 8)
        path.write_bytes(content)


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(before=OPERATIONS, damage=DAMAGE, after=OPERATIONS)
def test_reopening_finds_exactly_the_longest_valid_prefix_and_loses_nothing_later(
    before: list[tuple[Any, ...]], damage: list[tuple[str, int, int, bytes]], after: list[tuple[Any, ...]]
):
    with tempfile.TemporaryDirectory(dir=SHM) as where:
        log = RecordLog.open(where)
        for operation in before:
            log = do(log, where, operation)
        log.close()
        records, _, error = model(files(where))
        assert error is None

        harm(where, damage)
        damaged = files(where)
        records, discarded, error = model(damaged)
        if error is not None:
            with pytest.raises(FrameError) as caught:
                RecordLog.open(where)
            assert (caught.value.kind, caught.value.segment, caught.value.offset) == error
            found = []
            with pytest.raises(FrameError) as caught:
                found.extend(plain(record) for record in RecordLogReader.open(where).scan_iter())
            assert (caught.value.kind, caught.value.segment, caught.value.offset) == error
            assert files(where) == damaged
            return

        log = RecordLog.open(where)
        report = log.recovery_report()
        assert [plain(record) for record in log.scan_iter()] == records
        assert (report.files_scanned, report.records_replayed) == (len(damaged), len(records))
        assert (report.tail_truncated, report.tail_bytes_discarded) == (int(discarded > 0), discarded)
        assert report.last_txid_seen == max((record[1] for record in records), default=0)
        assert (report.mid_stream_errors, report.unsupported_versions) == (0, 0)
        assert files(where) == damaged

        wrote = []
        for operation in [*after, ("append", b"the end"), ("fsync",), ("reopen",)]:
            log = do(log, where, operation)
            match operation:
                case ("append", payload):
                    wrote.append((RecordType.RAW, b"", payload))
                case ("record", record_type, key, payload):
                    wrote.append((record_type, key, payload))
        found = [plain(record) for record in log.scan()]
        assert log.recovery_report().tail_truncated == 0
        log.close()
        assert found[: len(records)] == records
        assert [(record[0], record[2], record[3]) for record in found[len(records) :]] == wrote
        assert found == model(files(where))[0]


def test_every_flipped_bit_of_a_log_is_judged_as_the_model_judges(root: Path):
    """A reader takes no lock, so one directory serves every bit."""
    content = build_frame(1, 3, b"key", b"payload") + build_frame(0, 2, b"", b"next") + build_frame(2, 9, b"k", b"")
    reader_dir = root / "log"
    reader_dir.mkdir()
    path = reader_dir / "00000001.dwal"
    path.touch()
    reader = RecordLogReader.open(reader_dir)
    for bit in range(len(content) * 8):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        records, discarded, error = model({1: bytes(damaged)})
        scan, found, caught = reader.scan_iter(), [], None
        try:
            found.extend(plain(record) for record in scan)
        except FrameError as problem:
            caught = (problem.kind, problem.segment, problem.offset)
        assert (found, caught) == (records, error), bit
        assert error or scan.recovery_report().tail_bytes_discarded == discarded


def test_every_cut_of_a_log_is_judged_as_the_model_judges(root: Path):
    content = build_frame(1, 3, b"key", b"payload") + build_frame(0, 2, b"", b"next")
    (root / "log").mkdir()
    for size in range(len(content) + 1):
        (root / "log" / "00000001.dwal").write_bytes(content[:size])
        with RecordLog.open(root / "log") as log:
            records, discarded, _ = model({1: content[:size]})
            assert [plain(record) for record in log.scan_iter()] == records
            assert log.recovery_report().tail_bytes_discarded == discarded


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"magic": b"DWAM"}, "bad_magic"),
        ({"version": 2}, "unknown_version"),
        ({"flags": 128}, "reserved_flags"),
        ({"key_len": 65_537}, "key_too_large"),
        ({"payload_len": 67_108_865}, "payload_too_large"),
        ({"payload_len": 2**32 - 1}, "payload_too_large"),
    ],
)
def test_a_structural_error_counts_even_with_a_true_checksum(where: Path, wrong: dict[str, Any], kind: str):
    where.mkdir()
    (where / "00000001.dwal").write_bytes(build_frame(0, 1, b"", b"x", **wrong))
    with pytest.raises(FrameError) as caught:
        RecordLog.open(where)
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("key", "payload", "kind"),
    [(bytes(65_537), b"", "key_too_large"), (b"", bytes(67_108_865), "payload_too_large")],
)
def test_a_whole_frame_over_a_limit_is_no_record(where: Path, key: bytes, payload: bytes, kind: str):
    where.mkdir()
    (where / "00000001.dwal").write_bytes(build_frame(0, 1, key, payload))
    with pytest.raises(FrameError, match=kind):
        RecordLog.open(where)


def test_an_unknown_type_counts_even_with_a_true_checksum(where: Path):
    where.mkdir()
    (where / "00000001.dwal").write_bytes(build_frame(3, 1, b"", b"x"))
    with pytest.raises(FrameError, match="unknown_record_type"):
        RecordLog.open(where)


def test_records_in_front_of_a_structural_error_are_given_before_it(where: Path):
    where.mkdir()
    first = build_frame(0, 1, b"", b"good")
    (where / "00000001.dwal").write_bytes(first + build_frame(0, 2, b"", b"bad", flags=4))
    seen = []
    scan = RecordLogReader.open(where).scan_iter()
    with pytest.raises(FrameError) as caught:
        seen.extend(record.payload for record in scan)
    assert seen == [b"good"]
    assert list(scan) == []
    error = caught.value
    assert (error.kind, error.segment, error.offset) == ("reserved_flags", 1, len(first))
    assert (error.clause, error.field, error.expected, error.found) == ("WIRE-20", "flags", "0", "4")
    assert error.path == str(where / "00000001.dwal")
    assert "00000001.dwal at offset 32: reserved_flags: flags: expected 0, found 4 (WIRE-20)" in str(error)


def test_a_large_frame_cut_while_it_is_read_is_truncated(where: Path, faults: Any):
    with RecordLog.open(where) as log:
        log.append(b"a")
        big = log.append(bytes(1 << 20))

    def cut_later(real: Any, fd: int, size: int, offset: int) -> bytes:
        if offset > big.offset:
            os.truncate(where / "00000001.dwal", big.offset + 500_000)
        data: bytes = real(fd, size, offset)
        return data

    faults.on("pread", ".dwal", cut_later)
    scan = RecordLogReader.open(where).scan_iter()
    assert [record.payload for record in scan] == [b"a"]
    assert scan.recovery_report().tail_truncated == 1


@pytest.mark.parametrize(("zeros", "error"), [(1, None), (23, None), (24, "bad_magic"), (4096, "bad_magic")])
def test_zeros_are_no_end_marker(where: Path, zeros: int, error: str | None):
    where.mkdir()
    (where / "00000001.dwal").write_bytes(build_frame(0, 1, b"", b"a") + bytes(zeros))
    if error:
        with pytest.raises(FrameError, match=error):
            RecordLog.open(where)
    else:
        with RecordLog.open(where) as log:
            assert log.recovery_report().tail_bytes_discarded == zeros


def test_damage_in_front_of_an_empty_last_segment_fails_the_open(where: Path):
    where.mkdir()
    (where / "00000001.dwal").write_bytes(build_frame(0, 1, b"", b"a")[:-1])
    (where / "00000002.dwal").touch()
    with pytest.raises(FrameError, match="only the end of the last segment may be damaged"):
        RecordLog.open(where)


def test_a_segment_cut_while_it_is_read_ends_where_it_was_cut(where: Path, faults: Any):
    """A reader beside a writer that cuts its damaged tail must neither crash nor invent anything."""
    with RecordLog.open(where) as log:
        ref = log.append(b"a")
        log.append(b"b")

    def cut_first(real: Any, fd: int, size: int, offset: int) -> bytes:
        os.truncate(where / "00000001.dwal", ref.len)
        data: bytes = real(fd, size, offset)
        return data

    faults.on("pread", ".dwal", cut_first)
    assert [record.payload for record in RecordLogReader.open(where).scan_iter()] == [b"a"]
