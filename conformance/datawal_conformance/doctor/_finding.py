"""A finding of the doctor, and whose matter it can be."""

from dataclasses import dataclass
from typing import Final

ADAPTER: Final = "adapter"
IMPLEMENTATION: Final = "implementation"
EITHER: Final = "adapter or implementation"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what, whose matter it is, and what is wrong with it (nothing when all is well)."""

    what: str
    problem: str = ""
    whose: str = ADAPTER
    advice: str = ""
    skipped: str = ""
