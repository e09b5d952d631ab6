"""What is asked for again, when, and what an answer that comes late may change."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Route, expect

from tests.console.browsing import Visit
from tests.e2e.stack import Stack
from tests.waiting import eventually

Channel = dict[str, Any]


def asked(console: Visit, path: str) -> int:
    """Count the requests for a path."""
    return [urlsplit(url).path for url in console.requests].count(path)


def pass_time(console: Visit, path: str, milliseconds: int) -> None:
    """Let the page's clock run until it has asked for `path` again and has its answer."""
    with console.page.expect_response(f"**{path}") as answer:
        console.page.clock.run_for(milliseconds)
    answer.value.finished()


def test_an_idle_channel_is_asked_half_as_often(console: Visit, stack: Stack) -> None:
    path = f"/channels/{stack.create(name='Quiet')['id']}"
    console.page.clock.install()
    console.show(path.rpartition("/")[2])
    expect(console.page.get_by_text("No recordings yet.")).to_be_visible()
    before = asked(console, path)

    console.page.clock.run_for(4_500)
    assert asked(console, path) == before
    pass_time(console, path, 1_000)


def test_a_list_is_asked_for_again_only_while_it_is_seen(console: Visit, on_air: Channel) -> None:
    path = f"/channels/{on_air['id']}"
    console.page.set_viewport_size({"width": 1280, "height": 400})
    console.page.clock.install()
    console.show(on_air["id"])
    expect(console.page.locator(".lines li").first).to_be_attached()
    for _ in range(5):
        pass_time(console, path, 2_600)
    assert asked(console, f"{path}/recordings") == 1

    with console.page.expect_response(f"**{path}/recordings?*"):
        console.page.get_by_role("heading", name="Recordings").scroll_into_view_if_needed()


def test_the_newest_broadcast_is_open_and_the_one_before_folds(console: Visit, stack: Stack, on_air: Channel) -> None:
    sessions = [{**stack.session(on_air["id"]), "id": str(number)} for number in range(4)]
    shown = sessions[2:]
    console.page.route("**/sessions?*", lambda route: route.fulfill(json={"items": shown, "next": None}))
    console.page.clock.install()
    console.show(on_air["id"])
    rows = console.page.locator("details")
    expect(rows).to_have_count(2)
    opened = rows.evaluate_all("rows => rows.map((row) => row.open)")
    assert opened == [True, False]

    rows.nth(1).locator("summary").click()
    shown = sessions[1:]
    pass_until(console, f"/channels/{on_air['id']}", 3)
    assert rows.evaluate_all("rows => rows.map((row) => row.open)") == [True, False, True]

    rows.nth(0).locator("summary").click()
    rows.nth(0).locator("summary").click()
    shown = sessions
    pass_until(console, f"/channels/{on_air['id']}", 4)
    assert rows.evaluate_all("rows => rows.map((row) => row.open)") == [True, True, False, True]


def pass_until(console: Visit, path: str, count: int) -> None:
    """Let time pass until so many broadcasts are shown."""
    rows = console.page.locator("details")
    for _ in range(6):
        if rows.count() == count:
            break
        pass_time(console, path, 2_600)
    expect(rows).to_have_count(count)


def test_older_pages_are_not_overwritten_by_a_late_answer(console: Visit, on_air: Channel, stack: Stack) -> None:
    page = stack.api.get(f"/channels/{on_air['id']}/recordings").json()["items"]
    newest = [{**page[0], "key": f"newest-{number}"} for number in range(2)]
    older = [{**page[0], "key": f"older-{number}"} for number in range(3)]
    held: list[Route] = []

    def answer(route: Route) -> None:
        if "cursor=" in route.request.url:
            route.fulfill(json={"items": older, "next": None})
        elif asked(console, urlsplit(route.request.url).path) == 1:
            route.fulfill(json={"items": newest, "next": "more"})
        else:
            held.append(route)

    console.page.route("**/recordings?*", answer)
    console.page.clock.install()
    console.show(on_air["id"])
    rows = console.page.locator(".lines li")
    expect(rows).to_have_count(2)
    console.page.get_by_role("heading", name="Recordings").scroll_into_view_if_needed()
    with console.page.expect_request("**/recordings?*"):
        console.page.clock.fast_forward(10_000)
    eventually(lambda: console.page.evaluate("1") and held, what="an answer is held back")
    console.page.get_by_role("region", name="Recordings").get_by_role("button", name="Older").click()
    expect(rows).to_have_count(5)

    with console.page.expect_response("**/recordings?*") as late:
        held[0].fulfill(json={"items": newest, "next": "more"})
    late.value.finished()
    console.page.evaluate("new Promise(requestAnimationFrame)")

    expect(rows).to_have_count(5)


def test_a_time_that_is_only_typed_stops_nothing(console: Visit, on_air: Channel) -> None:
    console.page.clock.install()
    console.show(on_air["id"])
    snapshots = console.page.get_by_role("region", name="Snapshots")
    snapshots.get_by_label("From").fill("2001-01-01T00:00:00")
    path = f"/channels/{on_air['id']}"
    before = eventually(lambda: asked(console, f"{path}/snapshots"), what="the snapshots are asked for")

    for _ in range(3):
        pass_time(console, path, 2_600)

    assert asked(console, f"{path}/snapshots") > before


def test_a_time_that_ends_before_it_begins_is_explained(console: Visit, on_air: Channel) -> None:
    console.show(on_air["id"])
    recordings = console.page.get_by_role("region", name="Recordings")
    recordings.get_by_label("From").fill("2026-01-02T00:00:00")
    recordings.get_by_label("To").fill("2026-01-01T00:00:00")
    recordings.get_by_role("button", name="Show", exact=True).click()

    expect(recordings.get_by_text("From is later than To.")).to_be_visible()
    expect(recordings.get_by_label("From")).to_be_focused()
    expect(recordings.locator("li").first).to_be_visible()


def test_one_of_a_kind_is_counted_in_the_singular(console: Visit, on_air: Channel, stack: Stack) -> None:
    session = stack.session(on_air["id"])
    session["counts"] = {**session["counts"], "snapshots": 1, "recordings": 1, "segments": 2}
    console.page.route("**/sessions?*", lambda route: route.fulfill(json={"items": [session], "next": None}))
    console.show(on_air["id"])

    expect(console.page.get_by_text("1 snapshot · 1 recording · 2 HLS segments")).to_be_visible()
