"""`json-schema::` shows a JSON Schema of the checkout as tables of members, and the file itself to download."""

import json
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from datawal_docs import build, data


class SchemaDirective(SphinxDirective):
    """One table an object of the schema."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Walk through the schema."""
        path = data.ROOT / self.arguments[0]
        self.env.note_dependency(str(path))
        document = json.loads(path.read_text("utf-8"))
        found: list[nodes.Node] = []
        if text := document.get("description"):
            found.append(build.paragraph(text))
        for name, schema in _objects("the document", document):
            found.append(nodes.rubric("", "", build.code(name)))
            required = set(schema.get("required", []))
            rows = [
                [
                    build.code(member),
                    "yes" if member in required else "",
                    _type(part),
                    str(part.get("description", "")),
                ]
                for member, part in schema["properties"].items()
            ]
            found.append(build.table(["member", "required", "type", "meaning"], rows, "wraps", widths=[3, 2, 6, 6]))
        return found


def _objects(name: str, schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object with named members, by where it is: the document, a definition, or a member of either."""
    if not isinstance(schema, dict):
        return
    if "properties" in schema and "type" in schema:
        yield name, schema
    for member, part in schema.get("properties", {}).items():
        yield from _objects(member if name == "the document" else f"{name}.{member}", part)
    if isinstance(schema.get("items"), dict):
        yield from _objects(f"{name}[]", schema["items"])
    for definition, part in schema.get("$defs", {}).items():
        yield from _objects(definition, part)


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return f"`{str(schema['$ref']).rpartition('/')[2]}`"
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return "one of " + ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    kinds = schema.get("type", "see the schema")
    text = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    if text == "array" and isinstance(schema.get("items"), dict):
        return f"array of {_type(schema['items'])}"
    if "pattern" in schema and len(schema["pattern"]) < 40:  # noqa: PLR2004 - a long one explains nothing
        text += f", matches `{schema['pattern']}`"
    return text


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("json-schema", SchemaDirective)
