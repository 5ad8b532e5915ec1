"""Writing the live keys as JSON lines (profile EXP)."""

from base64 import b64encode
from collections.abc import Iterable, Iterator

from datawal import _files


def export(items: Iterable[tuple[bytes, bytes]], source: str, path: _files.StrPath) -> None:
    """Write `items`, sorted by key, into the file `path`; `source` is the log they come from.

    The path holds its old content until one rename puts the new one there; the temporary file has a name that
    nobody can guess and is removed when anything fails (clauses EXP-6, EXP-7, SAFE-10).
    """
    target = _files.absolute(path)
    _files.refuse_own_names("export to", target, source)
    parent = _files.parent_of(target)
    _files.make_directories(parent)
    building = _files.unpredictable_sibling(target)
    file = _files.create_file(building)
    try:
        try:
            for piece, _ in _files.batched(_lines(items)):
                file.write(piece)
            file.sync()
        finally:
            file.close()
        _files.rename(building, target)
    except BaseException:
        _files.discard_file(building)
        raise
    _files.sync_directory(parent)


def _lines(items: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    for key, value in items:
        yield b'{"key_b64":"%b","value_b64":"%b"}\n' % (b64encode(key), b64encode(value))
