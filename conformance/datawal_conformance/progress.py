"""The live line on a terminal: how far, how fast, how many failures, how long still."""

import time
from typing import TextIO

from datawal_conformance.verdict import AGAINST, CaseResult

_REDRAW_SECONDS = 0.1
_SECONDS_TO_TELL_A_RATE = 0.5
"""Before, the first results would have the rest last for hours."""


class Progress:
    """Counts results and keeps one line of a terminal up to date; silent where the stream is no terminal."""

    def __init__(self, total: int, stream: TextIO) -> None:
        self._total = total
        self._stream = stream
        self._live = stream.isatty()
        self._done = 0
        self._failures = 0
        self._started = time.monotonic()
        self._drawn = 0.0

    def __call__(self, result: CaseResult) -> None:
        """Count one result."""
        self._done += 1
        self._failures += result.outcome in AGAINST
        if self._live and time.monotonic() - self._drawn > _REDRAW_SECONDS:
            self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        elapsed = max(self._drawn - self._started, 1e-9)
        rate = self._done / elapsed
        left = f", {(self._total - self._done) / rate:.0f} s left" if elapsed > _SECONDS_TO_TELL_A_RATE else ""
        self._stream.write(f"\r{self._done}/{self._total} cases, {rate:.0f}/s, {self._failures} against{left}\x1b[K")
        self._stream.flush()

    def finish(self) -> None:
        """Take the line away."""
        if self._live:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
