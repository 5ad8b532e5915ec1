"""Variants of the export: one or more for every clause of EXP."""

import os
from base64 import b64encode, encodebytes, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from _patches_write import before, cut_tail, replaced, signed_bytes, utf_16, wrap, write_plainly
from _variant import Variant

from datawal import DataWal, MissingError, _files, _jsonl

_Items = Iterable[tuple[bytes, bytes]]


def _line(make: Callable[[bytes, bytes], bytes], base64: Callable[[bytes], bytes] = b64encode) -> None:
    """Let `make` form each line of the two values that `base64` gave."""
    _jsonl._lines = lambda items: (make(base64(key), base64(value)) for key, value in items)


def _usual(key: bytes, value: bytes) -> bytes:
    return b'{"key_b64":"%b","value_b64":"%b"}\n' % (key, value)


def export_with_spaces(_adapter: ModuleType) -> None:
    """Put spaces where JSON writers like to have them."""
    _line(lambda key, value: b'{"key_b64": "%b", "value_b64": "%b"}\n' % (key, value))


def export_value_first(_adapter: ModuleType) -> None:
    """Write the value in front of the key."""
    _line(lambda key, value: b'{"value_b64":"%b","key_b64":"%b"}\n' % (value, key))


def export_short_names(_adapter: ModuleType) -> None:
    """Call the members key and value."""
    _line(lambda key, value: b'{"key":"%b","value":"%b"}\n' % (key, value))


def _reordered(change: Callable[[_Items], _Items]) -> None:
    wrap(_jsonl, "export", lambda inner, items, source, path: inner(change(items), source, path))


def export_keeps_order(_adapter: ModuleType) -> None:
    """Write keys in the order in which they were first put."""

    def export_jsonl(inner: Callable[..., None], self: DataWal, path: str) -> None:
        with replaced(DataWal, "_sorted_items", DataWal.items):
            inner(self, path)

    wrap(DataWal, "export_jsonl", export_jsonl)


def export_sorts_signed(_adapter: ModuleType) -> None:
    """Sort keys by signed bytes."""
    _reordered(lambda items: sorted(items, key=signed_bytes))


def export_sorts_utf_16(_adapter: ModuleType) -> None:
    """Sort keys as strings of UTF-16 are sorted."""
    _reordered(lambda items: sorted(items, key=utf_16))


def export_sorts_lines(_adapter: ModuleType) -> None:
    """Sort the lines, not the keys."""
    wrap(_jsonl, "_lines", lambda inner, items: iter(sorted(inner(items))))


def export_urlsafe(_adapter: ModuleType) -> None:
    """Use the alphabet made for addresses."""
    _line(_usual, urlsafe_b64encode)


def export_unpadded(_adapter: ModuleType) -> None:
    """Leave the padding away."""
    _line(_usual, lambda data: b64encode(data).rstrip(b"="))


def export_base64_wrapped(_adapter: ModuleType) -> None:
    """Break base64 after 76 characters, as mail does."""
    _line(_usual, lambda data: encodebytes(data).rstrip(b"\n").replace(b"\n", b"\\n"))


def export_crlf(_adapter: ModuleType) -> None:
    """End lines as Windows does."""
    _line(lambda key, value: _usual(key, value)[:-1] + b"\r\n")


def export_last_line_open(_adapter: ModuleType) -> None:
    """Put newlines between lines only."""

    def lines(inner: Callable[..., Iterator[bytes]], items: _Items) -> Iterator[bytes]:
        text = b"".join(inner(items))
        yield text[:-1]

    wrap(_jsonl, "_lines", lines)


def export_empty_is_a_line(_adapter: ModuleType) -> None:
    """Write a newline when there is no key."""

    def lines(inner: Callable[..., Iterator[bytes]], items: _Items) -> Iterator[bytes]:
        yield b"".join(inner(items)) or b"\n"

    wrap(_jsonl, "_lines", lines)


def export_empty_makes_nothing(_adapter: ModuleType) -> None:
    """Make no file when there is no key."""

    def export_jsonl(inner: Callable[..., None], self: DataWal, path: str) -> None:
        if len(self):
            inner(self, path)

    wrap(DataWal, "export_jsonl", export_jsonl)


def export_parents_not_made(_adapter: ModuleType) -> None:
    """Want a directory that exists."""

    def export(inner: Callable[..., None], items: _Items, source: str, path: str) -> None:
        if not Path(path).parent.exists():
            raise MissingError(action="export to", path=path, reason="its directory is missing")
        inner(items, source, path)

    wrap(_jsonl, "export", export)


def _export(write: Callable[[str, Iterator[bytes]], object]) -> None:
    """Let `write` write the lines straight to the path."""

    def export(items: _Items, _source: str, path: str) -> None:
        _files.make_directories(_files.parent_of(path))
        write(path, _jsonl._lines(items))

    _jsonl.export = export


def export_in_place(_adapter: ModuleType) -> None:
    """Empty the file, then write it."""
    _export(write_plainly)


def export_appends(_adapter: ModuleType) -> None:
    """Write behind what the file holds."""
    _export(lambda path, lines: write_plainly(path, lines, "ab"))


def export_keeps_old_end(_adapter: ModuleType) -> None:
    """Write over the beginning of the file and leave its end."""

    def write(path: str, lines: Iterator[bytes]) -> None:
        Path(path).touch()
        write_plainly(path, lines, "r+b")

    _export(write)


def export_wants_no_file(_adapter: ModuleType) -> None:
    """Refuse a path that has a file."""
    _export(lambda path, lines: write_plainly(path, lines, "xb"))


def export_keeps_a_backup(_adapter: ModuleType) -> None:
    """Keep the old content under another name."""

    def export(inner: Callable[..., None], items: _Items, source: str, path: str) -> None:
        if Path(path).is_file():
            Path(f"{path}~").write_bytes(Path(path).read_bytes())
        inner(items, source, path)

    wrap(_jsonl, "export", export)


def export_leaves_temporary(_adapter: ModuleType) -> None:
    """Put a link to the temporary file into place, and leave it."""

    def link(source: str, target: str) -> None:
        Path(target).unlink(missing_ok=True)
        os.link(source, target)

    def export(inner: Callable[..., None], *args: Any) -> None:
        with replaced(_files, "rename", link):
            inner(*args)

    wrap(_jsonl, "export", export)


def failed_export_leaves_temporary(_adapter: ModuleType) -> None:
    """Leave the temporary file when an export fails."""

    def export(inner: Callable[..., None], *args: Any) -> None:
        with replaced(_files, "discard_file", lambda _path: None):
            inner(*args)

    wrap(_jsonl, "export", export)


def export_cuts_source(_adapter: ModuleType) -> None:
    """Cut a damaged tail of the source off first."""
    before(DataWal, "export_jsonl", lambda self: cut_tail(self.log))


def export_rotates_source(_adapter: ModuleType) -> None:
    """Rotate the source first."""
    before(DataWal, "export_jsonl", lambda self: self.log.rotate())


VARIANTS = [
    Variant("export-with-spaces", "EXP-1", "writes spaces behind colons and commas", export_with_spaces),
    Variant("export-value-first", "EXP-1", "writes the value in front of the key", export_value_first),
    Variant("export-short-names", "EXP-1", "calls the members key and value", export_short_names),
    Variant("export-keeps-order", "EXP-2", "writes keys in the order of the source", export_keeps_order),
    Variant("export-sorts-signed", "EXP-2", "sorts keys by signed bytes", export_sorts_signed),
    Variant("export-sorts-utf-16", "EXP-2", "sorts keys as UTF-16 strings", export_sorts_utf_16),
    Variant("export-sorts-lines", "EXP-2", "sorts lines instead of keys", export_sorts_lines),
    Variant("export-urlsafe", "EXP-3", "uses the alphabet for URLs", export_urlsafe),
    Variant("export-unpadded", "EXP-3", "leaves padding away", export_unpadded),
    Variant("export-base64-wrapped", "EXP-3", "breaks base64 after 76 characters", export_base64_wrapped),
    Variant("export-crlf", "EXP-4", "ends lines with CR and LF", export_crlf),
    Variant("export-last-line-open", "EXP-4", "ends the last line with nothing", export_last_line_open),
    Variant("export-empty-is-a-line", "EXP-4", "writes an empty line for an empty projection", export_empty_is_a_line),
    Variant("export-empty-makes-nothing", "EXP-4", "makes no file for an empty projection", export_empty_makes_nothing),
    Variant("export-parents-not-made", "EXP-5", "makes no directories", export_parents_not_made),
    Variant("export-in-place", "EXP-6", "empties the file before it writes", export_in_place),
    Variant("export-appends", "EXP-6", "writes behind the old content", export_appends),
    Variant("export-keeps-old-end", "EXP-6", "leaves the end of a longer old file", export_keeps_old_end),
    Variant("export-wants-no-file", "EXP-6", "refuses to replace a file", export_wants_no_file),
    Variant("export-keeps-a-backup", "EXP-7", "leaves the old content beside the new", export_keeps_a_backup),
    Variant("export-leaves-temporary", "EXP-7", "leaves its temporary file", export_leaves_temporary),
    Variant(
        "failed-export-leaves-temporary",
        "EXP-7",
        "leaves its temporary file when it fails",
        failed_export_leaves_temporary,
    ),
    Variant("export-cuts-source", "EXP-8", "cuts a damaged tail of the source off", export_cuts_source),
    Variant("export-rotates-source", "EXP-8", "rotates the source", export_rotates_source),
]
