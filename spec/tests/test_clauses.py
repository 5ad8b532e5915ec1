"""The clauses are complete, unique and well formed."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from datawal_spec import Level, Profile, all_clauses, all_profiles


def test_every_profile_of_the_specification_has_clauses():
    assert list(all_profiles()) == [
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
    ]


def test_every_clause_file_is_loaded():
    names = {item.name.removesuffix(".toml") for item in files("datawal_spec").joinpath("clauses").iterdir()}
    assert names == set(all_profiles())


@pytest.mark.parametrize("profile", all_profiles().values(), ids=lambda profile: profile.name)
def test_ids_of_a_profile_count_from_one_without_gap(profile: Profile):
    ids = [clause.id for clause in all_clauses().values() if clause.profile == profile]
    assert ids == [f"{profile.prefix}-{number}" for number in range(1, len(ids) + 1)]


def test_clauses_are_sentences():
    assert all(re.fullmatch(r"[A-Za-z\d{].*\.", clause.text, re.DOTALL) for clause in all_clauses().values())


def test_no_two_clauses_say_the_same():
    texts = [clause.text for clause in all_clauses().values()]
    assert len(set(texts)) == len(texts)


def test_digest_depends_on_the_text():
    digests = {clause.digest for clause in all_clauses().values()}
    assert len(digests) == len(all_clauses())
    assert all(re.fullmatch(r"[0-9a-f]{12}", digest) for digest in digests)


def test_most_clauses_are_requirements():
    levels = [clause.level for clause in all_clauses().values()]
    assert levels.count(Level.MUST) > len(levels) * 0.9


def test_the_page_of_judgement_repeats_its_clauses():
    """Their place is the page of the frame, for an anchor exists once; here they are in the order they are needed."""
    page = Path(__file__).parents[2] / "docs" / "spec" / "judgement.rst"
    text = " ".join(re.sub(r":clause:`([A-Z0-9-]+)`", r"\1", page.read_text("utf-8")).split())
    for number in range(15, 27):
        clause = all_clauses()[f"WIRE-{number}"]
        assert f"* - {clause.id} - {clause.level} - {clause.text}" in text
