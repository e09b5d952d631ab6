"""The player: where it begins, what it does about what cannot be played, and that it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import m3u8
import pytest
from playwright.sync_api import Locator, Route, expect

from tests.console.browsing import Visit, look
from tests.e2e.stack import TOKEN, Stack
from tests.media import Clip, Media
from tests.waiting import eventually

Channel = dict[str, Any]
LIBRARY = "**/console/lib/hls.mjs"
_SCRIPT_AND_THEN_SOME = """async ([channel, token]) => {
    await import(new URL("lib/hls.mjs", document.baseURI));
    const headers = { Authorization: `Bearer ${token}` };
    for (let turn = 0; turn < 5; turn += 1) await (await fetch(channel, { headers })).text();
}"""


def player(console: Visit) -> Locator:
    return console.page.locator(".stage video")


def wait_for_length(stack: Stack, channel: Channel, seconds: float) -> None:
    """Wait until a player that took the whole broadcast for a live one would begin seconds after its beginning."""

    def length() -> float:
        playlists = stack.objects(f"hls/{channel['id']}/**/vod.m3u8")
        return sum(each.duration or 0 for path in playlists for each in m3u8.loads(path.read_text()).segments)

    eventually(lambda: length() > seconds, within=25, what=f"{seconds} s of the broadcast are kept")


def test_a_broadcast_on_air_is_watched_from_its_beginning(console: Visit, on_air: Channel, stack: Stack) -> None:
    wait_for_length(stack, on_air, 12)  # a live player begins 6 s before the end
    console.show(on_air["id"])

    console.button("Watch from its beginning").click()

    began = eventually(lambda: look(player(console))["time"], within=20, what="the player shows something")
    assert began < 3


def test_the_browsers_own_player_begins_at_the_beginning_too(console: Visit, on_air: Channel, stack: Stack) -> None:
    wait_for_length(stack, on_air, 12)
    console.page.route(LIBRARY, lambda route: route.fulfill(status=404))
    console.show(on_air["id"])
    video = player(console)
    if not video.evaluate("video => video.canPlayType('application/vnd.apple.mpegurl')"):
        pytest.skip("this browser plays no HLS by itself")

    console.button("Watch from its beginning").click()

    began = eventually(lambda: look(video)["time"], within=20, what="the browser plays HLS by itself")
    assert began < 3


def silence_the_first(console: Visit, media: Media) -> list[str]:
    """Let the first segment that is asked for have no sound; gives the list that its address comes into."""
    silent = media.file(Clip(sound=False, seconds=2, form="mpegts")).read_bytes()
    first: list[str] = []

    def answer(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        first.extend([name] if not first else [])
        if name == first[0]:
            route.fulfill(body=silent, content_type="video/mp2t")
        else:
            route.continue_()

    console.page.route("**/*.ts", answer)
    return first


def test_playing_begins_again_after_a_first_segment_that_cannot_be_joined(
    console: Visit, on_air: Channel, media: Media
) -> None:
    """A part's last segment may be one picture without sound; a player that begins there stops at the next."""
    first = silence_the_first(console, media)
    console.show(on_air["id"])

    console.button("Watch live").click()

    eventually(lambda: look(player(console))["time"] > 1, within=30, what="the player goes on")
    assert first


def test_a_whole_broadcast_is_played_without_a_first_segment_that_cannot_be_joined(
    console: Visit, on_air: Channel, stack: Stack, media: Media
) -> None:
    wait_for_length(stack, on_air, 12)
    first = silence_the_first(console, media)
    console.show(on_air["id"])

    console.button("Watch from its beginning").click()

    began = eventually(lambda: look(player(console))["time"], within=30, what="the player goes on")
    assert first
    eventually(lambda: look(player(console))["time"] > began + 1, within=30, what="the player goes on")


def test_the_page_says_when_the_player_is_not_installed_and_lets_the_browser_play(
    console: Visit, on_air: Channel
) -> None:
    console.page.route(LIBRARY, lambda route: route.fulfill(status=404))
    console.show(on_air["id"])

    console.button("Watch live").click()

    video = console.page.locator(".stage video")
    plays_itself = video.evaluate("video => video.canPlayType('application/vnd.apple.mpegurl')")
    if plays_itself:
        eventually(lambda: look(video)["time"] > 0.3, within=20, what="the browser plays HLS by itself")
    else:
        expect(console.page.get_by_text("hls.js is not installed")).to_be_visible()


def stop_playing(console: Visit) -> None:
    console.button("Stop playing").click()


def leave(console: Visit) -> None:
    console.go("#/")
    expect(console.page.get_by_role("heading", name="Channels")).to_be_visible()


@pytest.mark.parametrize("end", [stop_playing, leave])
def test_nothing_plays_for_someone_who_left_while_the_player_was_loaded(
    console: Visit, on_air: Channel, end: Callable[[Visit], None]
) -> None:
    held: list[Route] = []
    console.page.route(LIBRARY, lambda route: held.append(route))  # noqa: PLW0108 - Playwright takes no built-in
    console.show(on_air["id"])
    console.button("Watch live").click()
    eventually(lambda: console.page.evaluate("1") and held, what="the player's script is asked for")
    end(console)
    video = console.page.evaluate_handle("document.querySelector('.stage video')")

    held[0].continue_()

    # What would play asks for the channel's links, then for the playlist: both after the script, before these.
    console.page.evaluate(_SCRIPT_AND_THEN_SOME, [f"../channels/{on_air['id']}", TOKEN])
    assert not [url for url in console.requests if ".m3u8" in url]
    if end is stop_playing:
        assert video.evaluate("video => video.hidden && video.currentSrc === '' && video.paused")
