"""What reaches a terminal."""

from hypothesis import given
from hypothesis import strategies as st

from datawal_conformance.terminal import stderr_excerpt


def test_short_stderr_is_shown_whole():
    assert stderr_excerpt("one\ntwo\n") == ["one", "two"]


def test_long_stderr_keeps_its_first_line_where_a_panic_says_why():
    text = "panic: not written yet\n\n" + "".join(f"\tframe {number}\n" for number in range(30)) + "exit status 2\n"
    shown = stderr_excerpt(text)
    assert shown[0] == "panic: not written yet"
    assert shown[-1] == "exit status 2"
    assert "... (28 lines left out)" in shown


@given(st.text(), st.integers(3, 12))
def test_excerpt_is_bounded_and_free_of_tabs(text: str, most: int):
    shown = stderr_excerpt(text, most)
    assert len(shown) <= most
    assert not any("\t" in line for line in shown)
