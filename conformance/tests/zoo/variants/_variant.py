"""What a variant is, and how the modules of this folder are found."""

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
ADAPTER = HERE.parents[2] / "adapters" / "python" / "adapter.py"


@dataclass(frozen=True, slots=True)
class Variant:
    """A named way to break the reference.

    `clause` is the one it breaks, `does` says in a sentence what a port that is wrong in this way does, `apply`
    patches the reference (or, where a clause is about answers, the adapter module it gets) in this process.
    """

    name: str
    clause: str
    does: str
    apply: Callable[[ModuleType], None]


def load_module(path: Path, name: str) -> ModuleType:
    """Import a file that is in no package."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def load_adapter() -> ModuleType:
    """The reference's adapter, not yet running."""
    return load_module(ADAPTER, "reference_adapter")
