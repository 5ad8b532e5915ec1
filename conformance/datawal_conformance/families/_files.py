"""Case files on disk: written as a whole, or compared with what the families make."""

import json
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path


def write_files(cases: Path, wanted: Mapping[str, str]) -> int:
    """Write every file and remove case files nobody makes any more; returns the number of cases."""
    for path in _present(cases) - wanted.keys():
        (cases / path).unlink()
    for path, text in wanted.items():
        target = cases / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())
    return sum(text.count("\n") - 2 for text in wanted.values())


def _present(cases: Path) -> set[str]:
    return {path.relative_to(cases).as_posix() for path in cases.rglob("*") if not path.is_dir()}


def first_difference(cases: Path, wanted: Mapping[str, str]) -> str | None:
    """The first file that is missing, extra or other than wanted, with the case it differs in; None if none is."""
    present = _present(cases)
    for path in sorted(present | wanted.keys()):
        target = cases / path
        if path not in wanted:
            return f"{target}: no family makes this file"
        if path not in present:
            return f"{target}: missing"
        found = target.read_bytes().decode("utf-8", "replace")
        if found != wanted[path]:
            return f"{target}: {_first_line(found, wanted[path])}"
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
