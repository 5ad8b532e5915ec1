"""The directory of a case: laid out as given, kept inside itself, compared entry by entry."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from datawal_conformance.sandbox import Sandbox, safe_parts
from datawal_spec import build_frame

FRAME = build_frame(0, 1, b"", b"alpha")


def sandbox(tmp_path: Path, given: dict[str, Any]) -> tuple[Sandbox, Path]:
    root = tmp_path / "case"
    return Sandbox(str(root), given), root


def test_every_kind_of_entry_is_laid_out(tmp_path: Path):
    box, root = sandbox(
        tmp_path,
        {
            "log/00000001.dwal": FRAME.hex(),
            "log/00000002.dwal": {"fill": "00", "len": 5},
            "log/00000003.dwal": {"directory": True},
            "log/00000004.dwal": {"symlink": "../victim"},
            "log/00000005.dwal": {"fifo": True},
            "log/00000006.dwal": {"socket": True},
            "log/hex:ff": {"directory": True},
            "victim": "00",
        },
    )
    assert (root / "log/00000001.dwal").read_bytes() == FRAME
    assert (root / "log/00000002.dwal").read_bytes() == bytes(5)
    assert (root / "log/00000003.dwal").is_dir()
    assert (root / "log/00000004.dwal").readlink() == Path("../victim")
    assert (root / "log/00000005.dwal").is_fifo()
    assert (root / "log/00000006.dwal").is_socket()
    assert box.compare("unchanged") is None
    box.remove()
    assert not root.exists()


def test_name_that_is_not_utf8_is_laid_out(tmp_path: Path):
    _box, root = sandbox(tmp_path, {"log/hex:3030ff2e6477616c": "00"})
    assert [os.fsencode(path.name) for path in (root / "log").iterdir()] == [b"00\xff.dwal"]


@pytest.mark.parametrize(
    "path", ["../x", "/etc/x", "a/../../x", "a//b", "", ".", "a/.", "hex:2e2e/x", "hex:2f", "a/hex:"]
)
def test_path_that_leaves_the_directory_is_refused(tmp_path: Path, path: str):
    with pytest.raises(ValueError, match=r"leaves the case's directory|non-hexadecimal"):
        sandbox(tmp_path, {path: "00"})


@pytest.mark.parametrize("target", ["/etc/passwd", "../x", "../../x", "a/../../x"])
def test_link_that_leaves_the_directory_is_refused(tmp_path: Path, target: str):
    with pytest.raises(ValueError, match="leaves the case's directory"):
        sandbox(tmp_path, {"link": {"symlink": target}})


def test_safe_path_is_split_into_names():
    assert safe_parts("log/hex:ff/x") == (b"log", b"\xff", b"x")


def test_changed_byte_is_found_with_its_field(tmp_path: Path):
    box, root = sandbox(tmp_path, {"log/00000001.dwal": FRAME.hex()})
    (root / "log/00000001.dwal").write_bytes(FRAME[:-1] + b"\0")
    mismatch = box.compare("unchanged")
    assert mismatch is not None
    assert (mismatch.where, mismatch.byte, mismatch.field) == ("log/00000001.dwal", 32, "crc")


def test_field_of_a_later_frame_is_named_with_its_frame(tmp_path: Path):
    box, root = sandbox(tmp_path, {"log/00000001.dwal": (FRAME + FRAME).hex()})
    (root / "log/00000001.dwal").write_bytes(FRAME + FRAME[:8] + b"\2" + FRAME[9:])
    mismatch = box.compare("unchanged")
    assert mismatch is not None
    assert (mismatch.byte, mismatch.field) == (41, "txid of frame 1")


def test_shortened_and_lengthened_files_are_found(tmp_path: Path):
    box, root = sandbox(tmp_path, {"log/00000001.dwal": FRAME.hex()})
    (root / "log/00000001.dwal").write_bytes(FRAME[:10])
    short = box.compare("unchanged")
    (root / "log/00000001.dwal").write_bytes(FRAME + b"x" * 3_000_000)
    long = box.compare("unchanged")
    assert short is not None
    assert short.byte == 10
    assert long is not None
    assert long.byte == len(FRAME)


@pytest.mark.parametrize("name", ["x", "log/00000002.dwal", "log/.lock.tmp", "log/d/deep"])
def test_added_file_is_found(tmp_path: Path, name: str):
    box, root = sandbox(tmp_path, {"log/00000001.dwal": FRAME.hex()})
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_bytes(b"")
    assert box.compare("unchanged") is not None


def test_removed_file_is_found(tmp_path: Path):
    box, root = sandbox(tmp_path, {"log/00000001.dwal": FRAME.hex()})
    (root / "log/00000001.dwal").unlink()
    mismatch = box.compare("unchanged")
    assert mismatch is not None
    assert mismatch.found == "nothing there"


def test_lock_file_is_free_to_appear_and_change(tmp_path: Path):
    box, root = sandbox(tmp_path, {"log/.lock": "00", "out": {"directory": True}})
    (root / "log/.lock").write_text("123\n")
    (root / "out/.lock").write_text("123\n")
    assert box.compare("unchanged") is None


def test_lock_file_that_a_case_names_is_compared(tmp_path: Path):
    box, root = sandbox(tmp_path, {"log": {"directory": True}})
    (root / "log/.lock").write_bytes(b"1\n")
    assert box.compare({"log/.lock": None}) is not None
    assert box.compare({"log/.lock": "310a"}) is None


def test_lock_file_that_became_something_else_is_found(tmp_path: Path):
    box, root = sandbox(tmp_path, {"victim": "00", "log/.lock": {"symlink": "../victim"}})
    (root / "log/.lock").unlink()
    (root / "log/.lock").write_bytes(b"")
    assert box.compare("unchanged") is not None


def test_changed_link_target_is_found(tmp_path: Path):
    box, root = sandbox(tmp_path, {"link": {"symlink": "a"}, "a": "00"})
    (root / "link").unlink()
    (root / "link").symlink_to("b")
    assert box.compare("unchanged") is not None


def test_expected_changes_are_compared_byte_for_byte(tmp_path: Path):
    box, root = sandbox(tmp_path, {"log/00000001.dwal": FRAME.hex(), "log/old": "00"})
    (root / "log/00000001.dwal").write_bytes(FRAME * 2)
    (root / "log/old").unlink()
    assert box.compare({"log/00000001.dwal": (FRAME * 2).hex(), "log/old": None}) is None
    assert box.compare({"log/00000001.dwal": (FRAME * 3).hex(), "log/old": None}) is not None


def test_any_covers_a_file_and_a_whole_directory(tmp_path: Path):
    box, root = sandbox(tmp_path, {"log/00000001.dwal": FRAME.hex()})
    (root / "out").mkdir()
    (root / "out/x").write_bytes(b"1")
    (root / "log/00000001.dwal").write_bytes(b"")
    assert box.compare({"out": {"any": True}, "log/00000001.dwal": {"any": True}}) is None
    assert box.compare({"out": {"any": True}}) is not None


def test_actions_change_files_and_count_as_given(tmp_path: Path):
    box, root = sandbox(tmp_path, {"log/00000001.dwal": FRAME.hex()})
    path = root / "log/00000001.dwal"
    box.act({"do": "overwrite", "path": "log/00000001.dwal", "offset": 0, "bytes": "00"})
    assert path.read_bytes() == b"\0" + FRAME[1:]
    box.act({"do": "append_bytes", "path": "log/00000001.dwal", "bytes": "ff"})
    assert path.read_bytes()[-1] == 0xFF
    box.act({"do": "truncate", "path": "log/00000001.dwal", "len": 3})
    assert path.read_bytes() == b"\0" + FRAME[1:3]
    box.act({"do": "write", "path": "log/new", "content": {"fifo": True}})
    assert box.compare("unchanged") is None
    box.act({"do": "remove", "path": "log/new"})
    assert box.compare("unchanged") is None
    assert box.act({"do": "check", "files": "unchanged"}) is None


def test_action_does_not_follow_a_link(tmp_path: Path):
    box, _root = sandbox(tmp_path, {"a": "00", "link": {"symlink": "a"}})
    with pytest.raises(OSError, match="symbolic links"):
        box.act({"do": "truncate", "path": "link", "len": 0})


def test_hostile_leftovers_are_removed(tmp_path: Path):
    box, root = sandbox(tmp_path, {"log": {"directory": True}})
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "keep").write_text("x")
    (root / "link").symlink_to(outside)
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(root / "socket"))
    deep = root
    for _ in range(100):
        deep /= "d"
    deep.mkdir(parents=True)
    (root / "closed").mkdir()
    (root / "closed/x").write_text("x")
    (root / "closed").chmod(0)
    box.remove()
    assert not root.exists()
    assert (outside / "keep").exists()


def test_unreadable_file_is_laid_out_without_permissions_and_compared_all_the_same(tmp_path: Path):
    box, root = sandbox(tmp_path, {"log/00000001.dwal": {"unreadable": FRAME.hex()}})
    assert (root / "log/00000001.dwal").stat().st_mode & 0o777 == 0
    assert box.compare("unchanged") is None


def test_content_can_be_asked_to_match_a_pattern_as_a_whole(tmp_path: Path):
    box, root = sandbox(tmp_path, {"log": {"directory": True}})
    pattern = {"log/.lock": {"matches": "[0-9]+\n"}}
    assert box.compare(pattern) is not None
    (root / "log/.lock").write_text("123\n")
    assert box.compare(pattern) is None
    (root / "log/.lock").write_text("123\n4\n")
    mismatch = box.compare(pattern)
    assert mismatch is not None
    assert "matches" in mismatch.expected
