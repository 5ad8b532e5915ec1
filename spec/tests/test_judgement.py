"""The order of judgement decides as the clauses say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datawal_spec import (
    FIELD_NAMES,
    MAX_KEY_LEN,
    MAX_PAYLOAD_LEN,
    RULES,
    STRUCTURAL_KINDS,
    TAIL_DAMAGE_KINDS,
    ErrorKind,
    all_clauses,
    build_frame,
    judge,
)

GOOD = {"record_type": 1, "txid": 7, "key": b"k", "payload": b"value"}

# In the published order: each entry breaks one thing more for the decoder to meet earlier.
FAULTS = [
    ("magic", {"magic": b"DWAM"}, ErrorKind.BAD_MAGIC),
    ("version", {"version": 2}, ErrorKind.UNKNOWN_VERSION),
    ("record_type", {"record_type": 3}, ErrorKind.UNKNOWN_RECORD_TYPE),
    ("flags", {"flags": 1}, ErrorKind.RESERVED_FLAGS),
    ("key_len", {"key_len": MAX_KEY_LEN + 1}, ErrorKind.KEY_TOO_LARGE),
    ("payload_len", {"payload_len": MAX_PAYLOAD_LEN + 1}, ErrorKind.PAYLOAD_TOO_LARGE),
    ("crc", {"crc": 0}, ErrorKind.CRC_MISMATCH),
]


def test_good_frame_breaks_no_rule():
    assert judge(build_frame(**GOOD)) is None


@pytest.mark.parametrize(("field", "fault", "kind"), FAULTS)
def test_single_fault_is_named(field: str, fault: dict[str, Any], kind: ErrorKind):
    rule = judge(build_frame(**GOOD | fault))
    assert rule is not None
    assert (rule.field, rule.kind) == (field, kind)


@pytest.mark.parametrize("first", range(len(FAULTS)))
@pytest.mark.parametrize("second", range(len(FAULTS)))
def test_earlier_fault_wins(first: int, second: int):
    frame = build_frame(**GOOD | FAULTS[first][1] | FAULTS[second][1])
    rule = judge(frame)
    assert rule is not None
    assert rule.kind is FAULTS[min(first, second)][2]


@given(st.integers(1, 33))
def test_every_cut_of_a_frame_is_truncated(cut: int):
    frame = build_frame(**GOOD)
    rule = judge(frame[: len(frame) - cut])
    assert rule is not None
    assert rule.kind is ErrorKind.TRUNCATED
    assert rule.clause == ("WIRE-16" if len(frame) - cut < 24 else "WIRE-23")


@given(st.integers(0, 34 * 8 - 1))
def test_every_flipped_bit_is_noticed(bit: int):
    frame = bytearray(build_frame(**GOOD))
    frame[bit // 8] ^= 1 << bit % 8
    assert judge(frame) is not None


@given(st.binary(min_size=1, max_size=200))
def test_hostile_bytes_get_a_rule_and_no_exception(data: bytes):
    assert judge(data) is not None


def test_rule_needs_no_header_only_where_it_judges_its_absence():
    assert [rule.clause for rule in RULES if not rule.needs_header] == ["WIRE-16"]


def test_rules_name_existing_clauses_and_fields():
    assert all(rule.clause in all_clauses() for rule in RULES)
    assert all(rule.field in {*FIELD_NAMES, "header"} for rule in RULES)


def test_kinds_are_either_structural_or_tail_damage():
    assert not STRUCTURAL_KINDS & TAIL_DAMAGE_KINDS
    assert {ErrorKind.TRUNCATED, ErrorKind.CRC_MISMATCH} == TAIL_DAMAGE_KINDS
