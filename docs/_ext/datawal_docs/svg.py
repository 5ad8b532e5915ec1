"""A sheet to draw on: shapes with class names, coloured by the style sheet so that light and dark both work."""

from html import escape
from typing import Final

LINE: Final = 17
"""Distance of two lines of text, in pixels."""

_ARROW: Final = 7
_UPRIGHT: Final = 3.5


class Sheet:
    """One drawing of `width` by `height` pixels; `title` is what a screen reader says."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width = width
        self.height = height
        self.title = title
        self._parts: list[str] = []

    def box(self, at: tuple[float, float], size: tuple[float, float], kind: str = "box", radius: float = 4) -> None:
        """A rectangle."""
        (x, y), (width, height) = at, size
        self._parts.append(
            f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius:g}"/>'
        )

    def text(self, x: float, y: float, text: str, kind: str = "", anchor: str = "middle") -> None:
        """A line of text; `y` is its baseline."""
        self._parts.append(f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>')

    def label(
        self,
        at: tuple[float, float],
        size: tuple[float, float],
        lines: list[str],
        kind: str = "box",
        words: str = "",
        first: str = "",
    ) -> None:
        """A box with lines of text in its middle; the first is set strong when there are more.

        `kind` is the class of the box, `words` of all lines, `first` of the first one.
        """
        self.box(at, size, kind)
        x = at[0] + size[0] / 2
        y = at[1] + size[1] / 2 - LINE * (len(lines) - 1) / 2 + 4.5
        for number, line in enumerate(lines):
            weight = f"strong {first}" if number == 0 and len(lines) > 1 else "small soft" if number else ""
            self.text(x, y + number * LINE, line, f"{weight} {words}".strip())

    def path(self, points: list[tuple[float, float]], *, arrow: bool = True) -> None:
        """A line through points, with an arrow head at its end."""
        d = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
        self._parts.append(f'<path class="line" d="{d}"/>')
        if arrow:
            self._head(points[-2], points[-1])

    def _head(self, before: tuple[float, float], tip: tuple[float, float]) -> None:
        (x0, y0), (x, y) = before, tip
        length = max(((x - x0) ** 2 + (y - y0) ** 2) ** 0.5, 1)
        dx, dy = (x - x0) / length * _ARROW, (y - y0) / length * _ARROW
        wing = _UPRIGHT / _ARROW
        points = [(x, y), (x - dx - dy * wing, y - dy + dx * wing), (x - dx + dy * wing, y - dy - dx * wing)]
        self._parts.append(f'<polygon class="head" points="{" ".join(f"{px:.1f},{py:.1f}" for px, py in points)}"/>')

    def svg(self) -> str:
        """The drawing as an element to put into a page."""
        return (
            f'<svg viewBox="0 0 {self.width:g} {self.height:g}" width="{self.width:g}" role="img" '
            f'aria-label="{escape(self.title)}"><title>{escape(self.title)}</title>{"".join(self._parts)}</svg>'
        )
