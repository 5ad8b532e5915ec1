"""The reader: beside a writer, without a trace (profile RDR)."""

from pathlib import Path

import pytest

from datawal import ClosedError, MissingError, RecordLog, RecordLogReader


def test_a_missing_directory_is_not_found_and_not_made(where: Path):
    with pytest.raises(MissingError) as caught:
        RecordLogReader.open(where)
    assert caught.value.kind == "not_found"
    assert not where.exists()


def test_an_empty_directory_gives_no_records_and_stays_empty(where: Path):
    where.mkdir()
    with RecordLogReader.open(where) as reader:
        scan = reader.scan_iter()
        assert list(scan) == []
        assert scan.recovery_report().files_scanned == 0
        assert reader.segments == ()
    assert list(where.iterdir()) == []


def test_the_set_of_segments_is_fixed_at_open_but_their_records_are_not(where: Path):
    with RecordLog.open(where) as log:
        reader = RecordLogReader.open(where)
        assert list(reader.scan_iter()) == []
        log.append(b"later")
        assert [record.payload for record in reader.scan_iter()] == [b"later"]
        log.rotate()
        log.append(b"too late")
        assert reader.segments == (1,)
        assert [record.payload for record in reader.scan_iter()] == [b"later"]
        assert RecordLogReader.open(where).segments == (1, 2)


def test_opening_judges_no_frame_and_the_last_segment_of_the_set_is_the_tail(where: Path):
    where.mkdir()
    (where / "00000001.dwal").write_bytes(b"torn")
    reader = RecordLogReader(where)
    (where / "00000002.dwal").write_bytes(b"made later")
    scan = reader.scan_iter()
    assert list(scan) == []
    assert scan.recovery_report().tail_bytes_discarded == 4


def test_a_closed_reader_says_so(where: Path):
    where.mkdir()
    reader = RecordLogReader.open(where)
    reader.close()
    reader.close()
    with pytest.raises(ClosedError):
        reader.scan_iter()
    assert reader.dir == where
