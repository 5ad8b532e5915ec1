"""The case files: valid, unique, reproducible, and made without asking any implementation."""

import ast
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastjsonschema
import jsonschema
import pytest

from datawal_conformance import families
from datawal_conformance.case import load_cases
from datawal_conformance.families import FAMILIES, Family, case_files
from datawal_conformance.families.__main__ import main
from datawal_conformance.families._build import value
from datawal_conformance.families._model import natural
from datawal_conformance.families._read_only import README, is_read_only
from datawal_conformance.values import to_bytes
from datawal_spec import all_clauses

VECTORS = Path(__file__).parents[2] / "vectors"
SCHEMA = json.loads((VECTORS / "schema" / "case.schema.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return case_files()


def all_cases(made: dict[str, str]) -> Iterator[dict[str, Any]]:
    for text in made.values():
        yield from json.loads(text)["cases"]


def test_vectors_are_what_the_families_make(capsys: pytest.CaptureFixture[str]):
    assert main(["check", str(VECTORS)]) == 0, capsys.readouterr().err


def test_making_twice_gives_the_same_bytes_wherever_one_stands(
    made: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    assert case_files() == made


def test_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_case_agrees_with_the_schema(family: Family):
    document = json.loads(family.text())
    errors = list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(document))
    assert not errors, f"{errors[0].json_path}: {errors[0].message[:200]}"


def test_every_file_is_one_line_a_case_with_a_newline_at_the_end(made: dict[str, str]):
    for path, text in made.items():
        document = json.loads(text)
        assert text.endswith("\n]}\n")
        lines = text.split("\n")[1:-2]
        assert [json.loads(line.rstrip(",")) for line in lines] == document["cases"], path
        assert path == document["family"].replace(".", "/", 1) + ".json"


def test_ids_are_unique_sorted_and_begin_with_their_family(made: dict[str, str]):
    seen: Counter[str] = Counter()
    for text in made.values():
        document = json.loads(text)
        ids = [case["id"] for case in document["cases"]]
        assert ids == sorted(ids, key=natural)
        for case in document["cases"]:
            assert case["id"].startswith((document["family"] + "@", document["family"] + "/"))
            assert case["profile"] == document["family"].partition(".")[0]
        seen.update(ids)
    assert [case_id for case_id, count in seen.items() if count > 1] == []
    assert len(seen) > 5000


def test_no_two_cases_of_a_family_are_the_same_but_for_their_names(made: dict[str, str]):
    for text in made.values():
        seen: dict[str, str] = {}
        for case in json.loads(text)["cases"]:
            body = json.dumps([case["given"], case["steps"], case.get("then")])
            assert body not in seen, f"{case['id']} repeats {seen[body]}"
            seen[body] = case["id"]


def test_digests_are_those_of_the_clauses(made: dict[str, str]):
    for case in all_cases(made):
        assert case["clauses"] == {name: all_clauses()[name].digest for name in case["clauses"]}


def test_requires_are_what_the_steps_need(made: dict[str, str]):
    needs = {
        "open_log": "log",
        "open_reader": "reader",
        "open_kv": "kv",
        "compact_to": "compact",
        "export_jsonl": "export",
        "poison": "poison",
        "spawn": "spawn",
    }
    for case in all_cases(made):
        used = {needs[step["op"]] for step in case["steps"] if step.get("op") in needs}
        if any("unreadable" in content for content in case["given"].values() if isinstance(content, dict)):
            used.add("unprivileged")
        assert set(case["requires"]) == used, case["id"]


def test_steps_work_on_handles_that_were_opened(made: dict[str, str]):
    for case in all_cases(made):
        known: set[tuple[str, str]] = set()
        for step in case["steps"]:
            if "op" not in step:
                continue
            process = step.get("process", "main")
            if step["op"].startswith("open_"):
                known.add((process, step.get("as", "main")))
            else:
                assert (process, step.get("on", "main")) in known, case["id"]


def test_everything_stated_of_files_is_stated_of_all_cases(made: dict[str, str]):
    for case in all_cases(made):
        assert "then" in case, case["id"]
        assert any("expect" in step for step in case["steps"]), case["id"]


def test_the_runner_reads_them(made: dict[str, str]):
    assert len(load_cases(VECTORS)) == sum(1 for _ in all_cases(made))


def test_all_stay_below_their_share_of_the_size(made: dict[str, str]):
    assert sum(map(len, made.values())) < 15 << 20


def test_every_clause_a_case_can_test_has_one(made: dict[str, str]):
    """Durability and memory are tested with other means; see the report of coverage for the rest."""
    tested = {clause for case in all_cases(made) for clause in case["clauses"]}
    elsewhere = {"SAFE-9", "SAFE-11", "SAFE-12"}
    elsewhere |= {clause for clause in all_clauses() if clause.startswith("DUR-")}
    assert sorted(set(all_clauses()) - tested - elsewhere) == []
    assert sorted(tested & elsewhere) == []


def test_builders_ask_no_implementation():
    for path in Path(families.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            for name in (module, *names):
                assert name.partition(".")[0] != "datawal", f"{path.name} imports the reference"
                assert name not in {"judge", "annotate", "parse_header"}, f"{path.name} decodes frames"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vectors")
    assert main(["write", str(folder)]) == 0
    return folder


@pytest.fixture
def written(fresh: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fresh, tmp_path / "vectors"))


def checked(vectors: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["check", str(vectors)]) == 1
    return capsys.readouterr().err


def test_check_names_file_and_case_that_were_tampered_with(written: Path, capsys: pytest.CaptureFixture[str]):
    path = written / "cases" / "recovery" / "cut-last.json"
    text = path.read_text("utf-8")
    case_id = "recovery.cut-last@log=three,at=37"
    line = next(line for line in text.split("\n") if case_id in line)
    path.write_text(text.replace(line, line.replace('"tail_truncated":1', '"tail_truncated":0')), "utf-8")
    message = checked(written, capsys)
    assert str(path) in message
    assert case_id in message


def test_check_names_a_case_that_was_removed(written: Path, capsys: pytest.CaptureFixture[str]):
    path = written / "cases" / "wire" / "txid.json"
    lines = path.read_text("utf-8").split("\n")
    case_id = json.loads(lines[3].rstrip(","))["id"]
    path.write_text("\n".join(lines[:3] + lines[4:]), "utf-8")
    assert case_id in checked(written, capsys)


def test_check_names_a_broken_file(written: Path, capsys: pytest.CaptureFixture[str]):
    path = written / "cases" / "wire" / "txid.json"
    path.write_bytes(b"\xff\xfe[1, 2]")
    assert str(path) in checked(written, capsys)


def test_check_names_missing_and_extra_files(written: Path, capsys: pytest.CaptureFixture[str]):
    missing = written / "cases" / "kv" / "read.json"
    text = missing.read_text("utf-8")
    missing.unlink()
    assert f"{missing}: missing" in checked(written, capsys)
    missing.write_text(text, "utf-8")
    extra = written / "cases" / "kv" / "more.json"
    extra.write_text("{}", "utf-8")
    assert f"{extra}: nothing makes this file" in checked(written, capsys)


def test_check_names_a_readme_whose_numbers_of_read_only_cases_are_old(
    written: Path, capsys: pytest.CaptureFixture[str]
):
    readme = written / README
    readme.write_bytes((VECTORS / README).read_bytes())
    assert main(["check", str(written)]) == 0
    readme.write_text(re.sub(r"(\| `wire` \| )\d+", r"\g<1>7", readme.read_text("utf-8")), "utf-8")
    assert str(readme) in checked(written, capsys)


@pytest.mark.parametrize(
    "changes",
    [
        {"given": {}},
        {"given": {"log/hex:ff": "00"}},
        {"given": {"log/00000001.dwal": {"symlink": "elsewhere"}}},
        {"steps": [{"op": "open_kv", "path": "log"}]},
        {"steps": [{"op": "open_log", "path": "log"}, {"op": "append", "payload": "00"}]},
        {"steps": [{"op": "open_log", "path": "log"}, {"do": "remove", "path": "log/00000001.dwal"}]},
        {"steps": [{"op": "open_log", "path": "log", "process": "other"}]},
        {"steps": [{"op": "open_log", "path": "log", "expect": {"one_of": {"a": {"ok": {}}}}}]},
        {"then": {"files": {"log/00000001.dwal": None}}},
    ],
)
def test_case_that_asks_for_more_than_a_decoder_is_not_read_only(changes: dict[str, Any]):
    plain = {
        "given": {"log/00000001.dwal": "00"},
        "steps": [{"op": "open_log", "path": "log", "expect": {"error": {}}}],
        "then": {"files": "unchanged"},
    }
    assert is_read_only(plain)
    assert not is_read_only(plain | changes)


def test_check_names_a_golden_file_that_was_tampered_with(written: Path, capsys: pytest.CaptureFixture[str]):
    path = min((written / "golden").rglob("*.dwal"))
    path.write_bytes(path.read_bytes() + b"\0")
    assert str(path) in checked(written, capsys)


def test_check_names_an_id_that_is_gone_and_one_that_is_new(written: Path, capsys: pytest.CaptureFixture[str]):
    path = written / "registry" / "ids.txt"
    ids = path.read_text("utf-8")
    path.write_text(ids + "recovery.gone@at=1\n", "utf-8")
    assert "recovery.gone@at=1" in checked(written, capsys)
    path.write_text(ids.replace("wire.txid@value=255\n", ""), "utf-8")
    assert "wire.txid@value=255 is not in ids.txt" in checked(written, capsys)


def test_check_names_the_cases_of_a_clause_that_changed(written: Path, capsys: pytest.CaptureFixture[str]):
    path = written / "registry" / "clauses.json"
    digests = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(digests | {"REC-17": "0" * 12}), "utf-8")
    message = checked(written, capsys)
    assert "clause REC-17 changed" in message
    assert "recovery.garbage-last@before=three,garbage=zeros-24" in message


def test_write_makes_what_check_accepts_and_removes_the_rest(written: Path, capsys: pytest.CaptureFixture[str]):
    stale = written / "cases" / "kv" / "gone.json"
    stale.write_text("{}", "utf-8")
    assert main(["write", str(written)]) == 0
    assert "cases" in capsys.readouterr().out
    assert main(["check", str(written)]) == 0
    assert not stale.exists()


@pytest.mark.parametrize(
    "data", [b"", b"a", b"a" * 127, b"a" * 128, b"x" + b"\0" * 500 + b"y", b"\n" * 200 + b"z" * 200]
)
def test_recipes_expand_to_their_bytes(data: bytes):
    assert to_bytes(value(data)) == data


def a_case(**changes: Any) -> dict[str, Any]:
    case: dict[str, Any] = {
        "id": "recovery.cut@at=1",
        "title": "made by hand",
        "profile": "recovery",
        "clauses": {"REC-1": "0" * 12},
        "requires": ["log"],
        "given": {"log/00000001.dwal": "00"},
        "steps": [{"op": "open_log", "path": "log", "expect": {"ok": {}}}],
        "then": {"files": "unchanged"},
    }
    return {name: content for name, content in (case | changes).items() if content is not None}


GOOD: dict[str, dict[str, Any]] = {
    "plain": {},
    "no-then": {"then": None},
    "hex-name": {"given": {"log/hex:ff30": "00"}},
    "recipe": {"given": {"log/a": {"fill": "61", "len": 5}}},
    "list": {"given": {"log/a": ["61", {"fill": "61", "len": 5}]}},
    "three-dots": {"given": {"log/...": "00"}},
    "things": {"given": {"a": {"directory": True}, "b": {"symlink": "a"}, "c": {"fifo": True}, "d": {"socket": True}}},
    "runner": {"steps": [{"do": "truncate", "path": "a", "len": 0}]},
    "null-file": {"then": {"files": {"a": None, "b": {"any": True}}}},
    "alternatives": {"then": {"one_of": {"a": {"files": "unchanged"}, "b": {"files": {}}}}},
}

BAD: dict[str, dict[str, Any]] = {
    "unknown-member": {"note": "x"},
    "no-steps": {"steps": []},
    "no-clause": {"clauses": {}},
    "digest": {"clauses": {"REC-1": "xyz"}},
    "clause-name": {"clauses": {"rec-1": "0" * 12}},
    "id-without-family": {"id": "recovery"},
    "id-with-space": {"id": "recovery.cut@at=1 2"},
    "id-upper": {"id": "recovery.Cut@at=1"},
    "profile": {"profile": "recover"},
    "capability": {"requires": ["logs"]},
    "absolute": {"given": {"/etc/passwd": "00"}},
    "parent": {"given": {"a/../../b": "00"}},
    "dot": {"given": {"a/./b": "00"}},
    "empty-part": {"given": {"a//b": "00"}},
    "empty-path": {"given": {"": "00"}},
    "slash-at-end": {"given": {"a/": "00"}},
    "hex-parent": {"given": {"hex:2e2e/b": "00"}},
    "hex-slash": {"given": {"hex:612f62": "00"}},
    "hex-zero": {"given": {"hex:6100": "00"}},
    "hex-odd": {"given": {"hex:616": "00"}},
    "step-path": {"steps": [{"op": "open_log", "path": "../log"}]},
    "odd-hex": {"given": {"a": "0"}},
    "upper-hex": {"given": {"a": "FF"}},
    "hex-newline": {"given": {"a": "00\n"}},
    "empty-fill": {"given": {"a": {"fill": "", "len": 3}}},
    "fill-alone": {"given": {"a": {"fill": "00"}}},
    "huge-fill": {"given": {"a": {"fill": "00", "len": 1 << 40}}},
    "two-things": {"given": {"a": {"fifo": True, "socket": True}}},
    "no-thing": {"given": {"a": {}}},
    "false-thing": {"given": {"a": {"directory": False}}},
    "absolute-link": {"given": {"a": {"symlink": "/etc"}}},
    "null-given": {"given": {"a": None}},
    "any-given": {"given": {"a": {"any": True}}},
    "no-op": {"steps": [{"path": "log"}]},
    "op-and-do": {"steps": [{"op": "scan", "do": "check"}]},
    "unknown-op": {"steps": [{"op": "vacuum"}]},
    "unknown-do": {"steps": [{"do": "sleep"}]},
    "open-without-path": {"steps": [{"op": "open_log"}]},
    "scan-with-path": {"steps": [{"op": "scan", "path": "log"}]},
    "get-without-key": {"steps": [{"op": "get"}]},
    "append-without-payload": {"steps": [{"op": "append"}]},
    "record-without-type": {"steps": [{"op": "append_record", "key": "", "payload": ""}]},
    "put-without-value": {"steps": [{"op": "put", "key": ""}]},
    "poison-without-reason": {"steps": [{"op": "poison"}]},
    "export-without-target": {"steps": [{"op": "export_jsonl"}]},
    "overwrite-without-offset": {"steps": [{"do": "overwrite", "path": "a", "bytes": ""}]},
    "kill-nobody": {"steps": [{"do": "kill"}]},
    "two-expectations": {"steps": [{"op": "scan", "expect": {"ok": {}, "error": {"kind": "io"}}}]},
    "no-expectation": {"steps": [{"op": "scan", "expect": {}}]},
    "unknown-kind": {"steps": [{"op": "scan", "expect": {"error": {"kind": "oops"}}}]},
    "vague-error": {"steps": [{"op": "scan", "expect": {"error": {}}}]},
    "one-alternative": {"steps": [{"op": "scan", "expect": {"one_of": {"a": {"ok": {}}}}}]},
    "nested-alternatives": {"steps": [{"op": "scan", "expect": {"one_of": {"a": {"ok": {}}, "b": {"one_of": {}}}}}]},
    "unknown-answer": {"steps": [{"op": "scan", "expect": {"ok": {"rows": []}}}]},
    "half-a-record": {"steps": [{"op": "scan", "expect": {"ok": {"records": [{"txid": 1}]}}}]},
    "large-number": {"steps": [{"op": "scan", "expect": {"ok": {"len": 1 << 64}}}]},
    "negative-number": {"steps": [{"op": "scan", "expect": {"ok": {"len": -1}}}]},
    "fraction": {"steps": [{"op": "scan", "expect": {"ok": {"len": 1.5}}}]},
    "mid-stream-error": {"steps": [{"op": "report", "expect": {"ok": {"report": {"mid_stream_errors": 1}}}}]},
    "files-word": {"then": {"files": "changed"}},
    "empty-then": {"then": {}},
}


def document(case: dict[str, Any]) -> dict[str, Any]:
    return {"family": "recovery.cut", "about": "made by hand", "cases": [case]}


@pytest.mark.parametrize("name", GOOD)
def test_schema_admits(name: str):
    good = document(a_case(**GOOD[name]))
    jsonschema.Draft202012Validator(SCHEMA).validate(good)
    fastjsonschema.compile(SCHEMA)(good)


@pytest.mark.parametrize("name", BAD)
def test_schema_refuses_with_both_engines(name: str):
    bad = document(a_case(**BAD[name]))
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(bad)
    with pytest.raises(fastjsonschema.JsonSchemaValueException):
        fastjsonschema.compile(SCHEMA)(bad)
