"""`facts::` shows one table of facts that the code defines: limits, kinds, codes, outcomes, families and so on."""

import importlib
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

from datawal_conformance.exitcodes import ExitCode
from datawal_conformance.port_mistakes import MISTAKES
from datawal_conformance.protocol import CAPABILITIES
from datawal_conformance.report import FORMATS
from datawal_conformance.verdict import Outcome, Standing
from datawal_docs import build, data
from datawal_spec import (
    CRC_CODEC,
    FIELD_NAMES,
    HEADER_FORMAT,
    RULES,
    STRUCTURAL_KINDS,
    TAIL_DAMAGE_KINDS,
    ErrorKind,
    RecordType,
    frame_spans,
    limits,
)
from datawal_spec.annotate import FIELD_CLAUSES
from datawal_spec.checksum import CHECK_VALUES

_CODES: Final = {"B": "u8", "H": "u16", "I": "u32", "L": "u32", "Q": "u64"}


def attribute_docs(module: str, scope: str = "") -> dict[str, str]:
    """The docstrings that stand under the constants of a module or the members of a class, by name."""
    found = ModuleAnalyzer.for_module(module).find_attr_docs()
    return {name: " ".join(lines).strip() for (where, name), lines in found.items() if where == scope}


def field_types() -> dict[str, str]:
    """How each field is spelt, read off the flat codecs: u16, u64, or bytes."""
    codes = [code for code in HEADER_FORMAT if code.isalpha()]
    fixed = dict(zip(FIELD_NAMES, codes, strict=False)) | {FIELD_NAMES[-1]: CRC_CODEC.format[-1]}
    return {name: _CODES.get(fixed.get(name, "s"), "bytes") for name in FIELD_NAMES}


def _value(value: Any) -> str:
    if isinstance(value, bytes):
        return f"`{value.hex(' ')}`"
    if isinstance(value, int) and value.bit_length() == 64:  # noqa: PLR2004 - nobody reads twenty digits
        return "2^64 - 1"
    return f"{value:,}" if isinstance(value, int) else f"`{value}`"


def _limits() -> nodes.Node:
    docs = attribute_docs(limits.__name__)
    rows = [[build.code(name), _value(getattr(limits, name)), text] for name, text in docs.items()]
    return build.table(["name in `datawal_spec`", "value", "meaning"], rows, widths=[4, 3, 8])


def _fields() -> nodes.Node:
    types = field_types()
    rows = []
    where = ""
    for span in frame_spans(0, 0):
        size = str(span.size) if span.size else {"key": "K", "payload": "P"}[span.name]
        rows.append([f"{span.start}{where}", size, build.code(span.name), types[span.name], FIELD_CLAUSES[span.name]])
        where += f" + {size}" if not span.size else ""
    return build.table(["offset", "size", "field", "type", "clause"], rows, widths=[2, 1, 2, 1, 1])


def _judgement() -> nodes.Node:
    rows = [
        [
            str(number),
            build.code(rule.field),
            f"expected {rule.expected}" if rule.field != "header" else rule.expected,
            build.code(rule.kind),
            "tail damage" if rule.tail_damage else "structural",
            rule.clause,
        ]
        for number, rule in enumerate(RULES, 1)
    ]
    header = ["", "looked at", "must be", "else the kind is", "sort of fault", "clause"]
    for row in rows:
        row[2] = str(row[2]).removeprefix("expected ")
    return build.table(header, rows, widths=[1, 3, 6, 4, 3, 2])


def _error_kinds() -> nodes.Node:
    docs = attribute_docs("datawal_spec.kinds", "ErrorKind")
    rows = []
    for kind in ErrorKind:
        sort = "structural" if kind in STRUCTURAL_KINDS else "tail damage" if kind in TAIL_DAMAGE_KINDS else ""
        rows.append([build.code(kind.value), docs[kind.name], sort])
    return build.table(["kind", "meaning", "sort of fault"], rows, widths=[3, 8, 2])


def _record_types() -> nodes.Node:
    docs = attribute_docs("datawal_spec.record_type", "RecordType")
    rows = [[str(int(member)), build.code(member.word), docs[member.name]] for member in RecordType]
    return build.table(["byte", "name", "meaning"], rows, widths=[1, 2, 6])


def _exit_codes() -> nodes.Node:
    rows = [[str(int(code)), code.name.lower().replace("_", " "), code.meaning] for code in ExitCode]
    return build.table(["code", "name", "meaning"], rows, widths=[1, 3, 8])


def _enum(kind: type[Outcome] | type[Standing]) -> nodes.Node:
    docs = attribute_docs(kind.__module__, kind.__name__)
    return build.table(["word", "meaning"], [[build.code(item.value), docs[item.name]] for item in kind], widths=[1, 3])


def _port_mistakes() -> nodes.Node:
    rows = [[build.code(mistake.name), mistake.does] for mistake in MISTAKES]
    return build.table(["name", "what a port that makes it does"], rows, widths=[2, 5])


def _capabilities() -> nodes.Node:
    needed = Counter(name for case in data.cases().values() for name in case.requires)
    rows = [[build.code(name), f"{needed[name]:,}" if needed[name] else "none"] for name in CAPABILITIES]
    return build.table(["capability", "cases that need it"], rows, widths=[2, 1])


def _check_values() -> nodes.Node:
    rows = []
    for text, value in CHECK_VALUES.items():
        shown = text.decode() if text.isalnum() else f"{len(text)} zero bytes"
        rows.append([build.code(shown), build.code(f"{value:08x}"), build.code(value.to_bytes(4, "little").hex(" "))])
    return build.table(["input", "CRC-32C", "as it stands in a file"], rows, widths=[2, 1, 2])


def _report_formats() -> nodes.Node:
    rows = []
    for name, make in FORMATS.items():
        text = (make.__doc__ or "").strip().partition("\n")[0]
        rows.append([build.code(name), text])
    return build.table(["format", "what it is"], rows, widths=[1, 4])


_TABLES: Final[dict[str, Callable[[], nodes.Node]]] = {
    "limits": _limits,
    "fields": _fields,
    "judgement": _judgement,
    "error-kinds": _error_kinds,
    "record-types": _record_types,
    "exit-codes": _exit_codes,
    "outcomes": lambda: _enum(Outcome),
    "standings": lambda: _enum(Standing),
    "port-mistakes": _port_mistakes,
    "capabilities": _capabilities,
    "check-values": _check_values,
    "report-formats": _report_formats,
}


class FactsDirective(SphinxDirective):
    """One table of facts, by its name."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        make = _TABLES.get(self.arguments[0])
        if make is None:
            msg = f"there is no table {self.arguments[0]}; there are {', '.join(_TABLES)}"
            raise self.error(msg)
        return [make()]


class FamiliesDirective(SphinxDirective):
    """Every family of cases of one profile, each with an anchor."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make one entry a family."""
        entries = []
        domain = self.env.domains.standard_domain
        for family in data.families().values():
            if family.profile != self.arguments[0]:
                continue
            domain.note_hyperlink_target(f"family-{family.name}", self.env.docname, family.name, family.name)
            count = len(family.cases)
            term = nodes.term("", "", build.code(family.name), ids=[family.name])
            shortest = min(family.cases, key=lambda case: case.size)
            about = build.paragraph(family.about)
            facts = build.paragraph(
                [
                    nodes.Text(f"{count} {'case' if count == 1 else 'cases'}, needs {', '.join(_needs(family))}; "),
                    nodes.Text("the shortest is "),
                    build.code(shortest.id),
                ],
                "clause-tests",
            )
            entries.append(nodes.definition_list_item("", term, nodes.definition("", about, facts)))
        if not entries:
            return [build.paragraph("There are no vectors in this profile.")]
        return [nodes.definition_list("", *entries)]


def _needs(family: data.FamilyInfo) -> list[str]:
    return sorted({name for case in family.cases for name in case.requires})


class ModuleTextDirective(SphinxDirective):
    """The docstring of a module, which is written in Markdown."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Convert the docstring."""
        from datawal_docs.markdown import convert  # noqa: PLC0415 - the one user here

        module = importlib.import_module(self.arguments[0])
        return convert(module.__doc__ or "")


def setup(app: Sphinx) -> None:
    """Register the directives."""
    app.add_directive("facts", FactsDirective)
    app.add_directive("families", FamiliesDirective)
    app.add_directive("module-text", ModuleTextDirective)
