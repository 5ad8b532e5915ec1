"""Annotated dumps name every byte, damaged or not."""

from hypothesis import given
from hypothesis import strategies as st

from datawal_spec import FIELD_NAMES, all_clauses, annotate, build_frame, format_dump
from datawal_spec.annotate import FIELD_CLAUSES, UNCLAIMED

frames = st.builds(
    build_frame,
    st.integers(0, 2),
    st.integers(0, 2**64 - 1),
    st.binary(max_size=20),
    st.binary(max_size=40),
)


@given(st.lists(frames, max_size=4).map(b"".join), st.binary(max_size=60))
def test_fields_are_the_segment_without_gap_or_overlap(good: bytes, tail: bytes):
    segment = good + tail
    assert b"".join(field.data for field in annotate(segment)) == segment


@given(st.lists(frames, min_size=1, max_size=4))
def test_whole_frames_show_every_field_of_the_grammar(parts: list[bytes]):
    fields = list(annotate(b"".join(parts)))
    assert [field.name for field in fields] == list(FIELD_NAMES) * len(parts)
    assert all(field.broken is None for field in fields)


@given(frames, st.data())
def test_damaged_frame_marks_exactly_one_field(frame: bytes, data: st.DataObject):
    cut = data.draw(st.integers(1, len(frame) - 1))
    broken = [field for field in annotate(frame + frame[:cut]) if field.broken is not None]
    assert broken
    assert {field.frame for field in broken} == {1}


def test_fields_before_the_break_keep_their_names():
    frame = build_frame(1, 1, b"key", b"value")
    fields = list(annotate(frame[:26]))
    assert [field.name for field in fields] == [*FIELD_NAMES[:7], "key"]
    assert fields[-1].data == b"ke"
    assert fields[-1].meaning == "cut short here"


def test_hostile_length_reads_no_body():
    segment = build_frame(0, 1, b"", b"x", payload_len=2**32 - 1)
    assert [field.name for field in annotate(segment)] == [*FIELD_NAMES[:7], "key", UNCLAIMED]


def test_every_field_has_its_clause():
    assert set(FIELD_CLAUSES) == {*FIELD_NAMES, UNCLAIMED}
    assert set(FIELD_CLAUSES.values()) <= set(all_clauses())


def test_dump_names_the_clause_at_the_fault():
    segment = build_frame(0, 1, b"", b"alpha", flags=4)
    line = next(line for line in format_dump(segment).splitlines() if " flags " in line)
    assert line.endswith("4; reserved_flags: expected 0  <-- WIRE-20")


def test_dump_of_an_empty_segment_says_so():
    assert "(empty segment)" in format_dump(b"")
