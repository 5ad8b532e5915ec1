"""The commands beside run: each does what its help says, and says what is wrong when it cannot."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from datawal_conformance.exitcodes import ExitCode
from datawal_conformance.protocol import CAPABILITIES

from .conftest import FRAME, REFERENCE, case, cli, report_of, run, write_cases, zoo_command


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
