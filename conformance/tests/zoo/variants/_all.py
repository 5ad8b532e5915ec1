"""All variants by name."""

import importlib
from pathlib import Path

from _variant import Variant


def _collect() -> dict[str, Variant]:
    found: dict[str, Variant] = {}
    for path in sorted(Path(__file__).parent.glob("variants_*.py")):
        for variant in importlib.import_module(path.stem).VARIANTS:
            assert variant.name not in found, f"two variants are called {variant.name}"
            found[variant.name] = variant
    return found


VARIANTS: dict[str, Variant] = _collect()
