"""Things in a directory that are not what their names promise: clear errors, no hang, nothing touched."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datawal import (
    DataWal,
    MissingError,
    NotDirectoryError,
    ObstructedError,
    RecordLog,
    RecordLogReader,
    StorageError,
)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


MAKERS: dict[str, Callable[[Path], object]] = {
    "directory": lambda path: path.mkdir(),
    "fifo": os.mkfifo,
    "socket": make_socket,
    "link": lambda path: path.symlink_to("target"),
    "dangling link": lambda path: path.symlink_to("nowhere"),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_is_no_regular_file_is_no_segment(where: Path, make: Callable[[Path], object]):
    with RecordLog.open(where) as log:
        log.append(b"real")
    (where / "target").write_bytes(b"no frame")
    make(where / "00000005.dwal")
    with RecordLog.open(where) as log:
        assert log.active_segment == 1
        assert [record.payload for record in log.scan()] == [b"real"]
    reader = RecordLogReader.open(where)
    assert reader.segments == (1,)
    assert (where / "target").read_bytes() == b"no frame"


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_lock_that_is_no_regular_file_is_an_error_and_left_alone(where: Path, make: Callable[[Path], object]):
    where.mkdir()
    make(where / ".lock")
    with pytest.raises(ObstructedError) as caught:
        RecordLog.open(where)
    assert caught.value.kind == "io"
    assert caught.value.path == str(where / ".lock")
    assert [path.name for path in where.iterdir()] == [".lock"]


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_something_in_place_of_the_first_segment_is_an_error_and_left_alone(
    where: Path, make: Callable[[Path], object]
):
    where.mkdir()
    make(where / "00000001.dwal")
    with pytest.raises(ObstructedError):
        RecordLog.open(where)
    assert sorted(path.name for path in where.iterdir()) == [".lock", "00000001.dwal"]


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_segment_that_changed_its_nature_after_the_open_is_an_error(where: Path, make: Callable[[Path], object]):
    """Listing and opening are two moments; what is opened is looked at again."""
    with RecordLog.open(where) as log:
        log.rotate()
    reader = RecordLogReader.open(where)
    (where / "00000001.dwal").unlink()
    make(where / "00000001.dwal")
    with pytest.raises(StorageError):
        list(reader.scan_iter())


def test_a_segment_that_vanished_after_the_open_is_not_found(where: Path):
    RecordLog.open(where).close()
    reader = RecordLogReader.open(where)
    (where / "00000001.dwal").unlink()
    with pytest.raises(MissingError):
        list(reader.scan_iter())


@pytest.mark.parametrize("use", [RecordLog.open, DataWal.open, RecordLogReader.open])
def test_a_file_in_place_of_the_directory_is_not_a_directory(where: Path, use: Callable[[Any], object]):
    where.write_text("precious")
    for path in (where, where / "below"):
        with pytest.raises(NotDirectoryError) as caught:
            use(path)
        assert caught.value.kind == "not_a_directory"
    assert where.read_text() == "precious"


@pytest.mark.parametrize("use", [RecordLog.open, DataWal.open])
def test_a_dangling_link_in_place_of_the_directory_is_an_error(where: Path, use: Callable[[Any], object]):
    where.symlink_to("nowhere")
    with pytest.raises(NotDirectoryError):
        use(where)
    assert not (where.parent / "nowhere").exists()


def test_a_link_to_the_directory_is_followed(root: Path):
    (root / "real").mkdir()
    (root / "link").symlink_to("real")
    RecordLog.open(root / "link").close()
    assert (root / "real" / "00000001.dwal").exists()


def test_a_directory_whose_name_is_no_utf_8_is_fine(root: Path):
    path = os.fsdecode(os.fsencode(root) + b"/\xff\xfe")
    with RecordLog.open(path) as log:
        log.append(b"x")
        assert len(log.scan()) == 1
