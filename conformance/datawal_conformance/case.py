"""The case model: what a case file says, read and checked once.

A case keeps its JSON form where that is what travels (steps go to the adapter as they are) and typed fields
where the kit decides on them.
"""

import contextlib
import gc
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import fastjsonschema

from datawal_conformance.errors import CaseFileError

SCHEMA: Final = "schema/case.schema.json"
"""Below the vectors: the JSON Schema of a family file."""

MAIN_PROCESS = "main"
"""Name of the adapter process a step goes to when it names none."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a case.

    `request` is what the adapter gets (None for a step of the runner), `action` what the runner does (None
    for a step of the adapter), `expect` the stated outcome or None when any answer will do.
    """

    number: int
    process: str
    request: dict[str, Any] | None
    action: dict[str, Any] | None
    expect: dict[str, Any] | None

    @property
    def ends_process(self) -> bool:
        """Whether the runner ends an adapter process in this step, named by `process`."""
        return self.action is not None and self.action["do"] in {"kill", "exit"}

    @property
    def title(self) -> str:
        """Operation and what it works on, for people."""
        source = self.request or self.action or {}
        word = str(source.get("op") or source.get("do"))
        details = [str(source[name]) for name in ("path", "to", "on") if name in source]
        return " ".join([word, *details])


@dataclass(frozen=True, slots=True)
class Case:
    """One case: what is given, what is done, what must come of it.

    `clauses` maps the ids of the clauses tested to the digests of the texts the case was written for;
    `alternatives` are the names of the permitted outcomes, empty when there is only one.
    """

    id: str
    title: str
    profile: str
    clauses: dict[str, str]
    requires: frozenset[str]
    given: dict[str, Any]
    steps: tuple[Step, ...]
    then: dict[str, Any] | None
    alternatives: tuple[str, ...]
    source: dict[str, Any]

    @property
    def data_len(self) -> int:
        """Bytes of data the case lays out and sends, recipes expanded; about right, meant for leaving big ones out."""
        return _data_len([self.given, *(step.request or step.action for step in self.steps)])

    @property
    def isolated(self) -> bool:
        """Whether the case needs adapter processes of its own."""
        return any(step.process != MAIN_PROCESS or step.ends_process for step in self.steps)


def _data_len(value: Any) -> int:
    if isinstance(value, str):
        return len(value) // 2
    if isinstance(value, list):
        return sum(map(_data_len, value))
    if isinstance(value, dict):
        if value.keys() == {"fill", "len"}:
            return int(value["len"])
        return sum(map(_data_len, value.values()))
    return 0


_NOT_FOR_THE_ADAPTER = ("expect", "process")


def _step(number: int, source: dict[str, Any]) -> Step:
    rest = {name: value for name, value in source.items() if name not in _NOT_FOR_THE_ADAPTER}
    is_action = "do" in source
    return Step(
        number,
        source.get("process", MAIN_PROCESS),
        None if is_action else rest,
        source if is_action else None,
        source.get("expect"),
    )


def _alternatives(source: dict[str, Any]) -> tuple[str, ...]:
    """Names of the permitted outcomes; raises ValueError when two places of a case name different ones."""
    places = [step.get("expect") for step in source["steps"]]
    places.append(source.get("then"))
    found = {tuple(sorted(place["one_of"])) for place in places if place is not None and "one_of" in place}
    if len(found) > 1:
        msg = "its one_of places name different outcomes: " + " / ".join(", ".join(names) for names in sorted(found))
        raise ValueError(msg)
    return found.pop() if found else ()


def parse_case(source: dict[str, Any]) -> Case:
    """Make a case from its JSON form, which must already agree with the schema.

    Raises ValueError when its `one_of` names do not agree.
    """
    return Case(
        id=source["id"],
        title=source["title"],
        profile=source["profile"],
        clauses=source["clauses"],
        requires=frozenset(source["requires"]),
        given=source["given"],
        steps=tuple(_step(number, step) for number, step in enumerate(source["steps"], 1)),
        then=source.get("then"),
        alternatives=_alternatives(source),
        source=source,
    )


VALIDATED: Final = "registry/validated.json"
"""Below the vectors: the SHA-256 of the schema and of the case files that agree with it."""


def file_digest(path: Path) -> str:
    """SHA-256 of a file, as hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def _known_to_agree(vectors: Path) -> frozenset[str]:
    """Digests of case files that were held against today's schema when they were written; empty when unknown."""
    try:
        known = json.loads((vectors / VALIDATED).read_bytes())
        if known["schema"] == file_digest(vectors / SCHEMA):
            return frozenset(known["files"].values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return frozenset()


@cache
def _validator(schema_path: Path) -> Any:
    return fastjsonschema.compile(json.loads(schema_path.read_text("utf-8")), use_formats=False)


def load_family(path: Path, vectors: Path) -> Iterator[Case]:
    """Read the cases of one family file; raises CaseFileError naming file, case and place.

    A file that is byte for byte the one that was validated when it was made is not validated again.
    """
    try:
        content = path.read_bytes()
        document = json.loads(content)
    except (OSError, ValueError) as error:
        raise CaseFileError(path, None, "file", str(error)) from error
    try:
        if hashlib.sha256(content).hexdigest() not in _known_to_agree(vectors):
            _validator(vectors / SCHEMA)(document)
    except fastjsonschema.JsonSchemaValueException as error:
        where, case_id = _locate(document, list(error.path)[1:])
        problem = f"{error.message.removeprefix('data').removeprefix('.')} (found {str(error.value)[:80]})"
        raise CaseFileError(path, case_id, where, problem) from error
    for source in document["cases"]:
        try:
            yield parse_case(source)
        except ValueError as error:
            raise CaseFileError(path, source["id"], "steps", str(error)) from error


def _locate(document: Any, path: list[Any]) -> tuple[str, str | None]:
    """A JSON path for people, and the id of the case it leads into."""
    where = "".join(f"[{part}]" if str(part).isdigit() else f".{part}" for part in path).lstrip(".")
    case_id = None
    if len(path) > 1 and path[0] == "cases":
        entry = document["cases"][int(path[1])]
        case_id = entry.get("id") if isinstance(entry, dict) else None
    return where or "top", case_id if isinstance(case_id, str) else None


def load_cases(vectors: Path) -> list[Case]:
    """Read every case below `vectors/cases`, sorted by file name.

    Raises CaseFileError when a file breaks the schema or two cases share an id.
    """
    seen: dict[str, Path] = {}
    cases: list[Case] = []
    with _no_collection():
        for path in sorted((vectors / "cases").rglob("*.json")):
            for case in load_family(path, vectors):
                if case.id in seen:
                    raise CaseFileError(path, case.id, "id", f"already used in {seen[case.id]}")
                seen[case.id] = path
                cases.append(case)
    return cases


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the cycle collector out: walking a million fresh objects again and again doubles the time to load them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
