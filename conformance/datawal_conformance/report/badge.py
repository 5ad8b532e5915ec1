"""The badge: a small SVG that says how an implementation stands."""

from html import escape

from datawal_conformance.exitcodes import ExitCode, exit_code
from datawal_conformance.report._common import conformant_profiles, headline, one_line, tested_profiles
from datawal_conformance.verdict import Outcome, RunRecord

_LABEL = "datawal"
_COLOURS = {"good": "#1f7a3d", "warn": "#8a6100", "bad": "#b3261e", "mute": "#57606a"}
"""Fill behind the message, by tone; white text on each has a contrast above 4.5."""

_NARROW = frozenset("iljtfr,.:;/|!'() ")
_HEIGHT = 20
_PADDING = 7


def badge_report(record: RunRecord) -> str:
    """The badge of a run, as an SVG document."""
    message, tone = _message(record)
    left, right = _width(_LABEL), _width(message)
    hello = record.hello
    whose = f"{one_line(hello.implementation, 60)} {one_line(hello.version, 60)}"
    title = escape(f"{_LABEL}: {message} ({whose}, kit {one_line(record.kit_version, 60)})")
    size = f'width="{left + right}" height="{_HEIGHT}"'
    return f"""<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}">
<title>{title}</title>
<clipPath id="r"><rect {size} rx="3"/></clipPath>
<g clip-path="url(#r)">
<rect width="{left}" height="{_HEIGHT}" fill="#3b4149"/>
<rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{_COLOURS[tone]}"/>
</g>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" aria-hidden="true">
<text x="{_PADDING}" y="14" textLength="{left - 2 * _PADDING}">{escape(_LABEL)}</text>
<text x="{left + _PADDING}" y="14" textLength="{right - 2 * _PADDING}">{escape(message)}</text>
</g>
</svg>
"""


def _message(record: RunRecord) -> tuple[str, str]:
    """Words and tone. A run that left cases out earns no claim, whatever came of the others."""
    code = exit_code(record)
    tone = headline(record).tone
    if code in _BY_CODE:
        return _BY_CODE[code], tone
    if code is ExitCode.CONFORMANT and record.filtered:
        return "partial run", "mute"
    word = "not conformant" if code is ExitCode.NOT_CONFORMANT else "conformant"
    if code is ExitCode.CONFORMANT and record.counts[Outcome.KNOWN_DEVIATION]:
        word = "known deviations"
    return f"{word} {conformant_profiles(record)}/{len(tested_profiles(record))} profiles", tone


_BY_CODE = {
    ExitCode.ADAPTER_BROKEN: "adapter broken",
    ExitCode.INTERRUPTED: "run interrupted",
    ExitCode.NOTHING_RAN: "nothing ran",
    ExitCode.DEVIATIONS_STALE: "deviations file stale",
}
"""Messages that name no profiles, since the run tells nothing certain about them."""


def _width(text: str) -> int:
    """Width in pixels of the text at 11 px, and the space around it."""
    return round(sum(4.0 if char in _NARROW else 7.0 for char in text)) + 2 * _PADDING
