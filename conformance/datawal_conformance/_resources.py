"""Where the kit's data lies: beside the package when installed, in the checkout when developing."""

from pathlib import Path

from datawal_conformance.errors import ResourceError

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1]


def _first_existing(what: str, candidates: tuple[Path, ...]) -> Path:
    for candidate in candidates:
        if candidate.exists():
            return candidate
    tried = ", ".join(str(candidate) for candidate in candidates)
    raise ResourceError(what, tried)


def vectors_dir(chosen: Path | None = None) -> Path:
    """The folder with `cases/` and `schema/`: the chosen one, the packaged one, or the checkout's.

    Raises ResourceError when there is none.
    """
    if chosen is not None:
        return _first_existing("vectors", (chosen,))
    return _first_existing("vectors", (_PACKAGE / "vectors", _CHECKOUT / "vectors"))


def reference_adapter() -> Path:
    """The adapter script of the embedded reference; raises ResourceError when it is not there."""
    tail = Path("adapters") / "python" / "adapter.py"
    return _first_existing("the reference adapter", (_PACKAGE / tail, _PACKAGE.parent / tail))
