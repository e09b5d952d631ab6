"""Headless Chromium, and one person's visit to the console with all that the browser noticed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect, sync_playwright

from tests.e2e.stack import TOKEN, Stack

DEADLINE_MS = 10_000.0

_QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --autoplay-policy=no-user-gesture-required"
)
_NOTE_VIOLATIONS = """
    window.violations = [];
    document.addEventListener("securitypolicyviolation",
        (event) => window.violations.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
"""
# Mean and spread of the brightness of what a video shows, and where it stands.
_LOOK = """(video) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 36 });
    const drawing = canvas.getContext("2d");
    drawing.drawImage(video, 0, 0, 64, 36);
    const points = drawing.getImageData(0, 0, 64, 36).data;
    const light = [];
    for (let at = 0; at < points.length; at += 4) light.push((points[at] + points[at + 1] + points[at + 2]) / 3);
    const mean = light.reduce((sum, each) => sum + each, 0) / light.length;
    const spread = Math.sqrt(light.reduce((sum, each) => sum + (each - mean) ** 2, 0) / light.length);
    return { mean, spread, time: video.currentTime };
}"""

_PIXELS = """(image) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 36 });
    canvas.getContext("2d").drawImage(image, 0, 0, 64, 36);
    return canvas.toDataURL();
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Give a browser that is closed at the end."""
    expect.set_options(timeout=DEADLINE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_QUIET.split())
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """One window; `requests` are the addresses it asked for, `complaints` what the browser said against the page."""

    stack: Stack
    context: BrowserContext
    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=lambda: ["status of 404"])  # a channel without a picture yet

    @property
    def url(self) -> str:
        return str(self.stack.api.base_url.join("/console/"))

    def note(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            self.complaints.append(said.text)

    def open(self, fragment: str = f"token={TOKEN}") -> None:
        """Open the console, with the token as the stack prints it."""
        self.page.goto(f"{self.url}#{fragment}")

    def go(self, place: str) -> None:
        """Go to one of the console's views."""
        self.page.evaluate("place => { location.hash = place }", place)

    def show(self, channel_id: str) -> None:
        self.go(f"#/channels/{channel_id}")
        self.page.get_by_role("heading", level=1).wait_for()

    def button(self, name: str, *, exact: bool = True) -> Locator:
        return self.page.get_by_role("button", name=name, exact=exact)

    def fits(self) -> bool:
        """Say whether nothing is wider than the window."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))

    def assert_clean(self) -> None:
        """Nothing was refused by the policy, nothing complained, and no other host was asked."""
        assert self.page.evaluate("window.violations") == []
        complaints = [said for said in self.complaints if not any(word in said for word in self.expected)]
        assert complaints == []
        assert {urlsplit(url).hostname for url in self.requests if not url.startswith("blob:")} == {"127.0.0.1"}
        assert not any(TOKEN in url for url in self.requests)


@contextmanager
def visit(browser: Browser, stack: Stack, **options: Any) -> Iterator[Visit]:  # noqa: ANN401 - Playwright's
    """Give a window of its own; `options` are those of a Playwright context."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.set_default_timeout(DEADLINE_MS)
    context.add_init_script(_NOTE_VIOLATIONS)
    page = context.new_page()
    visiting = Visit(stack=stack, context=context, page=page)
    page.on("request", lambda request: visiting.requests.append(request.url))
    page.on("console", visiting.note)
    page.on("pageerror", lambda error: visiting.complaints.append(str(error)))
    try:
        yield visiting
    finally:
        context.close()


def pixels(image: Locator) -> str:
    """Give what an image element shows, as text to compare."""
    return str(image.evaluate(_PIXELS))


def look(video: Locator) -> dict[str, float]:
    """Give `mean` and `spread` of a video's brightness (0 to 255), and its `time` (s)."""
    return dict(video.evaluate(_LOOK))
