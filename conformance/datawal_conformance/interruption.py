"""Ctrl-C, and what else asks a run to end: noted first, so that nothing is cut off half done, and obeyed soon.

Raising from a signal handler would strike between starting an adapter and remembering it, or between two lines of a
report. A second request raises all the same, for people who do not want to wait.
"""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What asks a run to end."""


class Interruption:
    """Called, it says whether somebody asked the run to end."""

    def __init__(self) -> None:
        self._asked = False

    def __call__(self) -> bool:
        """Whether somebody asked."""
        return self._asked

    def note(self, _number: int, _frame: FrameType | None) -> None:
        """Handle a signal: note the first, raise KeyboardInterrupt for the second."""
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True


@contextlib.contextmanager
def noted_interruption() -> Iterator[Interruption]:
    """Note signals instead of being ended by them. Does nothing outside the main thread, which gets no signals."""
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.signal(number, interruption.note) for number in SIGNALS}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
