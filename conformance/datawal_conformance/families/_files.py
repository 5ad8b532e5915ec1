"""Files of the vectors on disk: written as a whole, or compared with what the families make."""

import json
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path


def write_files(folder: Path, wanted: Mapping[str, bytes]) -> None:
    """Write every file and remove those nobody makes any more."""
    for path in _present(folder) - wanted.keys():
        (folder / path).unlink()
    for path, content in wanted.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _present(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def first_difference(folder: Path, wanted: Mapping[str, bytes]) -> str | None:
    """The first file that is missing, extra or other than wanted, and where it differs; None if none is."""
    present = _present(folder)
    for path in sorted(present | wanted.keys()):
        target = folder / path
        if path not in wanted:
            return f"{target}: nothing makes this file"
        if path not in present:
            return f"{target}: missing"
        found = target.read_bytes()
        if found != wanted[path]:
            texts = [content.decode("utf-8", "replace") for content in (found, wanted[path])]
            return f"{target}: {_first_line(*texts)}"
    return None


def _first_line(found: str, wanted: str) -> str:
    lines = zip_longest(found.split("\n"), wanted.split("\n"))
    for number, (have, want) in enumerate(lines, 1):
        if have != want:
            return f"line {number} differs, {_case(want) or _case(have) or 'outside of any case'}"
    return "differs"


def _case(line: str | None) -> str | None:
    """The case on a line, for people; a line that a hand broke is no case."""
    try:
        return f"case {json.loads((line or '').rstrip(','))['id']}"
    except (ValueError, KeyError, TypeError):
        return None
