"""Comparing answers with what a case states: nothing wrong gets through, nothing right is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datawal_conformance.expectation import match_result
from datawal_conformance.values import digest, to_bytes

ALL = frozenset({"typed-errors", "error-positions"})

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2**64 - 1) | st.binary(max_size=8).map(bytes.hex),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
    max_leaves=12,
)


def differs(expected: Any, found: Any) -> bool:
    return match_result({"ok": {"x": expected}}, {"ok": {"x": found}}, ALL) is not None


@given(json_values)
def test_a_value_agrees_with_itself(value: Any):
    assert not differs(value, value)


@given(json_values, json_values)
def test_agreement_is_equality_but_for_extra_members(expected: Any, found: Any):
    def covers(want: Any, have: Any) -> bool:
        if isinstance(want, dict) and isinstance(have, dict):
            return all(name in have and covers(inner, have[name]) for name, inner in want.items())
        if isinstance(want, list) and isinstance(have, list):
            return len(want) == len(have) and all(map(covers, want, have))
        if isinstance(want, dict | list) and isinstance(have, str) and want:
            return is_recipe_of(want, have)
        return type(want) is type(have) and bool(want == have)

    def is_recipe_of(want: Any, have: str) -> bool:
        try:
            return to_bytes(want).hex() == have
        except ValueError:
            return False

    assert differs(expected, found) is not covers(expected, found)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ([], ""),
        ({}, ""),
        (1, True),
        (1, 1.0),
        (0, False),
        (1, "1"),
        (None, 0),
        ("", None),
        ([], {}),
        (2**64 - 1, float(2**64 - 1)),
    ],
)
def test_lookalikes_differ(expected: Any, found: Any):
    assert differs(expected, found)


@given(st.binary(max_size=3000))
def test_a_digest_stands_for_its_bytes(data: bytes):
    assert not differs(data.hex(), digest(data))


@given(st.binary(min_size=1, max_size=300), st.data())
def test_a_digest_of_other_bytes_differs(data: bytes, draw: st.DataObject):
    other = bytearray(data)
    other[draw.draw(st.integers(0, len(data) - 1))] ^= draw.draw(st.integers(1, 255))
    assert differs(data.hex(), digest(bytes(other)))


def test_recipes_are_compared_by_what_they_expand_to():
    recipe = ["00", {"fill": "6162", "len": 5}]
    assert not differs(recipe, "006162616261")
    assert differs(recipe, "0061626162")
    assert not differs(recipe, digest(to_bytes(recipe)))


def test_missing_member_differs():
    mismatch = match_result({"ok": {"report": {"files_scanned": 1}}}, {"ok": {"report": {}}}, ALL)
    assert mismatch is not None
    assert mismatch.text == "report.files_scanned: expected 1, found no such member"


def test_shorter_list_names_the_first_missing_entry():
    mismatch = match_result({"ok": {"records": [{"txid": 1}, {"txid": 2}]}}, {"ok": {"records": [{"txid": 1}]}}, ALL)
    assert mismatch is not None
    assert mismatch.text == "records: expected 2 entries, found 1; missing from records[1]: {txid: 2}"


def test_longer_list_differs():
    assert differs([1], [1, 2])


OK = {"ok": {}}
ERROR = {"error": {"kind": "crc_mismatch", "message": "bad crc at 7", "segment": 1, "offset": 7}}


def test_error_is_not_ok_and_ok_is_no_error():
    assert match_result({"ok": {}}, ERROR, ALL) is not None
    assert match_result({"error": {"kind": "crc_mismatch"}}, OK, ALL) is not None
    assert match_result({"error": {}}, OK, frozenset()) is not None


def test_kind_counts_only_with_typed_errors():
    expect = {"error": {"kind": "truncated"}}
    assert match_result(expect, ERROR, ALL) is not None
    assert match_result(expect, ERROR, frozenset()) is None


def test_any_kind_of_a_list_will_do():
    assert match_result({"error": {"kind": ["io", "crc_mismatch"]}}, ERROR, ALL) is None
    assert match_result({"error": {"kind": ["io", "other"]}}, ERROR, ALL) is not None


def test_positions_count_only_with_error_positions():
    expect = {"error": {"kind": "crc_mismatch", "segment": 1, "offset": 8}}
    assert match_result(expect, ERROR, ALL) is not None
    assert match_result(expect, ERROR, frozenset({"typed-errors"})) is None


def test_message_is_searched_for_the_pattern():
    assert match_result({"error": {"message": "^bad crc"}}, ERROR, ALL) is None
    assert match_result({"error": {"message": "^crc"}}, ERROR, ALL) is not None


def test_records_in_front_of_an_error_are_compared():
    expect = {"error": {"kind": "crc_mismatch", "records": [{"txid": 1}]}}
    assert match_result(expect, ERROR, ALL) is not None
    assert match_result(expect, {"error": ERROR["error"] | {"records": [{"txid": 1}]}}, ALL) is None
    assert match_result(expect, {"error": ERROR["error"] | {"records": [{"txid": 2}]}}, ALL) is not None


def test_unsupported_is_never_an_answer():
    assert match_result(None, {"unsupported": True}, ALL) is not None
    assert match_result({"error": {}}, {"unsupported": True}, ALL) is not None
