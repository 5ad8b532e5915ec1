"""The commands beside run: each does what its help says, and says what is wrong when it cannot."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from datawal_conformance.exitcodes import ExitCode
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
    assert b"recovery.bad@n=3" in trace.read_bytes().splitlines()[0]


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
    assert "<-- differs" in result.stdout


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


def test_doctor_blames_the_implementation_for_wrong_bytes(tmp_path: Path):
    adapter = tmp_path / "adapter.py"
    adapter.write_text(
        "import runpy, sys, binascii\n"
        "import datawal._frame as frame\n"
        "frame.crc32c = lambda data, crc=0: binascii.crc32(data, crc)\n"
        f"sys.argv = [{REFERENCE[1]!r}]\n"
        f"runpy.run_path({REFERENCE[1]!r}, run_name='__main__')\n"
    )
    code, out, _err = cli("doctor", "--", sys.executable, adapter)
    assert "(implementation)" in out or code is ExitCode.ADAPTER_BROKEN
    assert "WRONG" in out


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
    assert "MUST clauses have no case" in err


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
