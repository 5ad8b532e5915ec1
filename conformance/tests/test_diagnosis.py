"""Known mistakes of ports are recognised in what they write."""

import binascii
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datawal_conformance.diagnosis import diagnose, recognise, shape
from datawal_conformance.mismatch import Mismatch, files_differ
from datawal_conformance.port_mistakes import MISTAKES, PortMistake
from datawal_conformance.sandbox import Entry
from datawal_conformance.verdict import CaseResult, Outcome
from datawal_spec import all_clauses, build_frame, crc32c

RECORDS = [(1, 1, b"key", b"value"), (0, 2, b"", b"alpha"), (2, 3, b"another key", b"")]


def written_by(mistake: PortMistake) -> Mismatch:
    right = b"".join(build_frame(*record) for record in RECORDS)
    wrong = b"".join(mistake.encode(*record) for record in RECORDS)
    return files_differ(b"log/00000001.dwal", Entry("file", right), Entry("file", wrong))


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_mistake_is_recognised_by_the_bytes_it_makes(mistake: PortMistake):
    assert recognise(written_by(mistake)) is mistake


@given(st.binary(min_size=1, max_size=200))
def test_other_differences_are_no_mistake(noise: bytes):
    right = b"".join(build_frame(*record) for record in RECORDS)
    assert recognise(files_differ(b"00000001.dwal", Entry("file", right), Entry("file", right + noise))) is None


def test_names_are_unique():
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES)


def test_ieee_mistake_stores_the_checksum_of_the_pre_release():
    ieee = next(mistake for mistake in MISTAKES if mistake.name == "ieee-crc")
    frame = ieee.encode(0, 1, b"", b"alpha")
    assert int.from_bytes(frame[-4:], "little") == binascii.crc32(frame[:-4])


@given(st.binary(max_size=40))
def test_checksum_from_zero_differs_from_the_right_one_by_its_initial_value(data: bytes):
    def from_zero(register: int) -> int:
        for byte in data:
            register ^= byte
            for _ in range(8):
                register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
        return register ^ 0xFFFFFFFF

    assert crc32c(data, 0xFFFFFFFF) == from_zero(0)
    assert crc32c(data) == from_zero(0xFFFFFFFF)


def result(number: int, message: str, mismatch: Mismatch | None = None) -> CaseResult:
    return CaseResult(f"writer.x@n={number}", "writer", ("WRT-6",), Outcome.FAILED, 0.0, message, mismatch=mismatch)


def test_common_cause_is_told_first_with_its_count():
    mismatch = written_by(MISTAKES[0])
    [cause, alike] = diagnose([result(number, f"files differ at {number}", mismatch) for number in range(5)])
    assert cause.startswith("The implementation uses CRC-32 (IEEE) instead of CRC-32C: in 5 of 5 failures")
    assert "first differing byte 32, field crc in writer.x@n=0" in cause
    assert alike.startswith("5 of 5 failures are alike; the first is writer.x@n=0")


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("step 1 open_log log: answer: expected ok, found error crc_mismatch: x", "CRC-32 (IEEE) is the usual mistake"),
        ("step 1 open_log log: report.records_replayed: expected 3, found 0", "CRC-32 (IEEE) is the usual mistake"),
        (
            "step 1 open_log log: answer: expected ok, found error payload_too_large: x",
            "little-endian, key length first",
        ),
        ("step 1 open_log log: answer: expected ok, found error bad_magic: x", "the ASCII letters DWAL"),
    ],
)
def test_reading_mistake_is_guessed_from_its_failures(message: str, hint: str):
    causes = diagnose([result(number, message) for number in range(5)])
    assert hint in causes[0]
    assert "5 of 5 failures look like that" in causes[0]


def test_unlike_failures_have_no_common_cause():
    assert diagnose([result(1, "a"), result(2, "b"), result(3, "c"), result(4, "d")]) == []


def test_who_passes_most_cases_can_read_sound_frames():
    wrong = [
        result(number, "step 1 open_log log: answer: expected ok, found error bad_magic: x") for number in range(5)
    ]
    right = [replace(result(number, ""), outcome=Outcome.PASSED) for number in range(5, 11)]
    assert "the ASCII letters DWAL" in diagnose([*wrong, *right[:5]])[0]
    assert "the ASCII letters DWAL" not in diagnose([*wrong, *right])[0]


def test_clause_that_alike_failures_share_is_told_with_its_text():
    text = all_clauses()["WRT-6"].text
    alike = [replace(result(number, f"m {number}"), clauses=("REC-1", "WRT-6")) for number in range(5)]
    other = [replace(result(number, "n"), clauses=("REC-1",), outcome=Outcome.PASSED) for number in range(5, 9)]
    [cause] = diagnose([*alike, *other])
    assert cause.endswith(f". All of them test WRT-6: {text}")


def test_no_clause_is_told_when_alike_failures_share_none():
    alike = [replace(result(number, "m"), clauses=(f"REC-{number + 1}",)) for number in range(5)]
    [cause] = diagnose(alike)
    assert cause.endswith("the first is writer.x@n=0: m")


def test_bytes_beside_what_they_spell_are_as_alike_as_bytes_without():
    assert shape("expected 736f6d65 'some' at byte 0") == shape("expected 00010203 at byte 17")


def test_crashes_that_are_alike_lead_to_the_doctor():
    crashes = [replace(result(number, "the adapter exited"), outcome=Outcome.CRASHED) for number in range(5)]
    [cause] = diagnose(crashes)
    assert "datawal-conformance doctor tells" in cause
