"""The doctor names what is wrong with an adapter, and never accuses it of what the implementation does wrong.

The adapters here are that of the reference with one thing changed.
"""

import re
import sys
import tempfile
from pathlib import Path

import pytest

from datawal_conformance.doctor import PROBES
from datawal_conformance.exitcodes import ExitCode
from datawal_conformance.protocol import CAPABILITIES

from .conftest import cli, zoo_command

REFERENCE = Path(__file__).parents[1] / "adapters/python/adapter.py"
PROTOCOL = (Path(__file__).parents[1] / "PROTOCOL.md").read_text()

LOAD = f"""
import importlib.util, os, sys
spec = importlib.util.spec_from_file_location("adapter", {str(REFERENCE)!r})
a = importlib.util.module_from_spec(spec)
spec.loader.exec_module(a)
ops = a.OPERATIONS
def instead(name, change):
    right = ops[name]
    ops[name] = lambda handle, step, root: change(right(handle, step, root))
"""


def doctor(tmp_path: Path, change: str, *options: str) -> tuple[ExitCode, str]:
    adapter = tmp_path / "adapter.py"
    adapter.write_text(LOAD + change + "\na.main()\n")
    code, out, _err = cli("doctor", *options, "--", sys.executable, adapter)
    return code, out


def wrong(out: str) -> list[str]:
    return re.findall(r"^WRONG (.*)$", out, re.MULTILINE)


def test_every_operation_of_the_protocol_is_asked_for():
    rows = re.findall(r"^\| `(\w+)` \|([a-z, ]*)\|", PROTOCOL.partition("## Operations")[2], re.MULTILINE)
    named = {
        (op, handle.strip())
        for op, on in rows
        for handle in (on.strip().replace("any", "log, reader, kv") or op.removeprefix("open_")).split(",")
    }
    assert {(probe.op, probe.handle) for probe in PROBES} == named
    assert {probe.capability for probe in PROBES} == set(CAPABILITIES) - {"typed-errors", "error-positions"}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("instead('scan', lambda answer: {'records': answer['records'] or None})",
         ["the operation scan of capability log"]),
        ("instead('keys', lambda answer: {'keys': answer['keys'] or None})", ["the operation keys of capability kv"]),
        ("instead('items', lambda answer: {'items': dict(answer['items'])})", ["the operation items of capability kv"]),
        ("instead('append', lambda answer: {'position': answer.offset})", ["the operation append of capability log"]),
        ("import base64; a._encode = lambda v: v if v is None else base64.b64encode(v).decode()",
         ["the operation scan of capability log", "the operation scan_iter of capability log",
          "the operation scan_iter of capability reader", "the operation get of capability kv",
          "the operation keys of capability kv", "the operation items of capability kv",
          "answers a value above 65,536 bytes as length and CRC-32C"]),
        ("del ops['poison']", ["the operation poison of capability poison"]),
        ("del ops['spawn']", ["the operation spawn of capability spawn"]),
        ("instead('ref_of', lambda answer: print('in ref_of') or answer)", ["the operation ref_of of capability kv"]),
        ("instead('fsync', lambda answer: print('{\"level\": \"debug\"}') or answer)",
         ["the operation fsync of capability log", "the operation fsync of capability kv"]),
        ("right = a._error; a._error = lambda e: right(e) | {'kind': 'other'}", ["names the kinds of errors"]),
        ("a.PLACE = ()", ["says where damage is"]),
        ("right = a._flat; a._flat = lambda v: {n: float(x) if x == 2**63 + 1 else x for n, x in right(v).items()}",
         ["carries numbers above 2^53 exactly"]),
        ("a.DIGEST_ABOVE = 1 << 20", ["answers a value above 65,536 bytes as length and CRC-32C"]),
    ],
)  # fmt: skip
def test_mistakes_of_the_adapter_are_told_as_its_own(tmp_path: Path, change: str, found: list[str]):
    code, out = doctor(tmp_path, change)
    assert wrong(out) == [f"{what} (adapter)" for what in found], out
    assert code is ExitCode.ADAPTER_BROKEN


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ("instead('scan', lambda answer: {'records': answer['records'] or None})", "An empty list is answered as []"),
        ("import base64; a._encode = lambda v: v if v is None else base64.b64encode(v).decode()", "not base64"),
        ("right = a._flat; a._flat = lambda v: {n: 2**63 if x == 2**63 + 1 else x for n, x in right(v).items()}",
         "Do not let a JSON library make floats of them"),
        ("del ops['poison']", "Naming a capability promises all its operations"),
        ("instead('keys', lambda answer: {'keys': answer['keys'][::-1]})", "sorted by the bytes of the key"),
        ("ops['get'] = lambda h, s, _: {'value': a._encode(h.get(a._decode(s['key'])) or b'')}", "answered as null"),
    ],
)  # fmt: skip
def test_hint_fits_what_is_wrong_with_an_answer(tmp_path: Path, change: str, hint: str):
    _code, out = doctor(tmp_path, change)
    assert hint in out


def test_number_that_was_rounded_is_the_adapters(tmp_path: Path):
    change = "right = a._flat; a._flat = lambda v: {n: 2**63 if x == 2**63 + 1 else x for n, x in right(v).items()}"
    _code, out = doctor(tmp_path, change)
    assert wrong(out) == ["carries numbers above 2^53 exactly (adapter)"]
    assert "report.last_txid_seen: expected 9223372036854775809, found 9223372036854775808\n" in out


IEEE = """
import binascii, datawal._frame as frame, datawal._recovery as recovery, datawal.store as store
frame.crc32c = recovery.crc32c = store.crc32c = lambda data, crc=0: binascii.crc32(data, crc)
"""


@pytest.mark.parametrize(
    "change",
    [
        IEEE,
        "import datawal._frame as frame; frame.crc32c = lambda data, crc=0: 7",
        "instead('scan', lambda answer: {'records': []})",
        "instead('rotate', lambda answer: {'active_segment': 7})",
        "instead('get', lambda answer: {'value': None})",
        "instead('ref_of', lambda answer: {'ref': None})",
        "instead('contains_key', lambda answer: {'contains': False})",
        "a.OPENERS = dict.fromkeys(a.OPENERS, lambda path: open('/no/such/file'))",
        "right = a._flat; a._flat = lambda v: {n: 0 if n == 'records_replayed' else x for n, x in right(v).items()}",
        "ops['ref_of'] = lambda *_: os.abort()",
        "ops['compact_to'] = lambda *_: 1 / 0",
        "instead('keys', lambda answer: {'keys': answer['keys'][::-1]})",
        "a.RecordLog.close = lambda self: None",
    ],
)
def test_mistakes_of_the_implementation_are_not_laid_to_the_adapter(tmp_path: Path, change: str):
    code, out = doctor(tmp_path, change)
    assert wrong(out), out
    assert not [line for line in wrong(out) if line.endswith("(adapter)")], out
    assert code is ExitCode.NOT_CONFORMANT


def test_wrong_checksum_is_named_and_the_number_not_blamed(tmp_path: Path):
    _code, out = doctor(tmp_path, IEEE)
    assert "the frame laid out for this was not read: " in out
    assert "It uses CRC-32 (IEEE) instead of CRC-32C." in out
    assert "floats" not in out


def test_every_operation_that_dies_is_named_with_where_its_panic_begins(tmp_path: Path):
    change = (
        "def panic(*_):\n"
        "    sys.stderr.write('panic: index out of range\\n\\ngoroutine 1 [running]:\\n  main.go:9\\n')\n"
        "    sys.stderr.flush()\n"
        "    os.abort()\n"
        "ops['ref_of'] = ops['export_jsonl'] = panic"
    )
    code, out = doctor(tmp_path, change)
    assert wrong(out) == [
        "the operation ref_of of capability kv (adapter or implementation)",
        "the operation export_jsonl of capability export (adapter or implementation)",
    ]
    assert out.count("stderr: panic: index out of range") == 2
    assert code is ExitCode.NOT_CONFORMANT


def test_panic_of_two_lines_is_told_with_both(tmp_path: Path):
    change = (
        "def panic(*_):\n"
        "    sys.stderr.write(\"thread 'main' panicked at src/ops.rs:7:9:\\nno such key\\nnote: run with\\n\")\n"
        "    sys.stderr.flush()\n"
        "    os.abort()\n"
        "ops['ref_of'] = panic"
    )
    _code, out = doctor(tmp_path, change)
    assert "stderr: thread 'main' panicked at src/ops.rs:7:9: no such key\n" in out


def test_line_behind_an_answer_is_laid_to_the_request_it_follows(tmp_path: Path):
    change = (
        "right = a._run\n"
        "late = []\n"
        "def run(step, root, handles):\n"
        "    if late and step['op'] == 'no-such-operation': print(late.pop(), flush=True)\n"
        "    if step['op'] == 'rotate': late.append('debug: rotated')\n"
        "    return right(step, root, handles)\n"
        "a._run = run"
    )
    _code, out = doctor(tmp_path, change)
    assert wrong(out) == ["the operation rotate of capability log (adapter)"]
    assert "stdout is for answers only" in out


def test_silent_operations_are_not_waited_for_without_end(tmp_path: Path):
    change = "import time\nfor op in ('append', 'scan', 'fsync', 'rotate'): ops[op] = lambda *_: time.sleep(60)"
    code, out = doctor(tmp_path, change, "--timeout", "1")
    assert len(wrong(out)) == 3
    assert "skip  the rest: no answer came 3 times" in out
    assert code is ExitCode.NOT_CONFORMANT


def test_capabilities_not_named_are_listed_and_their_operations_left_alone(tmp_path: Path):
    code, out = doctor(tmp_path, "a.HELLO['capabilities'] = ['kv', 'compact']; del ops['spawn'], ops['append']")
    assert code is ExitCode.CONFORMANT, out
    assert "skip  not claimed: log, reader, export, poison, spawn, typed-errors, error-positions" in out
    assert "answers every operation of kv" in out
    assert "answers every operation of compact" in out


def test_capability_that_lacks_its_handle_is_told(tmp_path: Path):
    _code, out = doctor(tmp_path, "a.HELLO['capabilities'] = ['compact']")
    assert "skip  answers every operation of compact: they need the capability kv too" in out


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("hello_not_json", "stdout is for answers only"),
        ("hello_twice", "stdout is for answers only"),
        ("hello_names_unknown_capability", "Name only these"),
        ("hello_of_another_protocol", "PROTOCOL.md shows the answer to hello"),
        ("dies_at_start", "stays until its stdin ends"),
        ("silent_in_hello", "flush"),
        ("speaks_after_the_end", "stdout is for answers only"),
    ],
)
def test_hint_fits_what_is_wrong_with_the_greeting(name: str, hint: str):
    _code, out, _err = cli("doctor", "--timeout", "2", "--", *zoo_command(name))
    assert hint in out
    assert out.count("stdout is for answers only") <= 1
    assert ("flush" in out) is (hint == "flush")


def test_hint_fits_what_is_wrong_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "adapter").write_text("")
    assert "without quotes" in cli("doctor", "--", "python3 adapter")[1]
    assert "write ./adapter" in cli("doctor", "--", "adapter")[1]
    assert "chmod +x ./adapter" in cli("doctor", "--", "./adapter")[1]
    mistyped = cli("doctor", "--", "./adaptr")[1]
    assert "Is it built" in mistyped
    assert "quotes" not in mistyped


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    doctor(tmp_path, "")
    assert list((tmp_path / "temporary").iterdir()) == []
