"""What a channel's page shows of a broadcast."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Route, expect

from tests.console.browsing import Visit, look
from tests.e2e.looking import probe
from tests.e2e.stack import TOKEN, Stack
from tests.media import Clip, Media
from tests.waiting import eventually

Channel = dict[str, Any]


def test_the_list_shows_a_channels_state_and_picture(console: Visit, on_air: Channel) -> None:
    card = console.page.get_by_role("link", name=on_air["name"])

    expect(card.get_by_text("Live")).to_be_visible()
    expect(card.get_by_role("img", name="Newest picture of Harbour camera")).to_be_visible()


def test_the_list_can_be_searched_by_name_and_by_state(console: Visit, on_air: Channel) -> None:
    cards = console.page.locator(".card")
    expect(console.page.get_by_role("link", name="Demo")).to_be_visible()

    console.page.get_by_label("Find").fill("harbour")
    expect(cards).to_have_count(1)
    console.page.get_by_label("State").select_option("idle")

    expect(cards).to_have_count(0)
    assert on_air["id"]


def test_parts_and_gaps_are_drawn_and_listed_with_their_cause(console: Visit, on_air: Channel) -> None:
    console.show(on_air["id"])

    drawn = console.page.locator(".time-line svg")
    expect(drawn.locator("rect.part")).to_have_count(2)
    expect(drawn.locator("rect.gap")).to_have_count(1)
    widths = [rect.bounding_box() for rect in drawn.locator("rect").all()]
    assert all(box is not None and box["width"] > 1 for box in widths)
    listed = console.page.locator(".spans li")
    expect(listed).to_have_count(3)
    expect(listed.nth(1)).to_contain_text("Nobody was connected (snapshots, recordings, HLS)")


def test_a_snapshot_opens_large_and_leads_to_the_older_one(console: Visit, on_air: Channel) -> None:
    console.show(on_air["id"])
    console.page.locator(".grid button").first.click()
    large = console.page.locator("dialog img")
    eventually(lambda: large.evaluate("image => image.naturalWidth") == 320, what="the picture is loaded")
    newest = large.get_attribute("src")

    console.page.keyboard.press("ArrowRight")

    expect(large).not_to_have_attribute("src", newest or "")
    console.page.keyboard.press("Escape")
    expect(large).to_have_count(0)


def test_snapshots_are_found_by_time(console: Visit, on_air: Channel, stack: Stack) -> None:
    taken = stack.api.get(f"/channels/{on_air['id']}/snapshots").json()["items"]
    oldest = taken[-1]["captured_at"][:19]
    console.show(on_air["id"])
    snapshots = console.page.get_by_role("region", name="Snapshots")

    # The browser of these tests is in UTC.
    snapshots.get_by_label("To").fill(f"{oldest[:17]}59" if oldest[17:] != "59" else oldest)
    snapshots.get_by_label("From").fill(oldest)
    snapshots.get_by_role("button", name="Show", exact=True).click()

    expect(snapshots.get_by_role("button", name="Newest", exact=True)).to_be_visible()
    expect(snapshots.locator("li time").last).to_have_attribute("datetime", taken[-1]["captured_at"])
    snapshots.get_by_label("To").fill("2001-01-01T00:00:00")
    snapshots.get_by_role("button", name="Show", exact=True).click()
    expect(snapshots.get_by_text("No snapshots in this time.")).to_be_visible()


def test_a_recording_plays_in_the_page(console: Visit, on_air: Channel) -> None:
    console.show(on_air["id"])

    console.page.get_by_role("button", name="Watch the recording").last.click()

    video = console.page.locator("dialog video")
    eventually(lambda: look(video)["time"] > 0.3, what="the recording plays")
    assert look(video)["spread"] > 20


def test_a_recording_is_downloaded_under_a_name_of_its_channel_and_time(console: Visit, on_air: Channel) -> None:
    console.show(on_air["id"])

    with console.page.expect_download() as download:
        console.page.get_by_role("link", name="Download the recording").last.click()

    assert download.value.suggested_filename.startswith(f"{on_air['id']}-20")
    assert probe(download.value.path())["video"]["codec_name"] == "h264"


def test_links_open_under_another_name_of_the_same_service(console: Visit, on_air: Channel) -> None:
    """A tunnel or a proxy has another host name than PUBLIC_URL."""
    console.expected.append("ERR_BLOCKED")
    other = console.url.replace("127.0.0.1", "localhost")
    console.page.goto(f"{other}#token={TOKEN}")
    console.page.evaluate("place => { location.hash = place }", f"#/channels/{on_air['id']}")

    picture = console.page.locator(".grid img").first
    eventually(lambda: picture.evaluate("image => image.naturalWidth") == 320, what="the picture is loaded")
    assert (picture.get_attribute("src") or "").startswith("http://localhost:")
    console.requests = [url for url in console.requests if not url.startswith("http://localhost:")]


def test_the_page_says_when_the_player_is_not_installed_and_lets_the_browser_play(
    console: Visit, on_air: Channel
) -> None:
    console.page.route("**/console/lib/hls.mjs", lambda route: route.fulfill(status=404))
    console.show(on_air["id"])

    console.button("Watch live").click()

    video = console.page.locator(".stage video")
    plays_itself = video.evaluate("video => video.canPlayType('application/vnd.apple.mpegurl')")
    if plays_itself:
        eventually(lambda: look(video)["time"] > 0.3, within=20, what="the browser plays HLS by itself")
    else:
        expect(console.page.get_by_text("hls.js is not installed")).to_be_visible()


def test_playing_begins_again_after_a_first_segment_that_cannot_be_joined(
    console: Visit, on_air: Channel, media: Media
) -> None:
    """A part's last segment may be one picture without sound; a player that begins there stops at the next."""
    silent = media.file(Clip(sound=False, seconds=2, form="mpegts")).read_bytes()
    first: list[str] = []

    def answer(route: Route) -> None:
        first.extend([route.request.url] if not first else [])
        if route.request.url == first[0]:
            route.fulfill(body=silent, content_type="video/mp2t")
        else:
            route.continue_()

    console.page.route("**/*.ts", answer)
    console.show(on_air["id"])

    console.button("Watch live").click()

    video = console.page.locator(".stage video")
    eventually(lambda: look(video)["time"] > 1, within=30, what="the player goes on")
    assert first
