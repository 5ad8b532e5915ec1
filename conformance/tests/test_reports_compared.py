"""`diff` and `matrix`: reports beside each other."""

import json
from pathlib import Path

import pytest

from datawal_conformance.exitcodes import ExitCode

from .conftest import case, cli, report_of, run, write_cases


def test_diff_tells_regressions_from_fixes(vectors: Path, tmp_path: Path):
    good, bad = (
        report_of(vectors, "honest", tmp_path / "g.json"),
        report_of(vectors, "dies_in_case", tmp_path / "b.json"),
    )
    worse, better, same = cli("diff", good, bad), cli("diff", bad, good), cli("diff", bad, bad)
    assert worse[0] is ExitCode.NOT_CONFORMANT
    assert "regressions: 1\n  recovery.bad@n=3: passed -> crashed" in worse[1]
    assert better[0] is ExitCode.CONFORMANT
    assert "fixes: 1\n  recovery.bad@n=3: crashed -> passed" in better[1]
    assert same[1] == "no difference in 3 cases\n"


def test_diff_tells_new_and_gone_cases(vectors: Path, tmp_path: Path):
    old = report_of(vectors, "honest", tmp_path / "old.json")
    write_cases(vectors, [case("recovery.hand@n=1"), case("recovery.fresh@n=1")])
    _code, out, _err = cli("diff", old, report_of(vectors, "honest", tmp_path / "new.json"))
    assert "new cases: 1\n  recovery.fresh@n=1: passed" in out
    assert "gone cases: 2" in out


def cut_short(report: Path, target: Path, cut: dict[str, object], keep: int = 1) -> Path:
    """The same report as if its run had ended behind the first cases, by a kit that did not count the chosen ones."""
    document = json.loads(report.read_text())
    document["cases"] = document["cases"][:keep]
    del document["chosen"]
    target.write_text(json.dumps(document | cut))
    return target


@pytest.mark.parametrize(
    ("cut", "why"),
    [
        ({"interrupted": True}, "the run was interrupted"),
        ({"filtered": True}, "a filter left cases out"),
        ({"interrupted": True, "filtered": True}, "the run was interrupted and a filter left cases out"),
    ],
)
def test_diff_counts_what_a_partial_report_lacks_and_lists_none_of_it(
    vectors: Path, tmp_path: Path, cut: dict[str, object], why: str
):
    whole = report_of(vectors, "honest", tmp_path / "whole.json")
    part = cut_short(whole, tmp_path / "part.json", cut)
    code, out, _err = cli("diff", whole, part)
    said = f"{part}: {why}; 2 cases of the other report are not in it"
    assert (code, out) == (ExitCode.CONFORMANT, f"{said}\nno difference in 1 case\n")
    code, out, _err = cli("diff", part, whole)
    assert (code, out) == (ExitCode.CONFORMANT, f"{said}\nno difference in 1 case\n")


def test_diff_shows_what_fails_beyond_a_partial_report(vectors: Path, tmp_path: Path):
    whole = report_of(vectors, "dies_in_case", tmp_path / "whole.json")
    part = cut_short(whole, tmp_path / "part.json", {"filtered": True})
    code, out, _err = cli("diff", part, whole)
    assert code is ExitCode.NOT_CONFORMANT
    assert "new cases: 1\n  recovery.bad@n=3: crashed" in out


@pytest.mark.parametrize("cut", [{"interrupted": True}, {"gave_up": "too much broke"}, {"filtered": True}])
def test_matrix_does_not_call_a_partial_report_conformant_without_a_word(
    vectors: Path, tmp_path: Path, cut: dict[str, object]
):
    whole = report_of(vectors, "honest", tmp_path / "whole.json")
    part = cut_short(whole, tmp_path / "part.json", cut)
    _code, out, err = cli("matrix", part)
    assert f"{part}: " in err
    assert "it tells only of what ran" in err
    assert ("conformant" in out) is ("filtered" in cut), "how large a profile is, these vectors do not say"


def test_matrix_says_what_standing_the_run_gave(vectors: Path, tmp_path: Path):
    """Three cases were to run and the run ended at the first failure: the profile of the others is not complete."""
    report = tmp_path / "r.json"
    other = case("wire.hand@n=1", profile="wire", clauses={"WIRE-1": "0" * 12})
    write_cases(vectors, [other, case("recovery.bad@n=1"), case("wire.hand@n=2", profile="wire")])
    run(vectors, "dies_in_case", "--fail-fast", "--jobs", "1", "--report", f"json:{report}")
    row = next(line for line in cli("matrix", report)[1].splitlines() if line.startswith("wire"))
    assert "incomplete" in row


def test_matrix_puts_reports_side_by_side(vectors: Path, tmp_path: Path):
    good, bad = (
        report_of(vectors, "honest", tmp_path / "g.json"),
        report_of(vectors, "dies_in_case", tmp_path / "b.json"),
    )
    code, out, _err = cli("matrix", good, bad)
    assert code is ExitCode.CONFORMANT
    row = next(line for line in out.splitlines() if line.startswith("recovery"))
    assert row.split() == ["recovery", "conformant", "3/3", "not", "conformant", "2/3"]


@pytest.mark.parametrize("text", ["{", "[]", '{"report": 1}'])
def test_broken_report_is_refused_by_name(tmp_path: Path, text: str):
    path = tmp_path / "broken.json"
    path.write_text(text)
    code, _out, err = cli("matrix", path)
    assert code is ExitCode.USAGE
    assert "broken.json" in err
