"""The numbered clauses, read from `clauses/*.toml`.

A clause is one requirement with a permanent id. Ids are never reused and never renumbered.
"""

import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files


class Level(StrEnum):
    """How binding a clause is, in the words of RFC 2119."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


@dataclass(frozen=True, slots=True)
class Profile:
    """One part of the specification that an implementation may conform to on its own.

    `prefix` starts the ids of its clauses, `name` is the word used on the command line and in vectors.
    """

    prefix: str
    name: str
    title: str
    summary: str


@dataclass(frozen=True, slots=True)
class Clause:
    """One requirement: permanent id, level, profile and text."""

    id: str
    level: Level
    profile: Profile
    text: str

    @property
    def digest(self) -> str:
        """First 12 hex digits of the SHA-256 of the text: what a case pins to notice a change."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]


_FILES = (
    "wire",
    "segments",
    "recovery",
    "writer",
    "reader",
    "lock",
    "poison",
    "kv",
    "compaction",
    "export",
    "durability",
    "safety",
)


def _load(name: str) -> Iterator[Clause]:
    document = tomllib.loads(files("datawal_spec").joinpath("clauses", f"{name}.toml").read_text("utf-8"))
    profile = Profile(document["prefix"], name, document["title"], " ".join(document["summary"].split()))
    for entry in document["clause"]:
        clause = Clause(entry["id"], Level(entry["level"]), profile, " ".join(entry["text"].split()))
        if clause.id.rpartition("-")[0] != profile.prefix:
            msg = f"clause {clause.id} stands in the file of profile {profile.name} ({profile.prefix}-...)"
            raise ValueError(msg)
        yield clause


@cache
def all_clauses() -> dict[str, Clause]:
    """Every clause by id, in the order of the specification; raises ValueError on a repeated id."""
    clauses: dict[str, Clause] = {}
    for name in _FILES:
        for clause in _load(name):
            if clause.id in clauses:
                msg = f"clause {clause.id} is defined twice"
                raise ValueError(msg)
            clauses[clause.id] = clause
    return clauses


@cache
def all_profiles() -> dict[str, Profile]:
    """Every profile by name, in the order of the specification."""
    return {clause.profile.name: clause.profile for clause in all_clauses().values()}
