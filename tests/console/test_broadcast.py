"""What a channel's page shows of a broadcast."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Route, expect

from tests.console.browsing import Visit, look
from tests.e2e.looking import probe
from tests.e2e.stack import TOKEN, Stack
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


def test_a_snapshot_is_taken_now_and_shown_large(console: Visit, on_air: Channel, stack: Stack) -> None:
    console.show(on_air["id"])

    with console.page.expect_response("**/snapshots") as asked:
        console.button("Take a snapshot").click()

    large = console.page.locator("dialog img")
    eventually(lambda: large.evaluate("image => image.naturalWidth") == 320, what="the picture is loaded")
    key = asked.value.json()["key"]
    assert key in (large.get_attribute("src") or "")
    listed = f"/channels/{on_air['id']}/snapshots"
    eventually(
        lambda: key in [each["key"] for each in stack.api.get(listed).json()["items"]], within=15, what="it is listed"
    )


def test_what_a_picture_was_judged_to_be_stands_at_it(console: Visit, on_air: Channel) -> None:
    def judged(route: Route) -> None:
        page = route.fetch().json()
        route.fulfill(json=page | {"items": [each | {"flags": ["black"]} for each in page["items"]]})

    console.page.route("**/snapshots?*", judged)
    console.show(on_air["id"])

    expect(console.page.locator(".grid li").first.get_by_text("Black", exact=True)).to_be_visible()
    console.page.locator(".grid button").first.click()
    expect(console.page.get_by_role("dialog").get_by_text("Black", exact=True)).to_be_visible()
    console.page.unroute_all(behavior="wait")


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
    snapshots.get_by_label("From").fill("2000-01-01T00:00:00")
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
