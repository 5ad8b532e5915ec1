"""The HTML page in a real browser: filters, keyboard, both colour schemes, narrow windows, nothing remote.

Chromium is driven through its DevTools pipe: JSON messages, each ended by a zero byte, on descriptors 3 and 4.
"""

import json
import os
import struct
import subprocess
import time
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from datawal_conformance.report import html_report
from datawal_conformance.verdict import Outcome, RunRecord

from .test_report_records import HOSTILE, RECORDS, bytes_differ, hostile_record, make_failure, make_record, make_result

pytestmark = [pytest.mark.toolchain("chromium"), pytest.mark.xdist_group("chromium")]

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe",
)  # fmt: skip

# Chromium reads commands from descriptor 3 and answers on 4; a shell puts the pipes there.
LAUNCH = 'exec chromium "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1'


class Browser:
    """One Chromium with one page."""

    def __init__(self, profile: Path) -> None:
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", LAUNCH, "chromium", *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            env=os.environ | {"HOME": str(profile), "XDG_CONFIG_HOME": str(profile), "XDG_CACHE_HOME": str(profile)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._number = 0
        self._rest = b""
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        deadline = time.monotonic() + 30
        pages: list[Any] = []
        while not pages:
            assert time.monotonic() < deadline
            targets = self.ask("Target.getTargets")["targetInfos"]
            pages = [target for target in targets if target["type"] == "page"]
        attached = self.ask("Target.attachToTarget", targetId=pages[0]["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "Accessibility"):
            self.ask(f"{domain}.enable")
        self.ask("Emulation.setFocusEmulationEnabled", enabled=True)

    def ask(self, method: str, **params: Any) -> Any:
        """Give one command and wait for its answer; events that come before it are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message).encode() + b"\0")
        self._process.stdin.flush()
        while True:
            answer = self._read()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _read(self) -> Any:
        assert self._process.stdout
        while b"\0" not in self._rest:
            part = os.read(self._process.stdout.fileno(), 1 << 20)
            assert part, "chromium ended"
            self._rest += part
        line, _zero, self._rest = self._rest.partition(b"\0")
        return json.loads(line)

    def open(self, page: Path, behind: str = "") -> None:
        """Load a page that no other test has loaded, and wait until it stands; events from before are forgotten."""
        self.events.clear()
        self.ask("Page.navigate", url=f"{page.as_uri()}{behind}")
        deadline = time.monotonic() + 30
        standing = f"location.pathname === {json.dumps(str(page))} && document.readyState === 'complete'"
        while self.ask("Runtime.evaluate", expression=standing)["result"].get("value") is not True:
            assert time.monotonic() < deadline

    def run(self, expression: str) -> Any:
        """The value of an expression in the page; tools are not bound by the page's policy."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press a key and let it go."""
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **common, **({"text": text} if text else {}))
        self.ask("Input.dispatchKeyEvent", type="keyUp", **common)

    def close(self) -> None:
        """End the browser, and everything it started."""
        with suppress(AssertionError, OSError):
            self._session = None
            self.ask("Browser.close")
        assert self._process.stdin
        assert self._process.stdout
        with suppress(OSError):
            self._process.stdin.close()
        self._process.stdout.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, 9)
        self._process.wait(10)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    chromium = Browser(tmp_path_factory.mktemp("profile"))
    yield chromium
    chromium.close()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Callable[..., Browser]:
    """Open the page of a record, with this behind the address, in a window this wide."""

    def open_page(record: RunRecord, behind: str = "", width: int = 1200, scheme: str = "light") -> Browser:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.html"
        path.write_text(html_report(record), "utf-8")
        browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        browser.open(path, behind)
        return browser

    return open_page


Show = Callable[..., Browser]


def mixed_record() -> RunRecord:
    """Five passes in each of two profiles, two failures, one crash, one deviation, two unsupported cases."""
    return make_record(
        *[make_result(f"wire.good@n={number}") for number in range(5)],
        *[make_result(f"kv.good@n={number}") for number in range(5)],
        make_failure(1, mismatch=bytes_differ(), step=2, step_title="scan log"),
        make_failure(2, mismatch=bytes_differ()),
        make_failure(3, Outcome.CRASHED, stderr="panic: index out of range"),
        make_failure(4, Outcome.KNOWN_DEVIATION, reason="by intent"),
        make_result("export.x@n=1", Outcome.UNSUPPORTED, message="needs export"),
        make_result("export.x@n=2", Outcome.UNSUPPORTED, message="needs export"),
    )


def cases_shown(browser: Browser) -> list[str]:
    found: list[str] = browser.run(
        "[...document.querySelectorAll('ul.cases li:not([hidden])')].map(e => e.textContent)"
    )
    return found


def status(browser: Browser) -> str:
    found: str = browser.run("document.getElementById('filter-status').textContent")
    return found


def test_page_shows_everything_and_offers_the_filter(show: Show):
    browser = show(mixed_record())
    assert status(browser) == "All 16 cases shown"
    assert len(cases_shown(browser)) == 16
    assert browser.run("document.getElementById('filter').hidden") is False


@pytest.mark.parametrize(
    ("behind", "number"),
    [
        ("#outcome=failed", 2),
        ("#outcome=failed,crashed", 3),
        ("#profile=kv", 5),
        ("#profile=wire&outcome=passed&q=n%3D3", 1),
        ("#q=BY+intent", 1),
        ("#profile=kv&outcome=failed", 0),
        ("#profile=nonsense", 16),
        ("#profile=%22%5D%3Cscript%3E", 16),
    ],
)
def test_address_sets_the_filter(show: Show, behind: str, number: int):
    browser = show(mixed_record(), behind)
    assert len(cases_shown(browser)) == number
    assert browser.run("document.getElementById('filter-profile').selectedIndex") >= 0
    assert status(browser) == ("All 16 cases shown" if number == 16 else f"{number} of 16 cases shown")


def test_filter_hides_failures_and_headings_that_are_empty(show: Show):
    browser = show(mixed_record(), "#outcome=crashed")
    assert browser.run("document.querySelectorAll('[data-failure]:not([hidden])').length") == 1
    assert browser.run("[...document.querySelectorAll('.profile:not([hidden])')].map(e => e.id)") == ["cases-recovery"]
    browser = show(mixed_record(), "#outcome=passed")
    assert browser.run("document.getElementById('failures').hidden") is True


def test_page_works_by_keyboard_alone(show: Show):
    """Tab leads to the skip link first; typing searches; Space presses an outcome; Enter opens a failure."""
    browser = show(mixed_record())
    browser.press("Tab", 9)
    assert browser.run("document.activeElement.className") == "skip"
    assert browser.run("document.activeElement.getBoundingClientRect().left") >= 0, "a focused skip link is seen"
    reached = []
    for _ in range(60):
        browser.press("Tab", 9)
        reached.append(browser.run("document.activeElement.id || document.activeElement.dataset.outcome || ''"))
        if reached[-1] == "filter-text":
            for char in "recovery":
                browser.press(char, ord(char.upper()), char)
        if reached[-1] == "crashed":
            assert browser.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            browser.press(" ", 32, " ")
            break
    assert cases_shown(browser) == ["recovery.hand@n=3"]
    assert browser.run("document.activeElement.getAttribute('aria-pressed')") == "true"
    assert browser.run("location.hash") == "#outcome=crashed&q=recovery"
    while browser.run("document.activeElement.tagName") != "SUMMARY":
        browser.press("Tab", 9)
    before = browser.run("document.activeElement.parentElement.open")
    browser.press("Enter", 13, "\r")
    assert browser.run("document.activeElement.parentElement.open") is not before


def test_controls_have_names(show: Show):
    browser = show(mixed_record())
    nodes = browser.ask("Accessibility.getFullAXTree")["nodes"]
    controls = [
        node
        for node in nodes
        if node.get("role", {}).get("value") in {"button", "searchbox", "combobox", "link", "table"}
    ]
    assert len(controls) > 10
    assert [node for node in controls if not node.get("name", {}).get("value")] == []


@pytest.mark.parametrize("name", RECORDS)
def test_page_asks_for_nothing_and_logs_no_error(show: Show, name: str):
    browser = show(RECORDS[name])
    browser.run("new Promise(done => setTimeout(done, 50))")
    asked = [
        event["params"]["request"]["url"]
        for event in browser.events
        if event.get("method") == "Network.requestWillBeSent"
    ]
    assert len(asked) == 1
    assert asked[0].startswith("file:")
    logged = [event for event in browser.events if event.get("method") in {"Log.entryAdded", "Runtime.exceptionThrown"}]
    assert logged == []


def test_hostile_text_stays_text(show: Show):
    browser = show(hostile_record(HOSTILE + "<img src=x onerror=alert(1)><b>x</b></pre></style></script>"))
    assert browser.run("document.querySelectorAll('img, b, script:not(:last-of-type)').length") == 0
    assert browser.run("document.scripts.length") == 1
    assert "<script>alert(1)</script>" in browser.run("document.body.innerText")


@pytest.mark.parametrize("width", [320, 400, 800, 1600])
@pytest.mark.parametrize("name", ["failed", "hostile", "stale"])
def test_page_never_scrolls_sideways(show: Show, name: str, width: int):
    browser = show(RECORDS[name], width=width)
    browser.run("document.querySelectorAll('details').forEach(e => e.open = true)")
    assert browser.run("document.documentElement.scrollWidth") <= width
    clipped = "[...document.querySelectorAll('main *:not(.scroll)')].filter(e => e.scrollWidth > e.clientWidth + 1"
    assert browser.run(f"{clipped} && getComputedStyle(e).display === 'block' && !e.closest('.scroll')).length") == 0
    wide = "[...document.querySelectorAll('.scroll')].map(e => getComputedStyle(e).overflowX)"
    assert set(browser.run(wide)) == {"auto"}, "what is too wide can be reached"


def test_page_is_readable_without_scripts(show: Show):
    browser = show(mixed_record())
    browser.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.ask("Page.reload")
        deadline = time.monotonic() + 20
        text = ""
        while "Every case" not in text:
            assert time.monotonic() < deadline
            nodes = browser.ask("Accessibility.getFullAXTree")["nodes"]
            text = "\n".join(str(node.get("name", {}).get("value")) for node in nodes if not node["ignored"])
    finally:
        browser.ask("Emulation.setScriptExecutionDisabled", value=False)
    assert "8 of 12" not in text
    assert "recovery.hand@n=1" in text
    assert "Search ids" not in text, "a filter that cannot work is not offered"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_screenshot_has_the_colours_of_the_scheme_and_of_the_verdict(show: Show, scheme: str):
    browser = show(RECORDS["failed"], scheme=scheme)
    verdict, body = (picture(browser, y, 200, 120) for y in (0, 700))
    top, page = verdict[10][5], body[10][5]
    assert (sum(page) > 3 * 200) is (scheme == "light")
    assert top[0] > top[1] + 8, "what is not conformant is tinted red"
    assert len({pixel for row in verdict for pixel in row}) > 50, "text has been drawn"


def picture(browser: Browser, y: int, width: int, height: int) -> list[list[tuple[int, int, int]]]:
    """The pixels of a piece of the page at its left edge."""
    clip = {"x": 0, "y": y, "width": width, "height": height, "scale": 1}
    return decode_png(b64decode(browser.ask("Page.captureScreenshot", format="png", clip=clip)["data"]))


def decode_png(data: bytes) -> list[list[tuple[int, int, int]]]:
    """The pixels of an 8-bit RGB or RGBA image that is not interlaced."""
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    assert depth == 8
    size = {2: 3, 6: 4}[colour]
    packed, at = b"", 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        packed += data[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += length + 12
    raw = zlib.decompress(packed)
    rows = []
    above = bytearray(width * size)
    for number in range(height):
        start = number * (width * size + 1)
        row = _unfilter(raw[start], bytearray(raw[start + 1 : start + 1 + width * size]), above, size)
        rows.append([(row[x], row[x + 1], row[x + 2]) for x in range(0, width * size, size)])
        above = row
    return rows


def _unfilter(kind: int, row: bytearray, above: bytearray, size: int) -> bytearray:
    for place in range(len(row)):
        left = row[place - size] if place >= size else 0
        up = above[place]
        corner = above[place - size] if place >= size else 0
        guess = (0, left, up, (left + up) // 2, min((left, up, corner), key=lambda x: abs(left + up - corner - x)))[
            kind
        ]
        row[place] = (row[place] + guess) & 255
    return row
