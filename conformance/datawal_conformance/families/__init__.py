"""What makes the case files: families of cases, each stating its outcomes from what it did to the bytes.

Nothing here asks an implementation, and nothing here decodes a frame.
"""

from datawal_conformance.families import (
    compaction,
    judgement,
    kv,
    lock,
    mistakes,
    poison,
    reader,
    realistic,
    recovery,
    recovery_more,
    safety,
    safety_edges,
    segments,
    wire,
    writer,
)
from datawal_conformance.families._model import Case, Family, collected

_MODULES = (
    wire,
    judgement,
    mistakes,
    segments,
    recovery,
    recovery_more,
    realistic,
    writer,
    reader,
    lock,
    poison,
    kv,
    compaction,
    safety,
    safety_edges,
)

FAMILIES: tuple[Family, ...] = tuple(collected(module.FAMILIES for module in _MODULES))
"""Every family, in the order of the specification."""


def case_files() -> dict[str, str]:
    """The text of every case file by its path below `cases/`."""
    return {family.path: family.text() for family in FAMILIES}


__all__ = ["FAMILIES", "Case", "Family", "case_files"]
