"""What the site draws from the code: clauses, tables, diagrams, the command line, schemas, results.

Nothing here states a fact of the format or of the kit; each directive reads one from where it is defined.
"""

from sphinx.application import Sphinx

from datawal_docs import (
    annotated,
    build,
    clauses,
    commandline,
    diagrams,
    errata,
    markdown,
    results,
    schema,
    tables,
)

__all__ = ["setup"]


def setup(app: Sphinx) -> dict[str, bool | str]:
    """Register every directive and role."""
    for module in (clauses, tables, diagrams, commandline, markdown, schema, results, errata, annotated):
        module.setup(app)
    app.connect("missing-reference", build.resolve)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
