"""Results of real runs, from the condensed reports, and the zoo, from the tests that hold the runner to it."""

import ast
import importlib
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from datawal_conformance.deviations import load_deviations
from datawal_conformance.verdict import AGAINST, Outcome, Standing
from datawal_docs import build, data
from datawal_spec import Level, all_clauses, all_profiles

IMPLEMENTATIONS: Final = ("reference", "crate")
"""The reports there are, in the order of their columns."""

_TONES: Final = {
    Standing.CONFORMANT: "good-cell",
    Standing.PARTLY_CLAIMED: "mute-cell",
    Standing.DEVIATES: "warn-cell",
    Standing.STALE: "warn-cell",
    Standing.INCOMPLETE: "mute-cell",
    Standing.NOT_CONFORMANT: "bad-cell",
    Standing.NOT_CLAIMED: "mute-cell",
}


def title(name: str) -> str:
    """How an implementation is called in the head of a column."""
    report = data.report(name)
    return f"{name}: {report['implementation']} {report['version']} ({report['language']})"


class RunsDirective(SphinxDirective):
    """With what and when the reports were made."""

    def run(self) -> list[nodes.Node]:
        """Make the table, and say when the vectors have changed since."""
        reports = [data.report(name) for name in IMPLEMENTATIONS]
        facts: list[tuple[str, list[str]]] = [
            ("run on", [report["started"][:10] for report in reports]),
            ("kit", [report["kit"]["version"] for report in reports]),
            ("digest of the vectors", [f"`{report['kit']['vectors']}`" for report in reports]),
            ("capabilities", [", ".join(report["capabilities"]) for report in reports]),
            ("cases", [_counts(report["counts"]) for report in reports]),
            ("exit code", [str(report["exit_code"]) for report in reports]),
        ]
        rows = [[name, *values] for name, values in facts]
        found: list[nodes.Node] = [
            build.table(["", *map(title, IMPLEMENTATIONS)], rows, "wraps", widths=[2] + [4] * len(reports))
        ]
        if any(report["kit"]["vectors"] != data.digest() for report in reports):
            text = f"The vectors have changed since; their digest is now `{data.digest()}`."
            found.append(nodes.note("", build.paragraph(text)))
        return found


class StandingsDirective(SphinxDirective):
    """A row for each profile, a column for each implementation."""

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        rows = [self._row(name) for name in all_profiles()]
        return [build.table(["profile", *map(title, IMPLEMENTATIONS)], rows, widths=[2, 4, 4])]

    def _row(self, profile: str) -> Sequence[build.Content]:
        link = build.link_to(f"profile-{profile}", nodes.inline("", profile))
        return [link, *(_standing(name, profile) for name in IMPLEMENTATIONS)]


def _standing(name: str, profile: str) -> list[nodes.Node]:
    for entry in data.report(name)["profiles"]:
        if entry["profile"] == profile:
            standing = Standing(entry["standing"])
            return [build.span(standing, _TONES[standing]), nodes.Text(f": {_counts(entry['counts'])}")]
    return [build.span("no vectors", "mute-cell")]


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {outcome.replace('_', ' ')}" for outcome, number in counts.items())


class TraceabilityDirective(SphinxDirective):
    """Clauses of one profile against cases and outcomes."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        rows: list[Sequence[build.Content]] = []
        for clause in all_clauses().values():
            if clause.profile.name != self.arguments[0]:
                continue
            count = sum(map(len, data.families_of(clause.id).values()))
            red = count == 0 and clause.level is Level.MUST
            rows.append(
                [
                    build.clause_link(clause.id),
                    clause.level,
                    build.span(str(count), "bad-cell") if red else str(count),
                    *(_outcomes(data.report(name)["clauses"].get(clause.id, {})) for name in IMPLEMENTATIONS),
                ]
            )
        return [build.table(["clause", "level", "cases", *IMPLEMENTATIONS], rows, widths=[2, 2, 2, 5, 5])]


def _outcomes(counts: dict[str, int]) -> list[nodes.Node]:
    if not counts:
        return [build.span("none ran", "mute-cell")]
    bad = any(Outcome(name) in AGAINST | {Outcome.KNOWN_DEVIATION} for name in counts)
    good = Outcome.PASSED in counts
    return [build.span(_counts(counts), "bad-cell" if bad else "good-cell" if good else "mute-cell")]


class FailuresDirective(SphinxDirective):
    """What failed in one report, alike failures together."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make the table, or say that nothing failed."""
        failures = data.report(self.arguments[0])["failures"]
        if not failures:
            return [build.paragraph("Nothing failed.")]
        rows = [self._row(failure) for failure in failures]
        header = ["clauses", "family", "cases", "the shortest, and what it says"]
        return [build.table(header, rows, "wraps", widths=[2, 3, 1, 9])]

    def _row(self, failure: dict[str, Any]) -> Sequence[build.Content]:
        family = failure["family"]
        return [
            ", ".join(failure["clauses"]),
            build.family_link(family) if family in data.families() else build.code(family),
            str(failure["count"]),
            [build.code(failure["shortest"]), nodes.Text(f": {failure['message']}")],
        ]


class DeviationsDirective(SphinxDirective):
    """The deviations that the kit lists for the published crate."""

    def run(self) -> list[nodes.Node]:
        """Read the file."""
        path = data.ROOT / "conformance" / "adapters" / "rust" / "deviations.toml"
        if not path.exists():
            return [build.paragraph("There is no list.")]
        self.env.note_dependency(str(path))
        rows = []
        for deviation in load_deviations(path):
            hits = sum(any(fnmatchcase(case, pattern) for pattern in deviation.patterns) for case in data.cases())
            patterns = [node for pattern in deviation.patterns for node in (build.code(pattern), nodes.Text(" "))]
            rows.append([deviation.clause, deviation.reason, str(hits), patterns])
        return [build.table(["clause", "what the crate does", "cases", "which"], rows, "wraps", widths=[2, 6, 1, 5])]


class ZooDirective(SphinxDirective):
    """The broken adapters that the runner's own tests feed it, and what must come of each."""

    def run(self) -> list[nodes.Node]:
        """Read the tables of the test file."""
        path = data.ROOT / "conformance" / "tests" / "test_zoo.py"
        self.env.note_dependency(str(path))
        tables = _literals(path.read_text("utf-8"))
        rows: list[Sequence[build.Content]] = []
        for name, value in tables.get("IN_ONE_CASE", {}).items():
            rows.append([_spoken(name), build.code(value[0].lower()), f"{value[1].replace('|', ' / ')}"])
        for name, message in tables.get("SILENT_IN_ONE_CASE", {}).items():
            rows.append([_spoken(name), build.code(Outcome.TIMED_OUT), message])
        if not rows:
            return [build.paragraph("The tests of the runner list no broken adapter.")]
        return [build.table(["the adapter", "outcome", "the report says"], rows, widths=[3, 2, 4])]


class VariantsDirective(SphinxDirective):
    """The broken variants of the reference: which clause each breaks, and how."""

    def run(self) -> list[nodes.Node]:
        """Read the variants from the folder of the tests that uses them."""
        folder = data.ROOT / "conformance" / "tests" / "zoo" / "variants"
        if not (folder / "_all.py").exists():
            return [build.paragraph("There are no variants yet.")]
        sys.path.insert(0, str(folder))
        try:
            variants = importlib.import_module("_all").VARIANTS
        finally:
            sys.path.remove(str(folder))
        order = list(all_clauses())
        chosen = sorted(variants.values(), key=lambda variant: (order.index(variant.clause), variant.name))
        rows = [[build.clause_link(variant.clause), build.code(variant.name), variant.does] for variant in chosen]
        return [
            build.paragraph(f"{len(rows)} variants break {len({variant.clause for variant in chosen})} clauses."),
            build.table(["breaks", "variant", "what it does"], rows, "wraps", widths=[2, 4, 8]),
        ]


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _literals(source: str) -> dict[str, dict[str, Any]]:
    """The dictionaries at the top of a module, with `Outcome.X` as the word X."""
    found = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict) and isinstance(node.targets[0], ast.Name):
            pairs = zip(node.value.keys, node.value.values, strict=True)
            found[node.targets[0].id] = {_literal(key): _literal(value) for key, value in pairs if key is not None}
    return found


def _literal(node: ast.AST) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Tuple):
        return tuple(map(_literal, node.elts))
    return ast.unparse(node)


def setup(app: Sphinx) -> None:
    """Register the directives."""
    app.add_directive("runs", RunsDirective)
    app.add_directive("run-standings", StandingsDirective)
    app.add_directive("traceability", TraceabilityDirective)
    app.add_directive("failures", FailuresDirective)
    app.add_directive("deviations", DeviationsDirective)
    app.add_directive("zoo", ZooDirective)
    app.add_directive("variants", VariantsDirective)
