"""Run the reference's adapter with one variant applied: `python conformance/tests/zoo/variants NAME`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _all import VARIANTS
from _variant import load_adapter

if __name__ == "__main__":
    adapter = load_adapter()
    VARIANTS[sys.argv[1]].apply(adapter)
    adapter.main()
