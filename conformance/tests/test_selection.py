"""Which cases run: filters, shards, earlier reports, and what is said when none is left."""

import json
from pathlib import Path

import pytest

from datawal_conformance.exitcodes import ExitCode

from .conftest import case, cli, report_of, run, write_cases


def test_shards_part_the_cases(vectors: Path):
    parts = [cli("list", "--vectors", vectors, "--shard", f"{number}/2")[1].split() for number in (1, 2)]
    assert sorted(parts[0] + parts[1]) == sorted(cli("list", "--vectors", vectors)[1].split())
    assert not set(parts[0]) & set(parts[1])


@pytest.mark.parametrize("shard", ["0/2", "3/2", "x", "1/0", "1"])
def test_impossible_shard_is_refused(vectors: Path, shard: str):
    code, _out, err = cli("list", "--vectors", vectors, "--shard", shard)
    assert code is ExitCode.USAGE
    assert "I/N" in err


def test_outcome_of_an_earlier_report_filters(vectors: Path, tmp_path: Path):
    report = report_of(vectors, "dies_in_case", tmp_path / "r.json")
    assert cli("list", "--vectors", vectors, "--outcome", f"crashed:{report}")[1] == "recovery.bad@n=3\n"


def test_big_cases_can_be_left_out(vectors: Path):
    big = case("recovery.hand/big", given={"log/00000001.dwal": {"fill": "00", "len": 2_000_000}})
    write_cases(vectors, [big, case("recovery.hand/small")])
    assert cli("list", "--vectors", vectors, "--no-big")[1] == "recovery.hand/small\n"


def test_fail_fast_ends_at_the_first_failure(vectors: Path, tmp_path: Path):
    write_cases(vectors, [case(f"recovery.bad@n={number}") for number in range(200)])
    path = tmp_path / "r.json"
    code, _out, _err = run(vectors, "declares_and_refuses", "--fail-fast", "--report", f"json:{path}")
    assert code is ExitCode.NOT_CONFORMANT
    assert json.loads(path.read_text())["counts"] == {"failed": 1}


def test_failed_first_begins_with_what_failed(vectors: Path, tmp_path: Path):
    report = report_of(vectors, "dies_in_case", tmp_path / "r.json")
    trace = tmp_path / "trace"
    run(vectors, "honest", "--failed-first", report, "--trace", trace)
    requests = [line for line in trace.read_bytes().splitlines() if b'"steps"' in line]
    assert b"recovery.bad@n=3" in requests[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--id", "recovery.hand"], "close: recovery.hand@n=1, recovery.hand@n=2; for all: --id 'recovery.hand@*'"),
        (["--id", "recovery.hnad@n=1"], "close: recovery.hand@n=1"),
        (["--id", "quite.else"], "no case matches 'quite.else'; see: datawal-conformance list"),
        (["--clause", "DUR-1"], "DUR-1 has no cases (see: datawal-conformance coverage)"),
        (["--clause", "DUR-1", "--clause", "DUR-2"], "DUR-1, DUR-2 have no cases"),
        (["--profile", "durability"], "no cases in durability"),
        (["--id", "*bad*", "--clause", "REC-1", "--no-big", "--outcome", "failed:R"],
         "no case fits --clause REC-1 and --id *bad* and --outcome and --no-big"),
        (["--shard", "4/4"], "this shard has no part in so few cases"),
    ],
)  # fmt: skip
def test_why_nothing_was_chosen_is_said(vectors: Path, tmp_path: Path, arguments: list[str], said: str):
    report = report_of(vectors, "honest", tmp_path / "r.json")
    arguments = [text.replace("failed:R", f"failed:{report}") for text in arguments]
    code, out, err = cli("list", "--vectors", vectors, *arguments)
    assert said in err
    assert (code, out) == (ExitCode.NOTHING_RAN, "")


def test_pattern_that_matches_nothing_beside_one_that_does_is_refused(vectors: Path):
    code, out, err = cli("list", "--vectors", vectors, "--id", "recovery.hand@*", "--id", "recovery.bda@*")
    assert (code, out) == (ExitCode.USAGE, "")
    assert "no case matches 'recovery.bda@*'; close: recovery.bad@n=3" in err


def test_pattern_whose_cases_another_filter_leaves_out_is_fine(vectors: Path):
    code, out, _err = cli("list", "--vectors", vectors, "--id", "*n=1", "--id", "*n=2", "--shard", "1/2")
    assert (code, out) == (ExitCode.CONFORMANT, "recovery.hand@n=1\n")


@pytest.mark.parametrize(
    ("clause", "said"),
    [
        ("REC-99", "there are REC-1 to REC-"),
        ("rec-1", "it is written REC-1"),
        ("FOO-1", "clauses begin with WIRE, SEG, "),
    ],
)
def test_unknown_clause_names_its_neighbours(vectors: Path, clause: str, said: str):
    code, _out, err = cli("list", "--vectors", vectors, "--clause", clause)
    assert code is ExitCode.USAGE
    assert said in err
