"""`clauses::` lists the clauses of a profile; the roles `clause` and `case` link to one."""

import re
from collections.abc import Sequence
from typing import Any, Final

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

from datawal_docs import build, data
from datawal_spec import Clause, all_clauses, all_profiles

_FAMILIES_SHOWN: Final = 4
_CLAUSE_ID: Final = re.compile(r"(?<![`\w-])([A-Z]{2,5}-[1-9][0-9]*)\b(?!`)")


class ClausesDirective(SphinxDirective):
    """Every clause of one profile: anchor, level, digest, text, and the families of cases that test it."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Make one block a clause."""
        profile = all_profiles().get(self.arguments[0])
        if profile is None:
            msg = f"there is no profile {self.arguments[0]}"
            raise self.error(msg)
        return [self._block(clause) for clause in all_clauses().values() if clause.profile == profile]

    def _block(self, clause: Clause) -> nodes.Node:
        label = f"clause-{clause.id.lower()}"
        self.env.domains.standard_domain.note_hyperlink_target(label, self.env.docname, clause.id, clause.id)
        anchor = nodes.reference("", clause.id, refid=clause.id, internal=True, classes=["clause-id"])
        head = build.paragraph(
            [
                anchor,
                build.span(clause.level, "badge", clause.level.lower()),
                build.span(f"{clause.profile.name} · digest {clause.digest}"),
            ],
            "clause-head",
        )
        text = build.paragraph(clause.text)
        tests = build.paragraph(_tests(clause.id), "clause-tests")
        return nodes.container("", head, text, tests, ids=[clause.id], classes=["clause"])


def _tests(clause_id: str) -> list[nodes.Node]:
    by_family = data.families_of(clause_id)
    if not by_family:
        return [nodes.Text("No vector tests it.")]
    total = sum(map(len, by_family.values()))
    found: list[nodes.Node] = [nodes.Text(f"{total} {'case' if total == 1 else 'cases'}: ")]
    for number, (family, cases) in enumerate(by_family.items()):
        if number == _FAMILIES_SHOWN:
            found.append(nodes.Text(f", and {len(by_family) - number} more families"))
            break
        found += [nodes.Text(", " if number else ""), build.family_link(family), nodes.Text(f" ({len(cases)})")]
    first = min((case for cases in by_family.values() for case in cases), key=lambda case: case.size)
    return [*found, nodes.Text("; the shortest is "), build.code(first.id), nodes.Text(".")]


class ClauseRole(SphinxRole):
    """A link to a clause by its id."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Make the link."""
        return [build.clause_link(self.text)], []


class CaseRole(SphinxRole):
    """The id of a case, linked to its family; an id that does not exist is an error."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Make the link."""
        case = data.cases().get(self.text)
        if case is None:
            message = self.inliner.reporter.error(f"there is no case {self.text}", line=self.lineno)
            return [self.inliner.problematic(self.rawtext, self.rawtext, message)], [message]
        text = nodes.literal("", case.id)
        return [build.link_to(f"family-{case.family}", text)], []


def _link_docstrings(_app: Sphinx, _what: str, _name: str, _obj: Any, _options: Any, lines: list[str]) -> None:
    """Link the ids of clauses in docstrings."""
    known = all_clauses()
    lines[:] = [
        _CLAUSE_ID.sub(lambda match: f":clause:`{match[1]}`" if match[1] in known else match[1], line) for line in lines
    ]


class LevelsDirective(SphinxDirective):
    """The profiles with their clauses, counted."""

    def run(self) -> list[nodes.Node]:
        """Make the table."""
        rows = [self._row(name) for name in all_profiles()]
        return [build.table(["profile", "ids", "clauses", "cases", "what it covers"], rows, widths=[3, 3, 2, 2, 12])]

    def _row(self, name: str) -> Sequence[build.Content]:
        profile = all_profiles()[name]
        count = sum(clause.profile == profile for clause in all_clauses().values())
        cases = sum(case.profile == name for case in data.cases().values())
        return [
            build.link_to(f"profile-{name}", nodes.inline("", name)),
            f"{profile.prefix}-1 to {profile.prefix}-{count}",
            str(count),
            str(cases),
            profile.summary,
        ]


def setup(app: Sphinx) -> None:
    """Register directives, roles and the docstring hook."""
    app.add_directive("clauses", ClausesDirective)
    app.add_directive("profiles", LevelsDirective)
    app.add_role("clause", ClauseRole())
    app.add_role("case", CaseRole())
    app.connect("autodoc-process-docstring", _link_docstrings)
