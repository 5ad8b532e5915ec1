"""How an outcome differs from what was stated, and how that is told to a person."""

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Any

from datawal_spec import annotate, segment_id

if TYPE_CHECKING:
    from datawal_conformance.sandbox import Entry

_SHOWN = 240
_MOST_READABLE = 64
"""Hex digits up to which bytes are also shown as text."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One difference.

    `where` is a path inside the answer or below the case's directory. `byte` is the offset of the first
    differing byte and `field` the field of the grammar it lies in, both None where that makes no sense.
    `expected_bytes` and `found_bytes` are whole files, for those who want to look closer.
    """

    where: str
    expected: str
    found: str
    byte: int | None = None
    field: str | None = None
    expected_bytes: bytes | None = dataclass_field(default=None, repr=False)
    found_bytes: bytes | None = dataclass_field(default=None, repr=False)

    @property
    def text(self) -> str:
        """One line: where, expected, found."""
        at = ""
        if self.byte is not None:
            at = f" (first differing byte {self.byte}"
            at += f", field {self.field})" if self.field else ")"
        return f"{self.where}: expected {self.expected}, found {self.found}{at}"


def shorten(value: Any) -> str:
    """A value for one line, cut to a bound that is said."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} characters)"


def show_hex(digits: str) -> str:
    """Bytes given as hex, and beside it what they spell when all of it is printable ASCII."""
    if not digits:
        return "(empty)"
    if len(digits) <= _MOST_READABLE:
        text = bytes.fromhex(digits).decode("latin-1")
        if text.isascii() and text.isprintable():
            return f"{digits} {text!r}"
    return digits


def first_difference(expected: bytes, found: bytes) -> int:
    """Offset in bytes of the first difference; the shorter length when one starts with the other."""
    shared = min(len(expected), len(found))
    if expected[:shared] == found[:shared]:
        return shared
    low, high = 0, shared
    while high - low > 1:
        middle = (low + high) // 2
        if expected[low:middle] == found[low:middle]:
            low = middle
        else:
            high = middle
    return low


def field_of(segment: bytes, offset: int) -> str | None:
    """Name of the field that holds a byte of a segment, with its frame's number when that is not the first."""
    for item in annotate(segment):
        if item.offset <= offset < item.end:
            return item.name if item.frame == 0 else f"{item.name} of frame {item.frame}"
    return None


def files_differ(path: bytes, want: "Entry | None", have: "Entry | None") -> Mismatch:
    """Tell how what stands at a path differs from what should."""
    where = path.decode("utf-8", "backslashreplace")
    if want is None:
        assert have is not None
        return Mismatch(where, "nothing there", _describe(have), found_bytes=have.content)
    if have is None:
        return Mismatch(where, _describe(want), "nothing there", expected_bytes=want.content)
    if want.kind != "file" or have.kind != "file":
        return Mismatch(where, _describe(want), _describe(have))
    at = first_difference(want.content, have.content)
    name = None
    if segment_id(where.rpartition("/")[2]) is not None:
        name = field_of(want.content, at) or field_of(have.content, at)
    return Mismatch(
        where,
        f"{_around(want.content, at)} ({len(want.content)} bytes in all)",
        f"{_around(have.content, at)} ({len(have.content)} bytes in all)",
        at,
        name,
        want.content,
        have.content,
    )


def _around(content: bytes, at: int) -> str:
    shown = content[at : at + 8].hex()
    return f"{show_hex(shown)} at byte {at}" if shown else f"the end at byte {at}"


def _describe(entry: "Entry") -> str:
    if entry.kind == "file":
        return f"a file of {len(entry.content)} bytes"
    if entry.kind == "symlink":
        return f"a symlink to {entry.content.decode('utf-8', 'backslashreplace')}"
    return f"a {entry.kind}"
