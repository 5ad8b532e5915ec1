"""`repro`: a folder that repeats one case with nothing but the adapter."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from datawal_conformance.exitcodes import ExitCode

from .conftest import FRAME, REFERENCE, case, cli, write_cases, zoo_command


def test_repro_folder_repeats_the_case_with_the_adapter_alone(vectors: Path, tmp_path: Path):
    steps = [
        {"op": "open_log", "path": "log", "expect": {"ok": {"report": {"records_replayed": 1}}}},
        {"do": "overwrite", "path": "log/00000001.dwal", "offset": 28, "bytes": "00"},
        {"op": "scan", "expect": {"ok": {"records": []}}},
    ]
    write_cases(vectors, [case("recovery.hand@n=1", given={"log/00000001.dwal": FRAME}, steps=steps)])
    folder = tmp_path / "repro"
    assert cli("repro", "recovery.hand@n=1", "-o", folder, "--vectors", vectors)[0] is ExitCode.CONFORMANT
    result = subprocess.run(
        [sys.executable, "-I", folder / "repro.py", *REFERENCE], capture_output=True, text=True, check=True
    )
    assert '"records_replayed": 1' in result.stdout
    assert '"records": []' in result.stdout
    assert "runner:" in result.stdout
    assert (folder / "given/log/00000001.dwal").read_bytes().hex() == FRAME


def test_repro_exits_with_1_when_an_answer_differs(vectors: Path, tmp_path: Path):
    steps = [{"op": "open_log", "path": "log", "expect": {"ok": {"report": {"records_replayed": 2}}}}]
    write_cases(vectors, [case("recovery.hand@n=1", given={"log/00000001.dwal": FRAME}, steps=steps)])
    cli("repro", "recovery.hand@n=1", "-o", tmp_path / "repro", "--vectors", vectors)
    command = [sys.executable, "-I", tmp_path / "repro/repro.py", *REFERENCE]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "at       step 1 open_log log, report.records_replayed\n    expected 2\n    found    1\n" in result.stdout


def repeat(vectors: Path, tmp_path: Path, command: list[str], **members: object) -> subprocess.CompletedProcess[str]:
    """Make a case, and run its folder with nothing of the kit."""
    write_cases(vectors, [case("recovery.hand@n=1", **members)])
    cli("repro", "recovery.hand@n=1", "-o", tmp_path / "repro", "--vectors", vectors)
    (tmp_path / "temporary").mkdir()
    return subprocess.run(
        [sys.executable, "-I", tmp_path / "repro/repro.py", *command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
        timeout=60,
    )


OPEN = {"op": "open_log", "path": "log", "expect": {"ok": {}}}
RECORD = {"type": "raw", "txid": 1, "key": "", "payload": "616c706861", "segment": 1, "offset": 0, "len": 33}


@pytest.mark.parametrize(
    ("expect", "difference"),
    [
        ({"error": {"kind": "crc_mismatch"}}, "answer\n    expected error crc_mismatch\n"),
        ({"ok": {"records": []}}, "records\n    expected 0 entries\n    found    1 entries\n"),
        ({"ok": {"records": [RECORD | {"txid": 2}]}}, "records[0].txid\n    expected 2\n    found    1\n"),
        ({"ok": {"keys": []}}, "keys\n    expected []\n    found    no such member\n"),
        ({"one_of": {"a": {"ok": {"records": []}}, "b": {"error": {"kind": "io"}}}}, "answer, if it b\n"),
    ],
)
def test_repro_says_what_differs(vectors: Path, tmp_path: Path, expect: object, difference: str):
    steps = [OPEN, {"op": "scan", "expect": expect}, {"op": "close"}]
    result = repeat(vectors, tmp_path, REFERENCE, given={"log/00000001.dwal": FRAME}, steps=steps)
    assert f"at       step 2 scan, {difference}" in result.stdout
    assert result.returncode == 1


@pytest.mark.parametrize(
    ("expect", "place"),
    [
        ({"kind": "io"}, "error.kind\n    expected io\n    found    bad_magic"),
        ({"kind": "bad_magic", "offset": 3}, "error.offset\n    expected 3\n    found    0"),
        ({"message": "no such words"}, "error.message\n    expected a message that matches"),
    ],
)
def test_repro_holds_an_error_to_its_kind_and_place(vectors: Path, tmp_path: Path, expect: object, place: str):
    steps = [{"op": "open_log", "path": "log", "expect": {"error": expect}}]
    result = repeat(vectors, tmp_path, REFERENCE, given={"log/00000001.dwal": "58" * 40}, steps=steps)
    assert place in result.stdout


@pytest.mark.parametrize(
    ("files", "difference"),
    [
        (
            {"log/00000001.dwal": "00"},
            "expected 00 at byte 0 (1 bytes in all)\n    found    4457414c01000000 at byte 0",
        ),
        ({"other": "00"}, "other\n    expected a file of 1 bytes\n    found    nothing there"),
        ({"log": None, "log/00000001.dwal": None}, "log\n    expected nothing there\n    found    a directory"),
        ({"log/.lock": {"matches": "x"}}, "log/.lock\n"),
    ],
)
def test_repro_compares_the_files(vectors: Path, tmp_path: Path, files: object, difference: str):
    members = {"given": {"log/00000001.dwal": FRAME}, "steps": [OPEN], "then": {"files": files}}
    result = repeat(vectors, tmp_path, REFERENCE, **members)
    assert difference in result.stdout
    assert result.returncode == 1


@pytest.mark.parametrize("files", ["unchanged", {"log/00000001.dwal": FRAME, "log/.lock": {"any": True}}])
def test_repro_leaves_nothing_behind_when_all_agrees(vectors: Path, tmp_path: Path, files: object):
    given = {"log/00000001.dwal": FRAME, "pipe": {"fifo": True}, "s": {"socket": True}, "link": {"symlink": "log"}}
    result = repeat(vectors, tmp_path, REFERENCE, given=given, steps=[OPEN], then={"files": files})
    assert result.returncode == 0, result.stdout + result.stderr
    assert list((tmp_path / "temporary").iterdir()) == []


def test_repro_says_where_it_left_the_files_when_something_differs(vectors: Path, tmp_path: Path):
    result = repeat(vectors, tmp_path, REFERENCE, steps=[OPEN], then={"files": "unchanged"})
    [left] = (tmp_path / "temporary").iterdir()
    assert f"files are left in {left}/case" in result.stdout
    assert (left / "case/log/00000001.dwal").exists()


def test_repro_compares_what_the_runner_checks_in_between(vectors: Path, tmp_path: Path):
    steps = [OPEN, {"do": "check", "files": {"log/00000001.dwal": "00"}}]
    result = repeat(vectors, tmp_path, REFERENCE, steps=steps)
    assert "at       step 2, log/00000001.dwal" in result.stdout


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        (["./no-such-adapter"], 3, "repro: cannot start './no-such-adapter': No such file or directory"),
        (zoo_command("dies_at_start"), 1, "repro: the adapter ended without an answer, status 7"),
        (zoo_command("hello_not_json"), 1, "repro: expected one JSON object a line, found b'ready!"),
        ([], 2, "python3 repro.py ADAPTER"),
    ],
)
def test_repro_tells_an_adapter_that_cannot_be_used(
    vectors: Path, tmp_path: Path, command: list[str], code: int, message: str
):
    result = repeat(vectors, tmp_path, command)
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.returncode == code


def test_repro_names_the_adapter_it_was_given(vectors: Path, tmp_path: Path):
    target = tmp_path / "my repro"
    arguments = ["repro", "recovery.hand@n=1", "-o", target, "--vectors", vectors]
    _code, out, _err = cli(*arguments, "--", "./adapter", "--data dir")
    assert f"run it: python3 '{target}/repro.py' ./adapter '--data dir'\n" in out


def test_repro_does_not_overwrite(vectors: Path, tmp_path: Path):
    code, _out, err = cli("repro", "recovery.hand@n=1", "-o", tmp_path, "--vectors", vectors)
    assert code is ExitCode.USAGE
    assert "exists" in err
