"""Condense JSON reports of full runs into what the site shows: `make_data.py NAME=REPORT ...`.

Counts by profile and clause are kept; failures that are alike are kept once, with their number and the shortest case.
"""  # noqa: INP001 - a program

import json
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Final

from datawal_conformance.run import vectors_digest
from datawal_conformance.verdict import AGAINST, Outcome

HERE: Final = Path(__file__).resolve().parent
_EXPLAINED: Final = AGAINST | {Outcome.KNOWN_DEVIATION}
_VARYING: Final = re.compile(r"[0-9a-f]{6,}|\d+|'[^']*'")
_SHAPE: Final = 80
_LONGEST: Final = 300


def case_sizes() -> dict[str, int]:
    """Length of the JSON of every case by its id: the measure of "shortest"."""
    sizes = {}
    for path in (HERE.parents[1] / "vectors" / "cases").rglob("*.json"):
        for case in json.loads(path.read_text("utf-8"))["cases"]:
            sizes[case["id"]] = len(json.dumps(case))
    return sizes


def condense(report: dict[str, Any], sizes: dict[str, int]) -> dict[str, Any]:
    """What the site needs of a report."""
    clauses: dict[str, Counter[str]] = defaultdict(Counter)
    alike: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for case in report["cases"]:
        for clause in case["clauses"]:
            clauses[clause][case["outcome"]] += 1
        if case["outcome"] in _EXPLAINED:
            family = re.split("[@/]", case["id"])[0]
            shape = _VARYING.sub("*", case["message"])[:_SHAPE]
            alike[", ".join(case["clauses"]), family, shape].append(case)
    kept = ("implementation", "version", "language", "capabilities")
    return {
        **{name: report["adapter"][name] for name in kept},
        "kit": report["kit"],
        "started": report["started"],
        "filtered": report["filtered"],
        "exit_code": report["exit_code"],
        "counts": report["counts"],
        "profiles": report["profiles"],
        "clauses": {clause: dict(sorted(counts.items())) for clause, counts in sorted(clauses.items())},
        "failures": [_group(family, cases, sizes) for (_, family, _), cases in sorted(alike.items())],
    }


def _group(family: str, cases: list[dict[str, Any]], sizes: dict[str, int]) -> dict[str, Any]:
    shortest = min(cases, key=lambda case: (sizes.get(case["id"], sys.maxsize), case["id"]))
    message = shortest["message"]
    return {
        "clauses": shortest["clauses"],
        "family": family,
        "count": len(cases),
        "shortest": shortest["id"],
        "outcome": shortest["outcome"],
        "message": message if len(message) <= _LONGEST else message[:_LONGEST] + " ...",
    }


def main() -> None:
    """Write one file for each NAME=REPORT; with `--check`, exit 1 when the files were made with other vectors."""
    if sys.argv[1:] == ["--check"]:
        now = vectors_digest(HERE.parents[1] / "vectors")
        for path in sorted((HERE / "data").glob("*.json")):
            then = json.loads(path.read_text("utf-8"))["kit"]["vectors"]
            if then != now:
                sys.exit(f"{path.name} was made with vectors {then}, they are now {now}: run both and condense anew")
        return
    sizes = case_sizes()
    for argument in sys.argv[1:]:
        name, _, path = argument.partition("=")
        report = json.loads(Path(path).read_text("utf-8"))
        if report["filtered"] or report["interrupted"] or report["gave_up"]:
            sys.exit(f"{path}: the run was not a full one")
        text = json.dumps(condense(report, sizes), indent=1, ensure_ascii=True) + "\n"
        (HERE / "data" / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
