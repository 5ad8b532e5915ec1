"""Names of segments are spelled and read one way only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datawal_spec import segment_id, segment_name


@given(st.integers(0, 99_999_999))
def test_name_and_id_are_each_others_inverse(number: int):
    assert segment_id(segment_name(number)) == number


@pytest.mark.parametrize("number", [-1, 100_000_000])
def test_id_without_a_name_is_refused(number: int):
    with pytest.raises(ValueError, match="outside"):
        segment_name(number)


@pytest.mark.parametrize(
    "name",
    ["0000001.dwal", "000000001.dwal", "00000001.DWAL", "00000001.dwal.tmp", "+0000001.dwal", " 0000001.dwal",
     "0000000a.dwal", "\u0660" * 8 + ".dwal", "00000001.dwal\n", "00000001dwal", ".lock", ""],
)  # fmt: skip
def test_other_names_are_no_segments(name: str):
    assert segment_id(name) is None
