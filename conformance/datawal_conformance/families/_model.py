"""Cases and families as builders make them, and their one canonical form as JSON."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from datawal_conformance.families._build import Json
from datawal_spec import all_clauses, all_profiles

_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class Case:
    """One case. `id` is without the profile's name; `clauses` are ids; the rest is as in CASES.md."""

    id: str
    title: str
    clauses: tuple[str, ...]
    given: Json
    steps: list[Json]
    then: Json | None = None
    requires: tuple[str, ...] = ("log",)

    def as_json(self, family: str) -> Json:
        """The case's JSON form, members in the order in which files show them."""
        profile = family.partition(".")[0]
        made: Json = {
            "id": f"{family}{self.id}",
            "title": self.title,
            "profile": profile,
            "clauses": {clause: all_clauses()[clause].digest for clause in self.clauses},
            "requires": list(self.requires),
            "given": self.given,
            "steps": self.steps,
        }
        if self.then is not None:
            made["then"] = self.then
        return made


@dataclass(frozen=True)
class Family:
    """Cases that vary one theme. `name` begins with the profile's name and a dot."""

    name: str
    about: str
    build: Callable[[], Iterable[Case]] = field(repr=False)

    def __post_init__(self) -> None:
        """Raise ValueError when the name begins with no profile."""
        profile, _, rest = self.name.partition(".")
        if profile not in all_profiles() or not rest:
            msg = f"family name {self.name!r} does not begin with a profile and a dot"
            raise ValueError(msg)

    @property
    def path(self) -> str:
        """Path of its file below `cases/`."""
        profile, _, rest = self.name.partition(".")
        return f"{profile}/{rest}.json"

    def cases(self) -> list[Json]:
        """All cases, sorted by id with numbers in numeric order; raises ValueError on a repeated id."""
        made = [case.as_json(self.name) for case in self.build()]
        made.sort(key=lambda case: natural(case["id"]))
        for before, after in pairwise(made):
            if before["id"] == after["id"]:
                msg = f"case id {after['id']!r} is made twice"
                raise ValueError(msg)
        return made

    def text(self) -> str:
        """The family's file: one case a line."""
        lines = ",\n".join(canonical(case) for case in self.cases())
        return f'{{"family":{canonical(self.name)},"about":{canonical(self.about)},"cases":[\n{lines}\n]}}\n'


def natural(text: str) -> list[tuple[int, str]]:
    """A sort key in which runs of digits count as numbers."""
    parts = _DIGITS.split(text)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def canonical(data: Any) -> str:
    """JSON without spaces, members in the order given, everything beyond ASCII escaped."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=True)


def at(**parameters: Any) -> str:
    """The end of a case's id that carries parameters."""
    return "@" + ",".join(f"{name}={content}" for name, content in parameters.items())


def named(name: str) -> str:
    """The end of a case's id that is a name."""
    return f"/{name}"


def collected(modules: Iterable[Iterable[Family]]) -> Iterator[Family]:
    """The families of several modules, in order; raises ValueError when two share a name."""
    seen: set[str] = set()
    for module in modules:
        for family in module:
            if family.name in seen:
                msg = f"family {family.name!r} is defined twice"
                raise ValueError(msg)
            seen.add(family.name)
            yield family
