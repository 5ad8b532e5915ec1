"""`diagram::` draws a picture: the frame from the grammar, the judgement from its table, and so on."""

from collections.abc import Callable
from html import escape
from typing import Final

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from datawal_docs.svg import Sheet
from datawal_docs.tables import field_types
from datawal_spec import (
    FIRST_SEGMENT_ID,
    LOCK_NAME,
    RULES,
    STRUCTURAL_KINDS,
    TAIL_DAMAGE_KINDS,
    frame_spans,
    segment_name,
)

_ROW_BYTES: Final = 8
_CELL: Final = 72
_ROW: Final = 46
_LEFT: Final = 104


def _fill(name: str) -> str:
    return name if name in {"key", "payload", "crc"} else "header"


def frame() -> Sheet:
    """Eight bytes a row, as the grammar lays them out; parts of variable size take a row of their own."""
    spans = frame_spans(0, 0)
    types = field_types()
    letters = dict(zip((span.name for span in spans if not span.size), "KP", strict=True))
    rows = sum(not span.size or span.start % _ROW_BYTES == 0 for span in spans)
    sheet = Sheet(_LEFT + _ROW_BYTES * _CELL + 8, 30 + rows * _ROW + 8, "The fields of a frame, eight bytes a row")
    for column in range(_ROW_BYTES):
        sheet.text(_LEFT + (column + 0.5) * _CELL, 18, str(column), "small soft")
    sheet.text(_LEFT - 14, 18, "offset", "small soft", "end")
    y = 28.0 - _ROW
    offset = ""
    for span in spans:
        column = 0 if not span.size else span.start % _ROW_BYTES
        if column == 0:
            y += _ROW
            sheet.text(_LEFT - 14, y + _ROW / 2 + 4, f"{span.start}{offset}", "small mono soft", "end")
        width = span.size or _ROW_BYTES
        at = (_LEFT + column * _CELL, y)
        sheet.box(at, (width * _CELL, _ROW), _fill(span.name), 0)
        middle = at[0] + width * _CELL / 2
        size = f"{span.size} bytes" if span.size > 1 else "1 byte" if span.size else f"{letters[span.name]} bytes"
        kind = types[span.name]
        note = f"{kind}, little-endian" if kind[0] == "u" and width > 2 else kind if kind[0] == "u" else size  # noqa: PLR2004
        sheet.text(middle, y + _ROW / 2 - 2, span.name.removeprefix("record_"), "strong mono")
        sheet.text(middle, y + _ROW / 2 + 14, note, "small soft")
        if not span.size:
            offset += f" + {letters[span.name]}"
    return sheet


def log() -> Sheet:
    """A directory with two sealed segments and an active one that ends torn."""
    sheet = Sheet(680, 268, "A log on disk: a directory with a lock file and three segments")
    sheet.box((6, 8), (668, 252), "room", 8)
    sheet.text(22, 32, "the log's directory", "strong", "start")
    sheet.text(22, 62, LOCK_NAME, "mono", "start")
    sheet.text(152, 62, "held by the one writer; not a segment", "small soft", "start")
    strips = [(FIRST_SEGMENT_ID, [150, 90, 170]), (FIRST_SEGMENT_ID + 1, []), (FIRST_SEGMENT_ID + 2, [120, 150])]
    notes = ["sealed: every frame must be sound", "empty: legal at every place", "the last one, active: may end torn"]
    y = 80.0
    for (number, frames), note in zip(strips, notes, strict=True):
        sheet.text(22, y + 22, segment_name(number), "mono", "start")
        x = 152.0
        for width in frames:
            _strip(sheet, (x, y), width)
            x += width + 2
        if number == strips[-1][0]:
            sheet.box((x, y), (62, 32), "bad-box", 0)
            sheet.text(x + 31, y + 20, "torn", "small bad")
            sheet.path([(x, y + 48), (x, y + 35)])
            sheet.text(x, y + 60, "the log ends here", "small soft")
        if not frames:
            sheet.box((x, y), (3, 32), "header", 0)
            x += 10
        sheet.text(152, y + 46, note, "small soft", "start")
        y += 58
    return sheet


def _strip(sheet: Sheet, at: tuple[float, float], width: float) -> None:
    """One frame, seen from afar: header, key, payload, checksum."""
    x, y = at
    for kind, part in (("header", 0.34), ("key", 0.16), ("payload", 0.38), ("crc", 0.12)):
        sheet.box((x, y), (width * part, 32), kind, 0)
        x += width * part


def judgement() -> Sheet:
    """The rules in their order, each with the fault it finds."""
    step, top = 60, 58
    sheet = Sheet(680, top + len(RULES) * step + 46, "The order of judgement: the first fault found decides")
    sheet.label((14, 8), (330, 32), ["an offset before the end of a segment"], "box")
    sheet.path([(179, 40), (179, top)])
    for number, rule in enumerate(RULES):
        y = top + number * step
        sheet.label((14, y), (330, 46), [rule.field, rule.expected], "box", first="mono")
        sheet.path([(179, y + 46), (179, y + step)])
        sheet.text(188, y + 57, "yes", "small soft", "start")
        sheet.path([(344, y + 23), (402, y + 23)])
        sheet.text(372, y + 17, "no", "small soft")
        tone = "warn" if rule.tail_damage else "bad"
        sort = "tail damage" if rule.tail_damage else "structural"
        sheet.label((402, y), (264, 46), [rule.kind, f"{sort}, {rule.clause}"], f"{tone}-box", tone, first="mono")
    y = top + len(RULES) * step
    sheet.label((14, y), (330, 34), ["a record; the next frame starts behind it"], "good-box", "good")
    return sheet


def recovery() -> Sheet:
    """What an open does, from segment to segment."""
    sheet = Sheet(700, 372, "Recovery as a state diagram")
    tail = " or ".join(sorted(TAIL_DAMAGE_KINDS))
    sheet.label((20, 16), (200, 46), ["segments, ascending", "from the listing alone"])
    sheet.label((20, 126), (200, 46), ["judge the frame", "at the offset"])
    sheet.label((20, 310), (200, 46), ["open", "report, next txid"], "good-box", "good")
    sheet.label((264, 126), (180, 46), ["a record", "counts; go on behind it"], "good-box", "good")
    sheet.label((264, 222), (180, 46), ["damaged end", tail], "warn-box", "warn")
    sheet.label((500, 222), (186, 46), ["the open fails", "no byte was changed"], "bad-box", "bad")
    sheet.path([(80, 62), (80, 126)])
    sheet.text(88, 92, "next one, offset 0", "small soft", "start")
    sheet.path([(220, 142), (264, 142)])
    sheet.path([(264, 160), (220, 160)])
    sheet.path([(200, 126), (200, 62)])
    sheet.text(208, 92, "the segment ends", "small soft", "start")
    sheet.path([(10 + 130, 172), (10 + 130, 245), (264, 245)])
    sheet.text(148, 238, "tail damage", "small soft", "start")
    sheet.path([(444, 245), (500, 245)])
    sheet.text(472, 238, "not last", "small soft")
    sheet.path([(354, 268), (354, 333), (220, 333)])
    sheet.text(362, 304, "last segment: the log ends in front of it", "small soft", "start")
    sheet.path([(180, 172), (180, 196), (593, 196), (593, 222)])
    sheet.text(390, 190, f"one of the {len(STRUCTURAL_KINDS)} structural kinds", "small soft")
    sheet.path([(20, 39), (8, 39), (8, 333), (20, 333)])
    sheet.text(16, 290, "no segment left", "small soft", "start")
    return sheet


def rooms() -> Sheet:
    """The parts of the project and how the runner reaches an implementation."""
    sheet = Sheet(700, 360, "The rooms of the project and how a verdict is made")
    sheet.label((20, 16), (190, 60), ["spec/", "grammar, limits, judgement,", "clauses"])
    sheet.label((20, 150), (190, 46), ["reference/", "import datawal"])
    sheet.label((480, 16), (200, 60), ["vectors/", "cases as JSON,", "outcomes stated"])
    sheet.label((250, 150), (190, 46), ["conformance/", "the runner"])
    sheet.label((480, 150), (200, 46), ["verdict and reports", "text, JSON, JUnit, HTML ..."], "good-box", "good")
    sheet.label((250, 278), (190, 46), ["adapter", "about 100 lines"], "key")
    sheet.label((480, 278), (200, 46), ["any implementation", "in any language"], "payload")
    sheet.path([(115, 150), (115, 76)])
    sheet.path([(300, 150), (300, 46), (210, 46)])
    sheet.text(308, 100, "imports", "small soft", "start")
    sheet.text(123, 116, "imports", "small soft", "start")
    sheet.path([(390, 150), (390, 46), (480, 46)])
    sheet.text(398, 100, "reads", "small soft", "start")
    sheet.path([(440, 173), (480, 173)])
    sheet.path([(320, 196), (320, 278)])
    sheet.path([(370, 278), (370, 196)])
    sheet.text(312, 232, "requests,", "small soft", "end")
    sheet.text(312, 247, "JSON lines", "small soft", "end")
    sheet.text(378, 240, "answers", "small soft", "start")
    sheet.path([(440, 301), (480, 301)])
    sheet.path([(250, 301), (115, 301), (115, 196)])
    sheet.text(123, 262, "its own adapter", "small soft", "start")
    sheet.text(350, 350, "The runner never imports an implementation, the reference included.", "small soft")
    return sheet


def one_case() -> Sheet:
    """What happens to one case."""
    sheet = Sheet(700, 150, "What happens to one case")
    boxes = [
        (["given", "files are laid out"], "box"),
        (["steps", "sent as one request"], "box"),
        (["answer", "one result a step"], "box"),
        (["compare", "answers, then files"], "box"),
        (["outcome", "passed, failed ..."], "good-box"),
    ]
    for number, (lines, kind) in enumerate(boxes):
        x = 14 + number * 138
        sheet.label((x, 24), (120, 50), lines, kind)
        if number:
            sheet.path([(x - 18, 49), (x, 49)])
    sheet.path([(14 + 138 + 60, 74), (14 + 138 + 60, 112), (14 + 2 * 138 + 60, 112), (14 + 2 * 138 + 60, 74)])
    sheet.text(14 + 1.5 * 138 + 60, 130, "the adapter; a crash or a hang is never a rejection", "small soft")
    return sheet


_SHEETS: Final[dict[str, Callable[[], Sheet]]] = {
    make.__name__.replace("_", "-"): make for make in (frame, log, judgement, recovery, rooms, one_case)
}


class DiagramDirective(SphinxDirective):
    """One picture, by its name; the content is the caption."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Draw."""
        make = _SHEETS.get(self.arguments[0])
        if make is None:
            msg = f"there is no diagram {self.arguments[0]}; there are {', '.join(_SHEETS)}"
            raise self.error(msg)
        caption = escape(" ".join(self.content))
        caption = f"<figcaption>{caption}</figcaption>" if caption else ""
        html = f'<figure class="dw-figure" tabindex="0">{make().svg()}{caption}</figure>'
        return [nodes.raw("", html, format="html")]


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("diagram", DiagramDirective)


__all__ = ["setup"]
