"""What README says is so."""

import doctest
import re
from pathlib import Path

import pytest

from datawal_conformance.cli import COMMANDS
from datawal_conformance.report import FORMATS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_python_examples_give_what_they_show():
    test = doctest.DocTestParser().get_doctest(
        "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL)), {}, "README", None, 0
    )
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links_lead_somewhere(target: str):
    assert (ROOT / target).exists()


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    for name in set(re.findall(r"`make ([a-z-]+)`", README)) | set(re.findall(r"\$ make ([a-z-]+)", README)):
        assert f"\n{name}:" in makefile


def test_commands_and_formats_named_are_all_there_are():
    rows = re.findall(r"^\| (`[^|]+`) \|", README, re.MULTILINE)
    named = {word.split()[0] for row in rows for word in re.findall(r"`([a-z ]+)`", row)}
    assert named == {module.NAME for module in COMMANDS} - {"completion"}
    [formats] = re.findall(r"`--report FORMAT:PATH` \(([^)]+)\)", README)
    assert formats.split(", ") == list(FORMATS)


def test_ci_calls_make_test_and_nothing_else():
    script = (ROOT / ".ci/run").read_text()
    assert re.findall(r"^make .*$", script, re.MULTILINE) == ["make test"]
