"""The bytes around a difference, with the field each belongs to.

Strategy: a segment is annotated lazily from its start and given up after `_MOST_FIELDS`, so that a file of many
thousand frames costs no more than a small one; what is not annotated is shown as plain rows of bytes.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from datawal_conformance.mismatch import Mismatch
from datawal_conformance.report._common import one_line
from datawal_spec import annotate, segment_id

ROW_BYTES = 16
"""Bytes shown of one field or row."""

_BEFORE, _AFTER = 3, 4
_MOST_FIELDS = 5000


@dataclass(frozen=True, slots=True)
class ExcerptByte:
    """One byte as two hex digits, and whether the other file differs there."""

    hex: str
    differs: bool


@dataclass(frozen=True, slots=True)
class ExcerptRow:
    """One field, or one row of a file that is no segment.

    `offset` is that of the first byte shown; `left_out` counts bytes of the field that are not; `hit` says that
    the first difference lies in this row.
    """

    frame: int | None
    offset: int
    name: str
    shown: tuple[ExcerptByte, ...]
    left_out: int
    meaning: str
    hit: bool


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The rows around the first difference in one of the two files, and that file's length in bytes."""

    title: str
    length: int
    rows: tuple[ExcerptRow, ...]


@dataclass(frozen=True, slots=True)
class _Span:
    frame: int | None
    offset: int
    end: int
    name: str
    meaning: str


def excerpts(mismatch: Mismatch) -> list[Excerpt]:
    """What to show of the expected and the found file; nothing where the mismatch holds no bytes."""
    at = mismatch.byte or 0
    is_segment = segment_id(mismatch.where.rpartition("/")[2]) is not None
    found = []
    for title, content, other in (
        ("expected", mismatch.expected_bytes, mismatch.found_bytes),
        ("found", mismatch.found_bytes, mismatch.expected_bytes),
    ):
        if content is not None:
            spans = _around(_fields(content), at) if is_segment else []
            if at < len(content) and not any(span.offset <= at < span.end for span in spans):
                spans = _around(_rows(content, at), at)
            rows = tuple(_row(span, content, other, at) for span in spans)
            if at >= len(content):
                rows = (*rows, ExcerptRow(None, len(content), "end", (), 0, "the file ends here", hit=True))
            found.append(Excerpt(title, len(content), rows))
    return found


def _fields(content: bytes) -> Iterator[_Span]:
    for field in islice(annotate(content), _MOST_FIELDS):
        meaning = field.meaning + (f" ({field.broken.clause})" if field.broken else "")
        yield _Span(field.frame, field.offset, field.end, field.name, one_line(meaning, 100))


def _rows(content: bytes, at: int) -> Iterator[_Span]:
    first = max(0, at // ROW_BYTES - _BEFORE) * ROW_BYTES
    for offset in range(first, len(content), ROW_BYTES):
        yield _Span(None, offset, min(offset + ROW_BYTES, len(content)), "", "")


def _around(spans: Iterable[_Span], at: int) -> list[_Span]:
    """The span that holds the byte, with some before and after; the last ones when none does."""
    walk = iter(spans)
    before: deque[_Span] = deque(maxlen=_BEFORE)
    for span in walk:
        if span.offset <= at < span.end:
            return [*before, span, *islice(walk, _AFTER)]
        before.append(span)
    return list(before)


def _row(span: _Span, content: bytes, other: bytes | None, at: int) -> ExcerptRow:
    """The row of a span: of a long one the bytes around the difference, or its first."""
    hit = span.offset <= at < span.end
    start = span.offset
    if hit and at - start >= ROW_BYTES:
        start = at - ROW_BYTES // 2
    end = min(start + ROW_BYTES, span.end)
    shown = tuple(
        ExcerptByte(
            f"{content[place]:02x}", other is not None and other[place : place + 1] != content[place : place + 1]
        )
        for place in range(start, end)
    )
    return ExcerptRow(span.frame, start, span.name, shown, span.end - span.offset - len(shown), span.meaning, hit)
