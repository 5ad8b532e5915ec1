"""`markdown::` includes a Markdown file of the checkout, so that it stays the only source of what it says.

The file's own title is left out: the page that includes it has one.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from docutils import nodes
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from datawal_docs import build, data

_PARSER: Final = MarkdownIt("commonmark").enable("table")

_PAGES: Final = {
    "PROTOCOL.md": "protocol",
    "CASES.md": "case-model",
}
"""Where on the site the files are that others link to."""


def convert(text: str) -> list[nodes.Node]:
    """Markdown as docutils nodes; headings below the first become sections."""
    return list(_blocks(SyntaxTreeNode(_PARSER.parse(text)).children))


def _blocks(children: list[SyntaxTreeNode]) -> Iterator[nodes.Node]:
    section: nodes.section | None = None
    for child in children:
        if child.type == "heading":
            if child.tag == "h1":
                continue
            if section is not None:
                yield section
            title = nodes.title("", "", *_inline(child.children[0]))
            name = nodes.make_id(title.astext())
            section = nodes.section("", title, ids=[name], names=[name])
        elif section is not None:
            section += _block(child)
        else:
            yield _block(child)
    if section is not None:
        yield section


def _block(node: SyntaxTreeNode) -> nodes.Node:
    match node.type:
        case "paragraph":
            return nodes.paragraph("", "", *_inline(node.children[0]))
        case "fence" | "code_block":
            return build.code_block(node.content.rstrip("\n"), _language(node))
        case "bullet_list" | "ordered_list":
            items = [nodes.list_item("", *_blocks(item.children)) for item in node.children]
            kind = nodes.bullet_list if node.type == "bullet_list" else nodes.enumerated_list
            return kind("", *items)
        case "table":
            head, *bodies = node.children
            [header] = [[_inline(cell.children[0]) for cell in row.children] for row in head.children]
            rows = [[_inline(cell.children[0]) for cell in row.children] for body in bodies for row in body.children]
            return build.table(header, rows, "wraps")
        case other:
            msg = f"the converter knows no Markdown {other}"
            raise ValueError(msg)


def _language(node: SyntaxTreeNode) -> str:
    """The language of a block of code; what only looks like JSON, with dots where something is left out, is text."""
    if node.info == "json":
        decoder = json.JSONDecoder()
        rest = node.content.strip()
        try:
            while rest:
                rest = rest[decoder.raw_decode(rest)[1] :].strip()
        except ValueError:
            return "text"
    return node.info or "text"


def _inline(node: SyntaxTreeNode) -> list[nodes.Node]:
    found: list[nodes.Node] = []
    for child in node.children:
        match child.type:
            case "text":
                found += build.inline(child.content)
            case "softbreak":
                found.append(nodes.Text("\n"))
            case "code_inline":
                found.append(nodes.literal("", child.content))
            case "em":
                found.append(nodes.emphasis("", "", *_inline(child)))
            case "strong":
                found.append(nodes.strong("", "", *_inline(child)))
            case "link":
                page = _PAGES.get(Path(str(child.attrs["href"])).name)
                inner = _inline(child)
                found += [build.link_to(page, nodes.inline("", "", *inner))] if page else inner
            case other:
                msg = f"the converter knows no Markdown {other}"
                raise ValueError(msg)
    return found


class MarkdownDirective(SphinxDirective):
    """A Markdown file, by its path in the checkout."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Convert the file."""
        path = data.ROOT / self.arguments[0]
        self.env.note_dependency(str(path))
        return convert(path.read_text("utf-8"))


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("markdown", MarkdownDirective)
