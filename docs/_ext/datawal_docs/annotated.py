"""`annotated::` shows the bytes of a segment, given as hex, field by field."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from datawal_docs import build
from datawal_spec import annotate

_SHOWN = 16


class AnnotatedDirective(SphinxDirective):
    """A table with a row for each field; the content of the directive is hex."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Annotate the bytes."""
        segment = bytes.fromhex("".join(self.content))
        rows: list[list[build.Content]] = []
        for field in annotate(segment):
            shown = field.data[:_SHOWN].hex(" ") + (" ..." if len(field.data) > _SHOWN else "")
            meaning = build.inline(field.meaning + (f" ({field.broken.clause})" if field.broken else ""))
            if field.broken:
                meaning = [nodes.inline("", "", *meaning, classes=["bad-cell"])]
            rows.append([str(field.offset), shown, field.name, meaning])
        return [build.table(["offset", "bytes", "field", "meaning"], rows, "hex", widths=[1, 6, 2, 5])]


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("annotated", AnnotatedDirective)
