"""The live line on a terminal: how far, how fast, how many failures, how long still."""

import time
from typing import TextIO

from datawal_conformance.verdict import AGAINST, CaseResult

_REDRAW_SECONDS = 0.1


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
        rate = self._done / max(self._drawn - self._started, 1e-9)
        left = (self._total - self._done) / rate
        self._stream.write(
            f"\r{self._done}/{self._total} cases, {rate:.0f}/s, {self._failures} against, {left:.0f} s left\x1b[K"
        )
        self._stream.flush()

    def finish(self) -> None:
        """Take the line away."""
        if self._live:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
