"""Which cases are read-only: usable with nothing but a decoder, as the README of the vectors defines them."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from datawal_conformance.families._build import Json
from datawal_conformance.families._model import natural
from datawal_spec import all_profiles

LIST: Final = "registry/read-only.txt"
"""Below the vectors: the ids of the read-only cases."""

README: Final = "README.md"
"""Below the vectors: tells the rule, and the numbers that follow from it."""

_OPENING: Final = ("open_log", "open_reader")
_READING: Final = frozenset({"scan", "scan_iter", "report", "active_segment", "segments", "close"})
_HEAD: Final = "| profile | by `open_log` | by `open_reader` | of all its cases |\n|---|---|---|---|\n"
_TABLE: Final = re.compile(re.escape(_HEAD) + r"(?:\|.*\n)*")


def is_read_only(case: Json) -> bool:
    """Whether files of plain bytes are given in one directory, opened once, read, and left as they are."""
    first, *others = case["steps"]
    root = first.get("path", "") + "/"
    return (
        bool(case["given"])
        and all(path.startswith(root) and "hex:" not in path for path in case["given"])
        and first.get("op") in _OPENING
        and all(step.get("op") in _READING and step.get("on") == first.get("as") for step in others)
        and not any("process" in step for step in case["steps"])
        and not any("one_of" in step.get("expect", {}) for step in case["steps"])
        and not any(_holds_recipe(data) for data in (*case["given"].values(), case["steps"]))
        and case.get("then") == {"files": "unchanged"}
    )


def _holds_recipe(data: Any) -> bool:
    """Whether there is a recipe for bytes in it, or a given content that is no bytes at all."""
    if isinstance(data, dict):
        things = {"fill", "directory", "symlink", "fifo", "socket", "unreadable"}
        return not things.isdisjoint(data) or any(map(_holds_recipe, data.values()))
    return isinstance(data, list) and any(map(_holds_recipe, data))


def read_only_files(vectors: Path, texts: Iterable[str]) -> dict[str, bytes]:
    """The list, and the README if there is one with its table brought up to date; by path below the vectors.

    Raises ValueError when the README has no such table.
    """
    cases = [case for text in texts for case in json.loads(text)["cases"]]
    chosen = [case for case in cases if is_read_only(case)]
    ids = sorted((case["id"] for case in chosen), key=natural)
    made = {LIST: "".join(f"{case_id}\n" for case_id in ids).encode()}
    readme = vectors / README
    if readme.exists():
        table = _table(chosen, cases)
        text, replaced = _TABLE.subn(lambda _old: table, readme.read_text("utf-8"))
        if replaced != 1:
            msg = f"{readme}: there must be one table with the head {_HEAD.splitlines()[0]}"
            raise ValueError(msg)
        made[README] = text.encode()
    return made


def _table(chosen: Sequence[Json], cases: Sequence[Json]) -> str:
    number = Counter((case["profile"], case["steps"][0]["op"]) for case in chosen)
    every = Counter(case["profile"] for case in cases)
    rows = {
        f"`{profile}`": (*(number[profile, op] for op in _OPENING), every[profile])
        for profile in all_profiles()
        if any(number[profile, op] for op in _OPENING)
    }
    rows["together"] = tuple(map(sum, zip(*rows.values(), strict=True)))
    return _HEAD + "".join(f"| {name} | {log:,} | {reader:,} | {of:,} |\n" for name, (log, reader, of) in rows.items())
