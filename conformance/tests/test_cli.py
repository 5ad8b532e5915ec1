"""The command line: exit codes, messages, reports."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from datawal_conformance.case import SCHEMA, VALIDATED, file_digest
from datawal_conformance.exitcodes import ExitCode

from .conftest import case, cli, run, write_cases


def test_conformant_adapter_exits_0(vectors: Path):
    code, out, _err = run(vectors, "honest")
    assert code is ExitCode.CONFORMANT
    assert "recovery     conformant       3 passed" in out
    assert out.splitlines()[-1].startswith("CONFORMANT: 3 passed in ")


def test_failures_exit_1_and_say_how_to_repeat(vectors: Path):
    code, out, _err = run(vectors, "declares_and_refuses")
    assert code is ExitCode.NOT_CONFORMANT
    assert "REC-1 (MUST): 1 case fails" in out
    assert "repeat: datawal-conformance run --id recovery.bad@n=3 -- " in out


def test_crash_shows_stderr_and_clause(vectors: Path):
    _code, out, _err = run(vectors, "dies_in_case")
    assert "recovery.bad@n=3  crashed" in out
    assert "stderr | panic: index out of range" in out


def test_unusable_adapter_exits_3_with_its_stderr(vectors: Path):
    code, _out, err = run(vectors, "dies_at_start")
    assert code is ExitCode.ADAPTER_BROKEN
    assert "no answer to hello: the adapter exited with status 7" in err
    assert "stderr | cannot find my shared library" in err


def test_filter_that_matches_nothing_exits_5(vectors: Path):
    code, _out, err = run(vectors, "honest", "--id", "no.such*")
    assert code is ExitCode.NOTHING_RAN
    assert "no case matches" in err


def test_list_of_nothing_exits_5(vectors: Path):
    assert cli("list", "--vectors", vectors, "--profile", "kv")[0] is ExitCode.NOTHING_RAN


def test_list_prints_one_id_a_line(vectors: Path):
    code, out, _err = cli("list", "--vectors", vectors, "--id", "recovery.hand@*")
    assert (code, out) == (ExitCode.CONFORMANT, "recovery.hand@n=1\nrecovery.hand@n=2\n")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--profile", "speed"], "there is no profile 'speed'; profiles are wire, "),
        (["--clause", "REC-999"], "there is no clause 'REC-999'"),
        (["--report", "pdf:x"], "expected FORMAT:PATH"),
        (["--report", "json"], "expected FORMAT:PATH"),
        (["--timeout", "0"], "expected a number of seconds above 0"),
        (["--timeout", "nan"], "expected a number of seconds above 0"),
        (["--deviations", "/no/such/file"], "No such file"),
    ],
)
def test_unusable_option_exits_2_and_says_why(vectors: Path, arguments: list[str], problem: str):
    code, _out, err = run(vectors, "honest", *arguments)
    assert code is ExitCode.USAGE
    assert problem in err


def test_stale_deviations_exit_4_with_the_lines_to_change(vectors: Path, tmp_path: Path):
    path = tmp_path / "deviations.toml"
    path.write_text('[[deviation]]\ncases = "recovery.bad@*"\nreason = "r"\nclause = "REC-1"\nmessage = "m"\n')
    code, out, _err = run(vectors, "honest", "--deviations", path)
    assert code is ExitCode.DEVIATIONS_STALE
    assert "recovery.bad@n=3: passed; remove it from the file" in out


def test_known_deviation_exits_0_and_is_counted(vectors: Path, tmp_path: Path):
    path = tmp_path / "deviations.toml"
    path.write_text('[[deviation]]\ncases = "recovery.bad@*"\nreason = "r"\nclause = "REC-1"\nmessage = "signal 6"\n')
    code, out, _err = run(vectors, "dies_in_case", "--deviations", path)
    assert code is ExitCode.CONFORMANT
    assert "recovery     known deviations" in out
    assert out.splitlines()[-1].startswith("CONFORMANT, apart from 1 known deviation: ")


def test_case_file_that_breaks_the_schema_is_refused_with_file_id_and_place(vectors: Path):
    write_cases(vectors, [case("recovery.hand@n=1", steps=[{"op": "levitate"}])])
    code, _out, err = run(vectors, "honest")
    assert code is ExitCode.USAGE
    assert "hand.json: case recovery.hand@n=1 at cases[0].steps[0]" in err
    assert "levitate" in err


def test_case_file_that_is_no_json_is_refused(vectors: Path):
    (vectors / "cases/recovery/hand.json").write_text("{")
    code, _out, err = run(vectors, "honest")
    assert code is ExitCode.USAGE
    assert "hand.json: at file" in err


def test_repeated_id_is_refused(vectors: Path):
    write_cases(vectors, [case("recovery.hand@n=1"), case("recovery.hand@n=1")])
    code, _out, err = run(vectors, "honest")
    assert code is ExitCode.USAGE
    assert "case recovery.hand@n=1 at id: already used in" in err


def test_disagreeing_alternatives_are_refused(vectors: Path):
    steps = [
        {"op": "fsync", "expect": {"one_of": {"a": {"ok": {}}, "b": {"error": {"kind": "io"}}}}},
        {"op": "fsync", "expect": {"one_of": {"a": {"ok": {}}, "c": {"error": {"kind": "io"}}}}},
    ]
    write_cases(vectors, [case("recovery.hand@n=1", steps=steps)])
    code, _out, err = run(vectors, "honest")
    assert code is ExitCode.USAGE
    assert "name different outcomes: a, b / a, c" in err


def test_json_report_holds_what_happened(vectors: Path, tmp_path: Path):
    path = tmp_path / "report.json"
    run(vectors, "dies_in_case", "--report", f"json:{path}")
    report = json.loads(path.read_text())
    assert report["counts"] == {"crashed": 1, "passed": 2}
    assert report["exit_code"] == 1
    assert report["adapter"]["implementation"] == "zoo"
    [bad] = [item for item in report["cases"] if item["outcome"] == "crashed"]
    assert "signal 6" in bad["message"]


def test_json_report_is_the_same_twice_apart_from_times(vectors: Path, tmp_path: Path):
    def report() -> dict[str, object]:
        path = tmp_path / "report.json"
        run(vectors, "declares_and_refuses", "--report", f"json:{path}")
        document = json.loads(path.read_text())
        for item in [document, *document["cases"]]:
            item.pop("seconds")
        document.pop("started")
        return document

    assert report() == report()


def test_control_characters_of_an_adapter_do_not_reach_the_terminal(vectors: Path):
    _code, out, _err = run(vectors, "escapes_terminal")
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "\u202e" not in out
    assert "\\u001b[2J" in out


def test_no_colour_outside_a_terminal(vectors: Path):
    assert "\x1b[" not in run(vectors, "dies_in_case")[1]


def test_trace_holds_every_line_both_ways(vectors: Path, tmp_path: Path):
    path = tmp_path / "trace"
    run(vectors, "honest", "--trace", path, "--id", "recovery.bad*")
    directions = [line.split(b" ")[0] for line in path.read_bytes().splitlines()]
    assert directions == [b">", b"<", b">", b"<"]


def test_nothing_behind_the_dashes_judges_nothing(vectors: Path):
    code, out, err = cli("run", "--vectors", vectors, "--")
    assert code is ExitCode.USAGE
    assert out == ""
    assert "expected the adapter's command behind --" in err


def test_adapter_without_dashes_before_it_is_told_where_it_goes(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        cli("run", "./my-adapter", "arg")
    assert "an adapter's command goes behind --: -- ./my-adapter arg" in capsys.readouterr().err


def test_report_into_a_missing_folder_is_refused_before_the_run(vectors: Path, tmp_path: Path):
    code, out, err = run(vectors, "honest", "--report", f"html:{tmp_path}/missing/x.html")
    assert code is ExitCode.USAGE
    assert out == ""
    assert f"there is no folder {tmp_path}/missing" in err


def test_report_that_cannot_be_written_does_not_lose_the_verdict(vectors: Path, tmp_path: Path):
    (tmp_path / "taken").mkdir()
    code, out, err = run(vectors, "honest", "--report", f"html:{tmp_path}/taken")
    assert code is ExitCode.USAGE
    assert "3 passed" in out
    assert f"--report html:{tmp_path}/taken: Is a directory" in err


def test_interrupt_reports_what_ran_and_exits_130(vectors: Path, tmp_path: Path):
    started = tmp_path / "started"
    command = [sys.executable, "-c", _SLOW, str(started)]
    runner = subprocess.Popen(
        [sys.executable, "-m", "datawal_conformance", "run", "--vectors", str(vectors), "--workdir", str(tmp_path),
         "--", *command],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 30
    while not started.exists():
        assert time.monotonic() < deadline
        os.sched_yield()
    runner.send_signal(signal.SIGINT)
    out, _err = runner.communicate(timeout=30)
    assert runner.returncode == ExitCode.INTERRUPTED
    assert b"INTERRUPTED" in out
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("datawal-")] == []


_SLOW = """
import json, sys, time, pathlib
sys.stdin.readline()
print(json.dumps({"hello": {"protocol": 1, "implementation": "slow", "version": "1", "language": "python",
                            "capabilities": ["log"]}}), flush=True)
sys.stdin.readline()
pathlib.Path(sys.argv[1]).touch()
time.sleep(100)
"""


def test_help_shows_examples_and_exit_codes():
    result = subprocess.run(
        [sys.executable, "-m", "datawal_conformance", "--help"], capture_output=True, text=True, check=True
    )
    assert "examples:" in result.stdout
    assert "exit status:" in result.stdout


def test_validated_note_spares_only_the_very_files_it_names(vectors: Path):
    path = vectors / "cases/recovery/hand.json"
    note = {"schema": file_digest(vectors / SCHEMA), "files": {"cases/recovery/hand.json": file_digest(path)}}
    (vectors / "registry").mkdir()
    (vectors / VALIDATED).write_text(json.dumps(note))
    write_cases(vectors, [case("recovery.hand@n=1", steps=[{"op": "levitate"}])])
    code, _out, err = run(vectors, "honest")
    assert code is ExitCode.USAGE
    assert "levitate" in err
