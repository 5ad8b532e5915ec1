"""For every MUST there is a broken variant of the reference, and the cases of its clause catch it."""

import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

from datawal_conformance._resources import vectors_dir
from datawal_conformance.case import Case, load_cases
from datawal_conformance.run import RunOptions, run_cases
from datawal_conformance.verdict import Outcome
from datawal_spec import Level, all_clauses

HERE = Path(__file__).parent
FOLDER = HERE / "zoo" / "variants"

sys.path.insert(0, str(FOLDER))
from _all import VARIANTS  # noqa: E402  (a folder of programs, no package)

WAIVERS = {item["clause"]: item["reason"] for item in tomllib.loads((HERE / "waivers.toml").read_text())["waiver"]}

# What the vectors cannot show, and a profile of its own will: nothing here asks for it.
ELSEWHERE = {"durability"}


@cache
def every_case() -> list[Case]:
    return load_cases(vectors_dir())


def cases_of(clause: str) -> list[Case]:
    """The cases of a clause, the big ones last: a run ends at the first failure."""
    return sorted((case for case in every_case() if clause in case.clauses), key=lambda case: case.data_len > 1 << 20)


def required() -> list[str]:
    return [
        clause.id
        for clause in all_clauses().values()
        if clause.level is Level.MUST and clause.profile.name not in ELSEWHERE
    ]


def test_every_must_has_a_variant_or_a_waiver():
    broken = {variant.clause for variant in VARIANTS.values()}
    assert [clause for clause in required() if clause not in broken and clause not in WAIVERS] == []


def test_waivers_are_needed_and_give_a_reason():
    broken = {variant.clause for variant in VARIANTS.values()}
    assert [clause for clause in WAIVERS if clause in broken or clause not in required()] == []
    assert all(len(reason) > 20 for reason in WAIVERS.values())


def test_variants_break_existing_clauses():
    assert [variant.name for variant in VARIANTS.values() if variant.clause not in all_clauses()] == []


@pytest.mark.parametrize("name", VARIANTS)
def test_cases_of_the_clause_catch_its_variant(name: str):
    cases = cases_of(VARIANTS[name].clause)
    assert cases, f"no case tests {VARIANTS[name].clause}"
    options = RunOptions([sys.executable, str(FOLDER), name], timeout=20, max_failures=1, filtered=True)
    record = run_cases(cases, options, [], "", lambda _result: None)
    assert record.gave_up == ""
    assert record.incidents == []
    assert Outcome.FAILED in {result.outcome for result in record.results}, "no case of the clause noticed"
