"""The badge: a well-formed SVG whose words and colour follow the verdict."""

from xml.etree import ElementTree as ET

import pytest

from datawal_conformance.report import badge_report
from datawal_conformance.verdict import RunRecord
from datawal_spec import all_profiles

from .test_report_records import RECORDS, for_any_text, hostile_record, make_record, make_result

SVG = "{http://www.w3.org/2000/svg}"


def texts(record: RunRecord) -> list[str | None]:
    return [element.text for element in ET.fromstring(badge_report(record)).iter(f"{SVG}text")]


def colour(record: RunRecord) -> str:
    return list(ET.fromstring(badge_report(record)).iter(f"{SVG}rect"))[-1].attrib["fill"]


GREEN, AMBER, RED, GREY = "#1f7a3d", "#8a6100", "#b3261e", "#57606a"


@pytest.mark.parametrize(
    ("name", "message", "fill"),
    [
        ("passed", "conformant 1/1 profiles", GREEN),
        ("failed", "not conformant 1/2 profiles", RED),
        ("crashed", "not conformant 1/2 profiles", RED),
        ("known deviation", "known deviations 2/2 profiles", AMBER),
        ("stale", "deviations file stale", AMBER),
        ("incident", "adapter broken", RED),
        ("gave up", "adapter broken", RED),
        ("interrupted", "run interrupted", GREY),
        ("nothing", "nothing ran", GREY),
        ("unsupported", "nothing ran", GREY),
        ("filtered", "partial run", GREY),
    ],
)
def test_badge_says_how_the_implementation_stands(name: str, message: str, fill: str):
    assert texts(RECORDS[name]) == ["datawal", message]
    assert colour(RECORDS[name]) == fill


def test_all_profiles_earned():
    record = make_record(*[make_result(f"{profile}.hand@n=1") for profile in all_profiles()])
    assert texts(record) == ["datawal", "conformant 12/12 profiles"]


def test_title_tells_screen_readers_what_and_whose():
    root = ET.fromstring(badge_report(RECORDS["passed"]))
    title = "datawal: conformant 1/1 profiles (mylog 1.4.2, kit 0.1.0)"
    assert root.attrib["aria-label"] == title
    assert [element.text for element in root.iter(f"{SVG}title")] == [title]


@pytest.mark.parametrize("fill", [GREEN, AMBER, RED, GREY, "#3b4149"])
def test_white_text_on_the_badge_has_enough_contrast(fill: str):
    parts = [int(fill[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    assert 1.05 / (luminance + 0.05) >= 4.5


@for_any_text
def test_any_text_leaves_the_badge_well_formed_and_small(text: str):
    badge = badge_report(hostile_record(text))
    ET.fromstring(badge)
    assert len(badge.encode()) < 8000
