"""The live line of a run."""

import io

import pytest

from datawal_conformance import progress
from datawal_conformance.progress import Progress
from datawal_conformance.verdict import CaseResult, Outcome


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that the line goes by; a test moves it on."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def result(outcome: Outcome = Outcome.PASSED) -> CaseResult:
    return CaseResult("recovery.x@n=1", "recovery", ("REC-1",), outcome, 0.0)


def test_nothing_is_written_where_the_stream_is_no_terminal(clock: list[float]):
    stream = io.StringIO()
    line = Progress(10, stream)
    clock[0] += 5
    line(result())
    line.finish()
    assert stream.getvalue() == ""


def test_line_tells_how_far_how_fast_what_fails_and_how_long(clock: list[float]):
    stream = Terminal()
    line = Progress(10, stream)
    line(result(Outcome.FAILED))
    line(result())
    line(result())
    clock[0] += 1
    line(result())
    assert stream.getvalue().endswith("\r4/10 cases, 4/s, 1 against, 2 s left\x1b[K")


def test_time_left_is_not_guessed_from_the_first_results(clock: list[float]):
    stream = Terminal()
    line = Progress(1000, stream)
    clock[0] += 0.3
    line(result())
    assert "1/1000 cases" in stream.getvalue()
    assert "left" not in stream.getvalue()


def test_line_is_taken_away_at_the_end(clock: list[float]):
    stream = Terminal()
    line = Progress(1, stream)
    clock[0] += 1
    line(result())
    line.finish()
    assert stream.getvalue().endswith("\r\x1b[K")
