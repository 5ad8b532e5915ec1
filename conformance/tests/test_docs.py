"""The site builds without a warning, its links lead somewhere, and what it says to type has been typed.

A block marked `:class: tested` is run: lines after `$ ` are commands, what follows them is their output, with `...`
for what may vary. The blocks of a page run in order, in a folder with the files of `docs/snippets`.
"""

import doctest
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from datawal_spec import all_clauses, all_profiles

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SNIPPETS = DOCS / "snippets"
PAGES = sorted(path for path in DOCS.rglob("*.rst") if "_build" not in path.parts)
TESTED_ELSEWHERE = {
    "make conformance",  # `make test` judges the reference through the pytest plugin
    ". .venv/bin/activate",
    "make vectors",  # vectors-check, part of `make test`, makes the same files
    "git diff --stat vectors",
    "make vectors-check",
    "make conformance-crate",  # test_crate does the same where cargo is there
}
UNTYPED = ("--disable-error-code", "import-untyped")  # docutils and markdown-it say nothing of their types
FICTION = {"recovery.cut@at=37"}  # stands for any case in the protocol and the case model


def sphinx(builder: str, target: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "-q", "-E", "-W", "--keep-going", "-d", f"{target}.doctrees"]
    return subprocess.run(
        [*command, *options, "-b", builder, str(DOCS), str(target)],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"SOURCE_DATE_EPOCH": "0"},
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as HTML, built once for all processes of a test run."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    target = shared / "site"
    with (shared / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "site.log").exists():
            result = sphinx("html", target, "-n")
            (shared / "site.log").write_text(result.stderr + ("" if result.returncode == 0 else "\nthe build failed"))
    assert (shared / "site.log").read_text() == ""
    return target


class Page(HTMLParser):
    """What a page defines, links to and loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.loads: set[str] = set()
        self.words: list[str] = []
        self._skip = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self._skip |= tag in {"script", "style"}
        if "id" in found:
            self.ids.add(found["id"])
        if tag == "a" and "href" in found:
            self.links.add(found["href"])
        elif tag in {"link", "script", "img", "iframe", "source", "use", "image"}:
            self.loads |= {found[name] for name in ("href", "src", "srcset", "xlink:href") if name in found}

    def handle_endtag(self, tag: str) -> None:
        self._skip &= tag not in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self._skip:
            self.words.append(data)


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path.resolve(): Page(path.read_text()) for path in site.rglob("*.html")}


def test_every_page_is_built(site: Path):
    for path in PAGES:
        assert (site / path.relative_to(DOCS)).with_suffix(".html").exists()


def test_site_builds_twice_the_same(site: Path, tmp_path: Path):
    again = tmp_path / "site"
    assert sphinx("html", again, "-n").returncode == 0
    files = sorted(path.relative_to(site) for path in site.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert [path for path in files if (site / path).read_bytes() != (again / path).read_bytes()] == []


def test_results_shown_are_those_of_todays_vectors():
    command = [sys.executable, str(DOCS / "results/make_data.py"), "--check"]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_internal_links_and_anchors_resolve(pages: dict[Path, Page]):
    broken = []
    for path, page in pages.items():
        for link in page.links:
            if re.match(r"[a-z]+:", link):
                continue
            file, _, anchor = link.partition("#")
            target = (path.parent / file).resolve() if file else path
            if not target.exists() or (anchor and target in pages and anchor not in pages[target].ids):
                broken.append(f"{path.name}: {link}")
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(pages: dict[Path, Page], site: Path):
    remote = [url for page in pages.values() for url in page.loads if re.match(r"([a-z]+:)?//", url)]
    for path in site.rglob("*.css"):
        remote += re.findall(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^)'\"]+)", path.read_text())
    assert remote == []


def test_every_clause_has_its_anchor(pages: dict[Path, Page]):
    anchors = set().union(*(page.ids for page in pages.values()))
    assert set(all_clauses()) <= anchors


def test_every_case_named_exists(pages: dict[Path, Page]):
    known = {
        case["id"]
        for path in (ROOT / "vectors/cases").rglob("*.json")
        for case in json.loads(path.read_text())["cases"]
    }
    profiles = "|".join(all_profiles())
    pattern = re.compile(
        rf"\b(?>(?:{profiles})(?:\.[a-z0-9-]+)+"
        r"(?:@[a-z0-9_-]+=[a-z0-9._-]+(?:,[a-z0-9_-]+=[a-z0-9._-]+)*|/[a-z0-9._-]+))(?!,\S|\*)"  # not a pattern
    )
    named = {match.rstrip(".") for page in pages.values() for match in pattern.findall(" ".join(page.words))}
    assert named - known - FICTION == set()
    assert named & known


def test_every_clause_named_exists(pages: dict[Path, Page]):
    prefixes = "|".join(profile.prefix for profile in all_profiles().values())
    named = {
        match for page in pages.values() for match in re.findall(rf"\b(?:{prefixes})-[0-9]+\b", " ".join(page.words))
    }
    assert named - set(all_clauses()) == set()


def test_examples_in_python_give_what_they_show(tmp_path: Path):
    result = sphinx("doctest", tmp_path / "doctest")
    assert result.returncode == 0, result.stdout + result.stderr


class Command(NamedTuple):
    """One command of a page, the output it shows, and the exit status it must have."""

    text: str
    shown: str
    status: int


def console_blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Classes and text of every console block."""
    lines = page.read_text().splitlines()
    for number, line in enumerate(lines):
        if not line.strip().startswith(".. code-block:: console"):
            continue
        indent = len(line) - len(line.lstrip())
        body: list[str] = []
        for following in lines[number + 1 :]:
            if following.strip() and len(following) - len(following.lstrip()) <= indent:
                break
            body.append(following[indent + 3 :])
        classes = body[0].partition(":class:")[2] if body and ":class:" in body[0] else ""
        yield classes, "\n".join(body[1:] if classes else body).strip("\n")


def commands(page: Path) -> list[Command]:
    """The commands to run, page by page."""
    found = []
    for classes, text in console_blocks(page):
        if "tested" not in classes.split():
            continue
        status = re.search(r"exit-(\d+)", classes)
        starts = [*(match.start() for match in re.finditer(r"^\$ ", text, re.MULTILINE)), len(text)]
        for start, end in pairwise(starts):
            command, _, shown = text[start + 2 : end].partition("\n")
            last = end == len(text)
            found.append(Command(command, shown, int(status[1]) if status and last else 0))
    return found


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.stem)
def test_commands_do_what_the_page_shows(page: Path, tmp_path: Path):
    for folder in ("port", "ci"):
        shutil.copytree(SNIPPETS / folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "vectors").symlink_to(ROOT / "vectors")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    for command in commands(page):
        result = subprocess.run(
            ["bash", "-c", command.text],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
        )
        assert result.returncode == command.status, f"$ {command.text}\n{result.stdout}{result.stderr}"
        if command.shown.strip():
            fits = doctest.OutputChecker().check_output(command.shown.rstrip() + "\n", result.stdout, doctest.ELLIPSIS)
            assert fits, f"$ {command.text}\n{result.stdout}"


def test_commands_that_are_not_run_here_are_known():
    found = set()
    for page in PAGES:
        for classes, text in console_blocks(page):
            if "tested" not in classes.split():
                assert "tested-elsewhere" in classes, f"{page.name}: a console block without a class"
                found |= set(re.findall(r"^\$ (.*)$", text, re.MULTILINE))
    assert found == TESTED_ELSEWHERE


def test_steps_of_the_workflow_are_tested(tmp_path: Path):
    steps = re.findall(r"run: (.*)$", (SNIPPETS / "ci/workflow.yml").read_text(), re.MULTILINE)
    install, judge, summary = steps
    assert install.startswith("python -m pip install ./")  # that it installs is test_packaging's matter
    assert Command(judge, *next(c for c in commands(DOCS / "guides/ci.rst") if c.text == judge)[1:]).status == 0
    (tmp_path / "report.md").write_text("conformant\n")
    environment = os.environ | {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    subprocess.run(["bash", "-c", summary], check=True, cwd=tmp_path, env=environment)
    assert (tmp_path / "summary").read_text() == "conformant\n"


def test_python_of_the_extension_is_typed():
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", *UNTYPED, "docs/_ext/datawal_docs"],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert result.returncode == 0, result.stdout
