"""The commands beside run: each does what its help says, and says what is wrong when it cannot."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from datawal_conformance.exitcodes import ExitCode
from datawal_conformance.protocol import CAPABILITIES
from datawal_spec import build_frame

from .conftest import case, cli, run, write_cases, zoo_command

REFERENCE = [sys.executable, str(Path(__file__).parents[1] / "adapters/python/adapter.py")]
FRAME = build_frame(0, 1, b"", b"alpha").hex()


def report_of(vectors: Path, name: str, target: Path) -> Path:
    run(vectors, name, "--report", f"json:{target}")
    return target


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


def test_show_explains_a_case(vectors: Path):
    write_cases(vectors, [case("recovery.hand@n=1", given={"log/00000001.dwal": FRAME}, then={"files": "unchanged"})])
    code, out, _err = cli("show", "recovery.hand@n=1", "--vectors", vectors)
    assert code is ExitCode.CONFORMANT
    assert "REC-1 (MUST): Opening a log scans every segment" in out
    assert "59e778f6" in out
    assert 'expect {"ok": {}}' in out


def test_show_of_an_unknown_case_names_close_ones(vectors: Path):
    code, _out, err = cli("show", "recovery.hand@n=9", "--vectors", vectors)
    assert code is ExitCode.USAGE
    assert "close: recovery.hand@n=1, recovery.hand@n=2" in err


def test_repro_folder_repeats_the_case_with_the_adapter_alone(vectors: Path, tmp_path: Path):
    steps = [
        {"op": "open_log", "path": "log", "expect": {"ok": {"report": {"records_replayed": 1}}}},
        {"do": "overwrite", "path": "log/00000001.dwal", "offset": 28, "bytes": "00"},
        {"op": "scan", "expect": {"ok": {"records": []}}},
    ]
    write_cases(vectors, [case("recovery.hand@n=1", given={"log/00000001.dwal": FRAME}, steps=steps)])
    folder = tmp_path / "repro"
    assert cli("repro", "recovery.hand@n=1", "-o", folder, "--vectors", vectors)[0] is ExitCode.CONFORMANT
    result = subprocess.run(
        [sys.executable, "-I", folder / "repro.py", *REFERENCE], capture_output=True, text=True, check=True
    )
    assert '"records_replayed": 1' in result.stdout
    assert '"records": []' in result.stdout
    assert "runner:" in result.stdout
    assert (folder / "given/log/00000001.dwal").read_bytes().hex() == FRAME


def test_repro_exits_with_1_when_an_answer_differs(vectors: Path, tmp_path: Path):
    steps = [{"op": "open_log", "path": "log", "expect": {"ok": {"report": {"records_replayed": 2}}}}]
    write_cases(vectors, [case("recovery.hand@n=1", given={"log/00000001.dwal": FRAME}, steps=steps)])
    cli("repro", "recovery.hand@n=1", "-o", tmp_path / "repro", "--vectors", vectors)
    command = [sys.executable, "-I", tmp_path / "repro/repro.py", *REFERENCE]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "at       step 1 open_log log, report.records_replayed\n    expected 2\n    found    1\n" in result.stdout


def repeat(vectors: Path, tmp_path: Path, command: list[str], **members: object) -> subprocess.CompletedProcess[str]:
    """Make a case, and run its folder with nothing of the kit."""
    write_cases(vectors, [case("recovery.hand@n=1", **members)])
    cli("repro", "recovery.hand@n=1", "-o", tmp_path / "repro", "--vectors", vectors)
    (tmp_path / "temporary").mkdir()
    return subprocess.run(
        [sys.executable, "-I", tmp_path / "repro/repro.py", *command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
        timeout=60,
    )


OPEN = {"op": "open_log", "path": "log", "expect": {"ok": {}}}
RECORD = {"type": "raw", "txid": 1, "key": "", "payload": "616c706861", "segment": 1, "offset": 0, "len": 33}


@pytest.mark.parametrize(
    ("expect", "difference"),
    [
        ({"error": {"kind": "crc_mismatch"}}, "answer\n    expected error crc_mismatch\n"),
        ({"ok": {"records": []}}, "records\n    expected 0 entries\n    found    1 entries\n"),
        ({"ok": {"records": [RECORD | {"txid": 2}]}}, "records[0].txid\n    expected 2\n    found    1\n"),
        ({"ok": {"keys": []}}, "keys\n    expected []\n    found    no such member\n"),
        ({"one_of": {"a": {"ok": {"records": []}}, "b": {"error": {"kind": "io"}}}}, "answer, if it b\n"),
    ],
)
def test_repro_says_what_differs(vectors: Path, tmp_path: Path, expect: object, difference: str):
    steps = [OPEN, {"op": "scan", "expect": expect}, {"op": "close"}]
    result = repeat(vectors, tmp_path, REFERENCE, given={"log/00000001.dwal": FRAME}, steps=steps)
    assert f"at       step 2 scan, {difference}" in result.stdout
    assert result.returncode == 1


@pytest.mark.parametrize(
    ("expect", "place"),
    [
        ({"kind": "io"}, "error.kind\n    expected io\n    found    bad_magic"),
        ({"kind": "bad_magic", "offset": 3}, "error.offset\n    expected 3\n    found    0"),
        ({"message": "no such words"}, "error.message\n    expected a message that matches"),
    ],
)
def test_repro_holds_an_error_to_its_kind_and_place(vectors: Path, tmp_path: Path, expect: object, place: str):
    steps = [{"op": "open_log", "path": "log", "expect": {"error": expect}}]
    result = repeat(vectors, tmp_path, REFERENCE, given={"log/00000001.dwal": "58" * 40}, steps=steps)
    assert place in result.stdout


@pytest.mark.parametrize(
    ("files", "difference"),
    [
        (
            {"log/00000001.dwal": "00"},
            "expected 00 at byte 0 (1 bytes in all)\n    found    4457414c01000000 at byte 0",
        ),
        ({"other": "00"}, "other\n    expected a file of 1 bytes\n    found    nothing there"),
        ({"log": None, "log/00000001.dwal": None}, "log\n    expected nothing there\n    found    a directory"),
        ({"log/.lock": {"matches": "x"}}, "log/.lock\n"),
    ],
)
def test_repro_compares_the_files(vectors: Path, tmp_path: Path, files: object, difference: str):
    members = {"given": {"log/00000001.dwal": FRAME}, "steps": [OPEN], "then": {"files": files}}
    result = repeat(vectors, tmp_path, REFERENCE, **members)
    assert difference in result.stdout
    assert result.returncode == 1


@pytest.mark.parametrize("files", ["unchanged", {"log/00000001.dwal": FRAME, "log/.lock": {"any": True}}])
def test_repro_leaves_nothing_behind_when_all_agrees(vectors: Path, tmp_path: Path, files: object):
    given = {"log/00000001.dwal": FRAME, "pipe": {"fifo": True}, "s": {"socket": True}, "link": {"symlink": "log"}}
    result = repeat(vectors, tmp_path, REFERENCE, given=given, steps=[OPEN], then={"files": files})
    assert result.returncode == 0, result.stdout + result.stderr
    assert list((tmp_path / "temporary").iterdir()) == []


def test_repro_says_where_it_left_the_files_when_something_differs(vectors: Path, tmp_path: Path):
    result = repeat(vectors, tmp_path, REFERENCE, steps=[OPEN], then={"files": "unchanged"})
    [left] = (tmp_path / "temporary").iterdir()
    assert f"files are left in {left}/case" in result.stdout
    assert (left / "case/log/00000001.dwal").exists()


def test_repro_compares_what_the_runner_checks_in_between(vectors: Path, tmp_path: Path):
    steps = [OPEN, {"do": "check", "files": {"log/00000001.dwal": "00"}}]
    result = repeat(vectors, tmp_path, REFERENCE, steps=steps)
    assert "at       step 2, log/00000001.dwal" in result.stdout


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        (["./no-such-adapter"], 3, "repro: cannot start './no-such-adapter': No such file or directory"),
        (zoo_command("dies_at_start"), 1, "repro: the adapter ended without an answer, status 7"),
        (zoo_command("hello_not_json"), 1, "repro: expected one JSON object a line, found b'ready!"),
        ([], 2, "python3 repro.py ADAPTER"),
    ],
)
def test_repro_tells_an_adapter_that_cannot_be_used(
    vectors: Path, tmp_path: Path, command: list[str], code: int, message: str
):
    result = repeat(vectors, tmp_path, command)
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.returncode == code


def test_repro_names_the_adapter_it_was_given(vectors: Path, tmp_path: Path):
    target = tmp_path / "my repro"
    arguments = ["repro", "recovery.hand@n=1", "-o", target, "--vectors", vectors]
    _code, out, _err = cli(*arguments, "--", "./adapter", "--data dir")
    assert f"run it: python3 '{target}/repro.py' ./adapter '--data dir'\n" in out


def test_repro_does_not_overwrite(vectors: Path, tmp_path: Path):
    code, _out, err = cli("repro", "recovery.hand@n=1", "-o", tmp_path, "--vectors", vectors)
    assert code is ExitCode.USAGE
    assert "exists" in err


def test_doctor_passes_the_reference():
    code, out, _err = cli("doctor", "--", *REFERENCE)
    assert code is ExitCode.CONFORMANT
    assert "WRONG" not in out
    assert "skip" not in out


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("dies_at_start", "exited with status 7"),
        ("hello_of_another_protocol", "expected protocol 1, found 2"),
        ("honest", "expected unsupported, found"),
        ("unsupports_all", "expected an error, found"),
        ("dies_in_every_case", "ended by signal 6"),
        ("speaks_after_the_end", "unasked"),
    ],
)
def test_doctor_tells_what_an_adapter_does_wrong(name: str, what: str):
    code, out, _err = cli("doctor", "--", *zoo_command(name))
    assert code is ExitCode.ADAPTER_BROKEN
    assert "WRONG" in out
    assert what in out


def test_doctor_without_a_command_is_refused():
    code, _out, err = cli("doctor")
    assert code is ExitCode.USAGE
    assert "behind --" in err


def test_doctor_names_a_command_that_cannot_start():
    code, out, _err = cli("doctor", "--", "/no/such/adapter")
    assert code is ExitCode.ADAPTER_BROKEN
    assert "cannot start '/no/such/adapter'" in out


def test_skeleton_of_init_passes_doctor(tmp_path: Path):
    assert cli("init", "python", tmp_path / "mine")[0] is ExitCode.CONFORMANT
    code, out, _err = cli("doctor", "--", sys.executable, tmp_path / "mine/adapter.py")
    assert code is ExitCode.CONFORMANT, out
    assert "no capability yet" in out


def test_skeleton_of_init_runs_and_claims_nothing(vectors: Path, tmp_path: Path):
    cli("init", "python", tmp_path / "mine")
    code, _out, _err = cli("run", "--vectors", vectors, "--", sys.executable, tmp_path / "mine/adapter.py")
    assert code is ExitCode.NOTHING_RAN


@pytest.mark.parametrize("arguments", [["go"], ["go", "mine"]])
def test_init_of_a_language_without_a_skeleton_says_where_to_read(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit) as caught:
        cli("init", *arguments)
    assert caught.value.code == ExitCode.USAGE
    told = capsys.readouterr().err
    for target in ("conformance/PROTOCOL.md", "docs/guides/adapter.rst"):
        assert target in told
        assert (Path(__file__).parents[2] / target).exists()


def test_skeleton_of_init_names_every_capability(tmp_path: Path):
    cli("init", "python", tmp_path)
    for capability in CAPABILITIES:
        assert f'"{capability}"' in (tmp_path / "adapter.py").read_text()


def test_init_does_not_overwrite(tmp_path: Path):
    cli("init", "python", tmp_path)
    (tmp_path / "adapter.py").write_text("mine")
    code, _out, err = cli("init", "python", tmp_path)
    assert code is ExitCode.USAGE
    assert "exists" in err
    assert (tmp_path / "adapter.py").read_text() == "mine"


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


def test_coverage_marks_clauses_without_a_case(vectors: Path):
    code, out, err = cli("coverage", "--vectors", vectors)
    assert code is ExitCode.NOT_CONFORMANT
    assert "REC-1    MUST       3 cases" in out
    assert "WIRE-1   MUST       0 cases   <-- no case" in out
    assert re.search(r"\d+ MUST clauses have no case: WIRE-1 to WIRE-\d+, ", err)


def test_coverage_shows_outcomes_of_real_runs(vectors: Path, tmp_path: Path):
    report = report_of(vectors, "dies_in_case", tmp_path / "r.json")
    _code, out, _err = cli("coverage", report, "--vectors", vectors)
    assert "REC-1    MUST       3 cases | zoo 1: 1 crashed, 2 passed" in out


def test_deviations_update_makes_a_file_that_the_next_run_accepts(vectors: Path, tmp_path: Path):
    path = tmp_path / "deviations.toml"
    command = zoo_command("dies_in_case")
    code, _out, err = cli("deviations", "update", path, "--vectors", vectors, "--", *command)
    assert code is ExitCode.CONFORMANT
    assert "1 entries have no reason yet" in err
    assert run(vectors, "dies_in_case", "--deviations", path)[0] is ExitCode.CONFORMANT
    cli("deviations", "update", path, "--vectors", vectors, "--", *zoo_command("honest"))
    assert path.read_text() == ""


def test_deviations_update_leaves_the_file_when_the_adapter_is_broken(vectors: Path, tmp_path: Path):
    path = tmp_path / "deviations.toml"
    path.write_text("")
    code, _out, err = cli(
        "deviations", "update", path, "--vectors", vectors, "--", *zoo_command("speaks_after_the_end")
    )
    assert code is ExitCode.ADAPTER_BROKEN
    assert "left as it is" in err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_names_every_command(shell: str):
    _code, out, _err = cli("completion", shell)
    for word in ("doctor", "matrix", "deviations"):
        assert word in out


def test_completion_of_bash_is_valid_bash(tmp_path: Path):
    script = tmp_path / "completion.bash"
    script.write_text(cli("completion", "bash")[1])
    probe = "COMP_WORDS=(datawal-conformance run --fail); COMP_CWORD=2; _datawal_conformance; echo ${COMPREPLY[@]}"
    result = subprocess.run(["bash", "-c", f"source {script}; {probe}"], capture_output=True, text=True, check=True)
    assert set(result.stdout.split()) == {"--fail-fast", "--failed-first"}
