"""`python -m datawal_conformance.families write|check DIR`: make the vectors, or tell where they differ."""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from datawal_conformance.case import SCHEMA, VALIDATED, file_digest, load_cases
from datawal_conformance.families import case_files
from datawal_conformance.families._files import first_difference, write_files
from datawal_conformance.families._golden import golden_files
from datawal_conformance.families._read_only import read_only_files
from datawal_conformance.families._registry import Registry, registry_files


def main(arguments: list[str] | None = None) -> int:
    """Write the vectors below DIR, or compare them; 0 when all is well, 1 when something differs."""
    parser = argparse.ArgumentParser(prog="datawal_conformance.families", description=main.__doc__)
    parser.add_argument("action", choices=["write", "check"])
    parser.add_argument("directory", type=Path, help="the directory that holds cases/, golden/, registry/ and schema/")
    parser.add_argument("--reviewed", action="append", default=[], metavar="CLAUSE", help="its cases were read again")
    chosen = parser.parse_args(arguments)
    vectors: Path = chosen.directory
    files = case_files()
    golden = golden_files(files.values())
    ids, by_clause = _index(files.values())
    read_only = read_only_files(vectors, files.values())
    registry = Registry.load(vectors / "registry")
    writing = chosen.action == "write"
    problems = registry.id_problems(ids, complete=not writing)
    problems += [
        problem
        for problem in registry.clause_problems(by_clause)
        if not any(problem.endswith(f"--reviewed {clause}") for clause in chosen.reviewed)
    ]
    if not problems and not writing:
        wanted = {name: text.encode() for name, text in files.items()}
        problems = [
            problem
            for folder, content in (("cases", wanted), ("golden", golden))
            if (problem := first_difference(vectors / folder, content)) is not None
        ]
        problems += [
            f"{vectors / name}: is not what the read-only cases make it"
            for name, content in read_only.items()
            if not (vectors / name).exists() or (vectors / name).read_bytes() != content
        ]
    if problems:
        for problem in problems:
            print(problem, file=sys.stderr)  # noqa: T201 - a command line prints
        if not writing:
            print("`make vectors` writes what the families make", file=sys.stderr)  # noqa: T201
        return 1
    if writing:
        write_files(vectors / "cases", {name: text.encode() for name, text in files.items()})
        write_files(vectors / "golden", golden)
        for name, text in registry_files(registry, ids, chosen.reviewed).items():
            (vectors / "registry").mkdir(exist_ok=True)
            (vectors / "registry" / name).write_text(text, "utf-8")
        for name, content in read_only.items():
            (vectors / name).write_bytes(content)
        _write_validated(vectors)
        print(f"{len(ids)} cases and {len(golden)} golden files written below {vectors}")  # noqa: T201
    return 0


def _write_validated(vectors: Path) -> None:
    """Note which case files agree with the schema; raises CaseFileError when one does not."""
    target = vectors / VALIDATED
    target.unlink(missing_ok=True)
    if not (vectors / SCHEMA).exists():
        return
    load_cases(vectors)
    files = {
        path.relative_to(vectors).as_posix(): file_digest(path) for path in sorted((vectors / "cases").rglob("*.json"))
    }
    note = {"schema": file_digest(vectors / SCHEMA), "files": files}
    target.write_text(json.dumps(note, indent=1) + "\n", "utf-8")


def _index(texts: Iterable[str]) -> tuple[list[str], dict[str, list[str]]]:
    """All ids, and the ids of the cases of each clause."""
    ids: list[str] = []
    by_clause: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        for case in json.loads(text)["cases"]:
            ids.append(case["id"])
            for clause in case["clauses"]:
                by_clause[clause].append(case["id"])
    return ids, by_clause


if __name__ == "__main__":
    sys.exit(main())
