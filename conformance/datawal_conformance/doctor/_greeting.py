"""What helps an adapter that does not start, or does not answer hello."""

from pathlib import Path

from datawal_conformance.doctor._blame import for_a_stray_line
from datawal_conformance.errors import (
    AdapterDiedError,
    AdapterStartError,
    AdapterTimeoutError,
    AnswerError,
    ProtocolError,
)


def how_to_start(program: str, error: AdapterStartError) -> str:
    """Advice for a command that could not be started."""
    if " " in program:
        return "Give the command as you would type it, without quotes around it."
    if isinstance(error.__cause__, PermissionError):
        return f"Make it executable (chmod +x {program}), or put the program that runs it in front."
    if "/" not in program and Path(program).exists():
        return f"It is in this directory: write ./{program}"
    return f"Is it built, and is that its path as seen from {Path.cwd()}?"


def how_to_greet(error: ProtocolError) -> str:
    """Advice for an adapter that did not greet as it should."""
    text = str(error)
    if isinstance(error.__cause__, AdapterTimeoutError):
        return "Answer the first line at once, and flush."
    if isinstance(error.__cause__, AdapterDiedError):
        return "The adapter stays until its stdin ends; what it lacks to start should be on its stderr."
    if isinstance(error.__cause__, AnswerError) or "expected one line" in text:
        return for_a_stray_line(error)
    if "unknown capabilities" in text:
        return "Name only these; whatever else the implementation can do needs no name."
    return "PROTOCOL.md shows the answer to hello, with every member it needs."
