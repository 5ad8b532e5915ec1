"""Golden logs: the files of chosen cases as real files, each segment with an annotated dump beside it.

Both are made from the JSON of the case and from nothing else; a check compares them byte for byte.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from datawal_conformance.values import to_bytes
from datawal_spec import format_dump, segment_id


@dataclass(frozen=True, slots=True)
class GoldenLog:
    """A golden log: the permanent name of its folder, and the case whose given files it shows."""

    name: str
    case_id: str


GOLDEN_LOGS: Final = (
    GoldenLog("first-record", "wire.known/alpha-read"),
    GoldenLog("every-type", "recovery.cut-last@log=three,at=94"),
    GoldenLog("torn-header", "recovery.cut-last@log=three,at=70"),
    GoldenLog("torn-payload", "recovery.cut-last@log=three,at=91"),
    GoldenLog("bad-crc-then-valid", "recovery.garbage-last@before=three,garbage=bad-crc-then-valid"),
    GoldenLog("zeros-behind", "recovery.garbage-last@before=three,garbage=zeros-24"),
    GoldenLog("hostile-length", "recovery.garbage-last@before=three,garbage=claims-64-mib"),
    GoldenLog("torn-sealed", "recovery.company/torn-sealed-and-torn-last"),
    GoldenLog("ieee-crc", "wire.mistake-crc-last@mistake=ieee"),
    GoldenLog("a-day", "recovery.realistic/day"),
)
"""The golden logs."""


def golden_files(case_files: Iterable[str]) -> dict[str, bytes]:
    """Every file of the golden logs by its path below `golden/`, from the texts of all case files.

    Raises KeyError when a case that a golden log shows does not exist.
    """
    cases = {case["id"]: case for text in case_files for case in json.loads(text)["cases"]}
    made: dict[str, bytes] = {}
    for golden in GOLDEN_LOGS:
        case = cases[golden.case_id]
        for path, content in case["given"].items():
            name = path.rpartition("/")[2]
            if segment_id(name) is not None:
                data = to_bytes(content)
                made[f"{golden.name}/{name}"] = data
                made[f"{golden.name}/{name}.txt"] = format_dump(data).encode()
        made[f"{golden.name}/README.txt"] = _note(case).encode()
    return made


def _note(case: dict[str, Any]) -> str:
    first = case["steps"][0]
    outcome = first["expect"]
    if "ok" in outcome:
        outcome = {"ok": {name: found for name, found in outcome["ok"].items() if name != "records"}}
    return f"{case['title']}\n\ncase {case['id']}\n{first['op']}: {json.dumps(outcome)}\n"
