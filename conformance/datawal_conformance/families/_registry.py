"""What must outlive a change: the ids of cases, and the clause texts the cases were written for.

`registry/ids.txt` lists every id ever published, `registry/retired.toml` those that are gone and why, and
`registry/clauses.json` the digest of each clause's text when its cases were last read. `write` adds new ids, but
never drops one, and stops at a clause that changed until somebody says that its cases were read again.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from datawal_conformance.families._model import natural
from datawal_spec import all_clauses


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry as it lies on disk: `published` ids, `retired` ids with reasons, `reviewed` clause digests."""

    published: frozenset[str]
    retired: Mapping[str, str]
    reviewed: Mapping[str, str]

    @classmethod
    def load(cls, folder: Path) -> "Registry":
        """Read the registry; an absent file is an empty one."""
        ids, retired, clauses = folder / "ids.txt", folder / "retired.toml", folder / "clauses.json"
        entries = tomllib.loads(retired.read_text("utf-8")).get("retired", []) if retired.exists() else []
        return cls(
            frozenset(ids.read_text("utf-8").split()) if ids.exists() else frozenset(),
            {entry["id"]: entry["reason"] for entry in entries},
            json.loads(clauses.read_text("utf-8")) if clauses.exists() else {},
        )

    def id_problems(self, ids: Iterable[str], *, complete: bool) -> list[str]:
        """What is wrong with these ids of cases; with `complete`, new ones must be published already."""
        present = set(ids)
        gone = self.published - present - self.retired.keys()
        problems = [f"case {case_id} is gone and not in retired.toml; ids are permanent" for case_id in gone]
        problems += [f"case {case_id} is retired and may not come back" for case_id in present & self.retired.keys()]
        problems += [f"retired.toml: {case_id} gives no reason" for case_id, why in self.retired.items() if not why]
        if complete:
            problems += [f"case {case_id} is not in ids.txt" for case_id in present - self.published]
        return sorted(problems, key=natural)

    def clause_problems(self, cases_by_clause: Mapping[str, Sequence[str]]) -> list[str]:
        """The clauses whose text is not the one their cases were last read against, with the cases to read."""
        problems = []
        for clause in all_clauses().values():
            if self.reviewed.get(clause.id) not in {None, clause.digest}:
                cases = cases_by_clause.get(clause.id, ())
                shown = ", ".join(cases[:20]) + (f" and {len(cases) - 20} more" if len(cases) > 20 else "")  # noqa: PLR2004
                problems.append(
                    f"clause {clause.id} changed; read its {len(cases)} cases ({shown or 'none'}), "
                    f"then write with --reviewed {clause.id}"
                )
        return problems


def registry_files(registry: Registry, ids: Iterable[str], reviewed: Iterable[str]) -> dict[str, str]:
    """The texts of the registry's files after these ids were published and these clauses were reviewed."""
    digests = {
        clause.id: clause.digest
        if clause.id in set(reviewed) or clause.id not in registry.reviewed
        else registry.reviewed[clause.id]
        for clause in all_clauses().values()
    }
    published = sorted(registry.published | set(ids), key=natural)
    return {"ids.txt": "\n".join(published) + "\n", "clauses.json": json.dumps(digests, indent=1) + "\n"}
