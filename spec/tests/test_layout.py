"""The flat codec and the spans say what the grammar says."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datawal_spec import (
    CRC_LEN,
    FIELD_NAMES,
    HEADER_CODEC,
    HEADER_FORMAT,
    HEADER_LEN,
    MAX_KEY_LEN,
    Header,
    build_frame,
    crc32c,
    field_at,
    frame_len,
    frame_spans,
    parse_header,
)
from datawal_spec.checksum import CHECK_VALUES
from datawal_spec.grammar import FRAME, HEADER

# Stated here by hand, from the published format: the one place that may disagree with the grammar.
PUBLISHED_FRAME = "4457414c0100000001000000000000000000000005000000616c70686159e778f6"

headers = st.builds(
    Header,
    magic=st.binary(min_size=4, max_size=4),
    version=st.integers(0, 2**16 - 1),
    record_type=st.integers(0, 255),
    flags=st.integers(0, 255),
    txid=st.integers(0, 2**64 - 1),
    key_len=st.integers(0, 2**32 - 1),
    payload_len=st.integers(0, 2**32 - 1),
)


def test_codec_format_is_the_published_one():
    assert HEADER_FORMAT == "<4sHBBQLL"
    assert HEADER_LEN == 24
    assert CRC_LEN == 4


def test_header_tuple_names_the_fields_of_the_grammar():
    assert Header._fields == tuple(subcon.name for subcon in HEADER.subcons)


@given(headers)
def test_grammar_builds_what_the_codec_packs(header: Header):
    assert HEADER.build(header._asdict()) == HEADER_CODEC.pack(*header)


@given(st.binary(min_size=24, max_size=24))
def test_grammar_parses_hostile_headers_as_the_codec_does(data: bytes):
    parsed = HEADER.parse(data)
    assert {name: parsed[name] for name in Header._fields} == parse_header(data)._asdict()


@given(st.binary(max_size=23))
def test_short_header_is_refused(data: bytes):
    with pytest.raises(struct.error):
        parse_header(data)


@given(st.integers(0, 2), st.integers(0, 2**64 - 1), st.binary(max_size=300), st.binary(max_size=300))
def test_grammar_parses_what_build_frame_lays_out(record_type: int, txid: int, key: bytes, payload: bytes):
    frame = build_frame(record_type, txid, key, payload)
    parsed = FRAME.parse(frame)
    assert parsed["key"] == key
    assert parsed["payload"] == payload
    assert parsed["crc"] == crc32c(frame[:-CRC_LEN])
    assert FRAME.build({name: parsed[name] for name in FIELD_NAMES}) == frame


def test_published_frame_is_built_byte_for_byte():
    assert build_frame(0, 1, b"", b"alpha").hex() == PUBLISHED_FRAME


@pytest.mark.parametrize(("data", "value"), CHECK_VALUES.items())
def test_checksum_gives_the_published_check_values(data: bytes, value: int):
    assert crc32c(data) == value


@given(st.integers(0, MAX_KEY_LEN), st.integers(0, 1000))
def test_spans_cover_the_frame_without_gap_or_overlap(key_len: int, payload_len: int):
    spans = frame_spans(key_len, payload_len)
    assert [span.name for span in spans] == list(FIELD_NAMES)
    assert [span.start for span in spans] == [0, *(span.end for span in spans[:-1])]
    assert spans[-1].end == frame_len(key_len, payload_len)


@given(st.integers(0, 50), st.integers(0, 50), st.data())
def test_field_at_finds_the_span_that_holds_the_byte(key_len: int, payload_len: int, data: st.DataObject):
    offset = data.draw(st.integers(0, frame_len(key_len, payload_len) - 1))
    span = field_at(offset, key_len, payload_len)
    assert span.start <= offset < span.end
    assert span.size > 0


def test_field_at_refuses_a_byte_behind_the_frame():
    with pytest.raises(IndexError, match="28 bytes has no byte 28"):
        field_at(28, 0, 0)
