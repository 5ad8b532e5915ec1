"""What the directives read: the case files, and the condensed reports of real runs."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from datawal_conformance.run import vectors_digest

ROOT: Final = Path(__file__).resolve().parents[3]
"""The checkout."""

REPORTS: Final = ROOT / "docs" / "results" / "data"
"""Where the condensed reports lie, one an implementation."""


@dataclass(frozen=True, slots=True)
class CaseInfo:
    """What the site needs of a case; `size` is the length of its JSON in characters."""

    id: str
    title: str
    family: str
    profile: str
    clauses: tuple[str, ...]
    requires: tuple[str, ...]
    size: int


@dataclass(frozen=True, slots=True)
class FamilyInfo:
    """One case file."""

    name: str
    about: str
    profile: str
    cases: tuple[CaseInfo, ...]


@cache
def families() -> dict[str, FamilyInfo]:
    """Every family by name, in the order of the files."""
    found = {}
    for path in sorted((ROOT / "vectors" / "cases").rglob("*.json")):
        document = json.loads(path.read_text("utf-8"))
        name = document["family"]
        cases = tuple(
            CaseInfo(
                case["id"],
                case["title"],
                name,
                case["profile"],
                tuple(case["clauses"]),
                tuple(case["requires"]),
                len(json.dumps(case)),
            )
            for case in document["cases"]
        )
        found[name] = FamilyInfo(name, document["about"], cases[0].profile, cases)
    return found


@cache
def cases() -> dict[str, CaseInfo]:
    """Every case by id."""
    return {case.id: case for family in families().values() for case in family.cases}


@cache
def families_of(clause: str) -> dict[str, list[CaseInfo]]:
    """The cases that name a clause, by family."""
    found: dict[str, list[CaseInfo]] = {}
    for case in cases().values():
        if clause in case.clauses:
            found.setdefault(case.family, []).append(case)
    return found


@cache
def report(name: str) -> dict[str, Any]:
    """A condensed report, as `docs/results/make_data.py` writes it."""
    document: dict[str, Any] = json.loads((REPORTS / f"{name}.json").read_text("utf-8"))
    return document


@cache
def digest() -> str:
    """The digest of the vectors as they are now."""
    return vectors_digest(ROOT / "vectors")
