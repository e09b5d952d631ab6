"""What a moderator does, from the first channel to the publisher that is gone."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.console.browsing import Visit, look, pixels
from tests.e2e.clips import WITH_SOUND
from tests.e2e.publisher import Publisher
from tests.e2e.stack import Stack
from tests.media import Media
from tests.waiting import eventually


def test_a_channel_is_created_published_to_watched_and_stopped_in_the_page(
    console: Visit, stack: Stack, media: Media
) -> None:
    page = console.page
    page.get_by_role("link", name="New channel").click()
    page.get_by_label("Name", exact=True).fill("Market square")
    page.get_by_label("Time between snapshots").fill("1")
    console.button("Create channel").click()
    expect(page.get_by_role("heading", name="Market square")).to_be_visible()
    console.button("Copy: the server").click()
    server = page.evaluate("navigator.clipboard.readText()")
    console.button("Copy: the stream key").click()
    key = page.evaluate("navigator.clipboard.readText()")

    with Publisher(f"{server}/{key}", media.file(WITH_SOUND)) as publisher:
        badge = page.locator(".channel-header .badge")
        expect(badge).to_have_text("Live", timeout=15_000)
        picture = page.get_by_role("img", name="Newest picture of Market square")
        expect(picture).to_be_visible()
        first = pixels(picture)
        eventually(lambda: pixels(picture) != first, what="another picture is shown")

        console.button("Watch live").click()
        video = page.locator(".stage video")
        began = eventually(lambda: look(video)["time"], within=20, what="the player shows something")
        eventually(lambda: look(video)["time"] > began + 1, what="the player's time advances")
        seen = look(video)
        assert seen["mean"] > 30
        assert seen["spread"] > 20, "every pixel has the same brightness"

        console.button("Stop and block…").click()
        page.get_by_label("Reason").fill("music rights")
        console.button("Stop and block").click()
        expect(badge).to_have_text("Blocked")
        expect(page.get_by_text("Stopped and blocked: music rights")).to_be_visible()
        publisher.wait(within=10)
    channel_id = key.partition("?")[0]
    assert stack.channel(channel_id)["state"] == "blocked"
    eventually(lambda: stack.session(channel_id)["state"] == "ended", what="the session has ended")

    console.button("Unblock").click()
    expect(badge).to_have_text("Idle")
    console.button("Watch the last broadcast").click()
    eventually(lambda: look(video)["time"] > 0.5, within=20, what="the whole broadcast plays")
