"""Leaves pictures of the console in a folder: `python -m tests.console.screenshots DIR`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.console.browsing import Visit, chromium, visit
from tests.e2e.publisher import Publisher
from tests.e2e.stack import Stack
from tests.local.running import free_offset
from tests.media import Clip, Media
from tests.waiting import eventually

_CLIP = Clip(seconds=30)


def _picture(visiting: Visit, path: Path, *, full: bool = False) -> None:
    visiting.page.wait_for_timeout(700)
    visiting.page.screenshot(path=path, full_page=full)
    print(path, "fits" if visiting.fits() else "IS TOO WIDE")


def _prepare(stack: Stack, media: Media) -> str:
    """Make channels, one with a broadcast that was interrupted; give its id."""
    stack.create(name="Cooking with Ada", labels={"team": "food", "tier": "gold"}, description="Every Friday at noon")
    blocked = stack.create(name="Night market", labels={"team": "city"})
    stack.api.post(f"/channels/{blocked['id']}/stop", json={"reason": "music rights"})
    stack.create(name="Court 2", enabled=False)
    channel = stack.create(
        name="Harbour camera", image_time=1, video_time=4, labels={"team": "city", "site": "pier 4"},
        description="Looks over the north basin. Ask the harbour office before you move it.",
    )  # fmt: skip
    for times in (1, 2):
        with Publisher(channel["publish"]["url"], media.file(_CLIP)):
            _wait_for_pictures(stack, channel["id"], 7 * times)
        stack.wait_for_state(channel["id"], "interrupted", within=15)
    return str(channel["id"])


def _wait_for_pictures(stack: Stack, channel_id: str, count: int) -> None:
    def there() -> bool:
        return len(stack.objects(f"snapshots/{channel_id}/2*/**/*.jpg")) >= count

    eventually(there, within=30, what=f"{count} pictures")


def _take(browser: Browser, stack: Stack, media: Media, folder: Path) -> None:
    channel_id = _prepare(stack, media)
    url = stack.channel(channel_id)["publish"]["url"]
    with Publisher(url, media.file(_CLIP)):
        stack.wait_for_state(channel_id, "live", within=15)
        for name, options in (
            ("wide", {}),
            ("dark", {"color_scheme": "dark"}),
            ("phone", {"viewport": {"width": 360, "height": 740}}),
        ):
            with visit(browser, stack, **options) as visiting:
                _tour(visiting, channel_id, folder, name)


def _tour(visiting: Visit, channel_id: str, folder: Path, name: str) -> None:
    page = visiting.page
    page.goto(visiting.url)
    _picture(visiting, folder / f"{name}-sign-in.png")
    visiting.open()
    page.reload()
    page.locator(".card img:visible").first.wait_for()
    _picture(visiting, folder / f"{name}-channels.png")
    visiting.show(channel_id)
    page.locator(".grid img").first.wait_for()
    visiting.button("Watch live").click()
    expect(page.locator(".stage video")).not_to_have_js_property("currentTime", 0)
    for image in page.locator(".grid img").all():
        image.scroll_into_view_if_needed()  # pictures load when they are about to be seen
    page.mouse.wheel(0, -100_000)
    _picture(visiting, folder / f"{name}-channel.png", full=True)
    page.locator(".grid button").first.click()
    _picture(visiting, folder / f"{name}-snapshot.png")
    page.keyboard.press("Escape")
    visiting.button("QR code").click()
    _picture(visiting, folder / f"{name}-qr.png")
    page.keyboard.press("Escape")
    visiting.button("Stop and block…").click()
    _picture(visiting, folder / f"{name}-stop.png")
    page.keyboard.press("Escape")
    visiting.go("#/new")
    page.locator("form input").first.wait_for()
    _picture(visiting, folder / f"{name}-new.png", full=True)
    visiting.go(f"#/channels/{channel_id}/edit")
    page.get_by_label("Label name").first.wait_for()
    visiting.button("Add a label").click()
    _picture(visiting, folder / f"{name}-edit.png", full=True)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        with Stack(root / "data", free_offset()) as stack, chromium() as browser:
            _take(browser, stack, Media(root), folder)


if __name__ == "__main__":
    main()
