"""What may reach a terminal: colour only where wanted, foreign text without control characters."""

import os
import re
from typing import TextIO

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CODES = {"red": "31", "green": "32", "yellow": "33", "bold": "1", "dim": "2"}


def harmless(text: str, limit: int = 2000) -> str:
    """Foreign text with control characters spelled out, cut to `limit` characters with a note of the cut."""
    cut = text[:limit] + (f"... ({len(text)} characters)" if len(text) > limit else "")
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", cut)


def stderr_excerpt(text: str, most: int = 6) -> list[str]:
    """The lines of a stderr that tell most: the first, where many languages name what was wrong, and the last.

    Foreign text as it came, tabs as blanks; what is left out between is said on a line of its own.
    """
    lines = text.expandtabs(2).splitlines()
    if len(lines) <= most:
        return lines
    head = most // 2
    tail = most - head - 1
    return [*lines[:head], f"... ({len(lines) - head - tail} lines left out)", *lines[-tail:]]


def wants_colour(stream: TextIO) -> bool:
    """Whether to colour what goes to the stream: a terminal, and NO_COLOR not set (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class Paint:
    """Colours words, or leaves them alone."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled

    def __call__(self, text: str, *styles: str) -> str:
        """The text in these styles (red, green, yellow, bold, dim)."""
        if not self._enabled or not styles:
            return text
        codes = ";".join(_CODES[style] for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m"
