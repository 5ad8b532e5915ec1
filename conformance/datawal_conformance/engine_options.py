"""How cases are run: what the engine and the running of one case alone share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

STOP_PAUSE: Final = 0.2
"""Longest wait, in seconds, before looking whether somebody wants to stop."""


class StoppedError(Exception):
    """Somebody asked the engine to stop."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How cases are run.

    `timeout` is in seconds and counts from the adapter's last answer, `window` is the number of cases in flight,
    `isolate` gives every case processes of its own. `trace`, when given, is told of every line sent and received.
    `stopped` is asked between answers; once it says so, the engine drops what is in flight and returns.
    """

    command: Sequence[str]
    workdir: str
    timeout: float = 10.0
    window: int = 32
    isolate: bool = False
    trace: Callable[[str, bytes], None] | None = None
    stopped: Callable[[], bool] = lambda: False

    def check_stop(self) -> None:
        """Raise StoppedError when somebody wants to stop."""
        if self.stopped():
            raise StoppedError
