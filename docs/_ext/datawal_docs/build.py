"""Small makers of docutils nodes."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

from datawal_spec import all_clauses

Content: TypeAlias = str | nodes.Node | Sequence[nodes.Node]
"""What a cell or paragraph is made from; a string may hold `code` in backticks and ids of clauses."""

_LABEL: Final = "datawal-label"
_INLINE: Final = re.compile(r"`+([^`]+)`+|\b([A-Z]{2,5}-[1-9][0-9]*)\b")


def link_to(target: str, text: nodes.Node) -> addnodes.pending_xref:
    """A reference to a label of this site that shows `text` as it is."""
    return addnodes.pending_xref("", text, refdomain="", reftype=_LABEL, reftarget=target, refwarn=True)


def resolve(app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, shown: nodes.Element) -> nodes.Node | None:
    """Find the label of a `link_to`; None, and so a warning, where there is none."""
    if node["reftype"] != _LABEL:
        return None
    docname, anchor = env.domains.standard_domain.anonlabels.get(node["reftarget"], ("", ""))
    if not docname:
        return None
    here = node.get("refdoc", env.current_document.docname)
    return make_refnode(app.builder, here, docname, anchor, shown)


def clause_link(clause_id: str) -> addnodes.pending_xref:
    """A reference to a clause."""
    return link_to(f"clause-{clause_id.lower()}", nodes.inline("", clause_id, classes=["clause-ref"]))


def family_link(family: str) -> addnodes.pending_xref:
    """A reference to a family of cases."""
    return link_to(f"family-{family}", nodes.literal("", family))


def inline(text: str) -> list[nodes.Node]:
    """Text with `code` set as code and ids of clauses linked."""
    found: list[nodes.Node] = []
    last = 0
    for match in _INLINE.finditer(text):
        quoted, clause_id = match.groups(default="")
        if clause_id and clause_id not in all_clauses():
            continue
        found.append(nodes.Text(text[last : match.start()]))
        found.append(clause_link(clause_id) if clause_id else nodes.literal("", quoted))
        last = match.end()
    found.append(nodes.Text(text[last:]))
    return [node for node in found if not isinstance(node, nodes.Text) or node.astext()]


def content(value: Content) -> list[nodes.Node]:
    """Inline nodes for whatever a cell was given."""
    if isinstance(value, str):
        return inline(value)
    return [value] if isinstance(value, nodes.Node) else list(value)


def paragraph(value: Content, *classes: str) -> nodes.paragraph:
    """A paragraph."""
    return nodes.paragraph("", "", *content(value), classes=list(classes))


def code(text: str) -> nodes.literal:
    """Inline code."""
    return nodes.literal("", text)


def span(text: str, *classes: str) -> nodes.inline:
    """A piece of text with classes."""
    return nodes.inline("", text, classes=list(classes))


def code_block(text: str, language: str) -> nodes.literal_block:
    """A block of code."""
    return nodes.literal_block(text, text, language=language)


def table(
    header: Sequence[Content], rows: Iterable[Sequence[Content]], *classes: str, widths: Sequence[int] = ()
) -> nodes.table:
    """A table; `widths` are relative."""
    group = nodes.tgroup(cols=len(header))
    for width in widths or [1] * len(header):
        group += nodes.colspec(colwidth=width)
    group += nodes.thead("", _row(header))
    group += nodes.tbody("", *(_row(row) for row in rows))
    return nodes.table("", group, classes=list(classes))


def _row(cells: Sequence[Content]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", paragraph(cell)) for cell in cells))


def bullets(items: Iterable[Content]) -> nodes.bullet_list:
    """A list."""
    return nodes.bullet_list("", *(nodes.list_item("", paragraph(item)) for item in items))
