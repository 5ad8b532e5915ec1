"""`seen-in::` tells how to see an erratum of the published crate: the shortest case that fails, and what it says.

The case comes from the report of a real run, so that nothing is claimed that was not seen. Where no vector shows the
erratum, the content of the directive tells how to see it.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from datawal_docs import build, data
from datawal_spec import all_clauses


class SeenInDirective(SphinxDirective):
    """The arguments are a clause, and a word in the message or the id of the case where several would fit."""

    required_arguments = 1
    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Look for the failure."""
        clause = all_clauses()[self.arguments[0]]
        failure = _shortest(clause.id, self.arguments[1] if len(self.arguments) > 1 else "")
        head = [nodes.strong("", "Expected"), nodes.Text(" ("), build.clause_link(clause.id), nodes.Text("): ")]
        expected = build.paragraph([*head, *build.inline(clause.text)])
        if failure is None:
            body = nodes.container("", build.paragraph([nodes.strong("", "How to see it.")]))
            self.state.nested_parse(self.content, self.content_offset, body)
            return [body, expected]
        family = build.family_link(data.cases()[failure["shortest"]].family)
        how = [nodes.strong("", "How to see it"), nodes.Text(" (family "), family, nodes.Text("):")]
        command = f"datawal-conformance run --id '{failure['shortest']}' -- ADAPTER"
        says = [nodes.strong("", "It says: "), nodes.Text(failure["message"])]
        return [build.paragraph(how), build.code_block(command, "sh"), build.paragraph(says), expected]


def _shortest(clause: str, word: str) -> dict[str, Any] | None:
    known = data.cases()
    fitting = [
        failure
        for failure in data.report("crate")["failures"]
        if clause in failure["clauses"]
        and failure["shortest"] in known
        and (word in failure["message"] or word in failure["shortest"])
    ]
    return min(fitting, key=lambda failure: known[failure["shortest"]].size, default=None)


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("seen-in", SeenInDirective)
