"""The page on a phone, in the dark, and for a newcomer."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.console.browsing import Visit, visit
from tests.e2e.stack import Stack

_PAPER = "getComputedStyle(document.documentElement).backgroundColor"


def _views(channel_id: str) -> list[tuple[str, str]]:
    """Give each view's place and what is seen when it is there."""
    return [("#/", ".card"), (f"#/channels/{channel_id}", ".grid img"), ("#/new", "form textarea")]


def test_nothing_is_wider_than_a_phone(browser: Browser, stack: Stack, on_air: dict[str, Any]) -> None:
    stack.create(name="W" * 200, description="x" * 2_000, labels={"y" * 200: "z" * 200})
    with visit(browser, stack, viewport={"width": 360, "height": 740}) as console:
        console.open()
        for place, sign in _views(on_air["id"]):
            console.go(place)
            console.page.locator(sign).first.wait_for()
            assert console.fits(), place
        console.show(on_air["id"])
        console.button("Stop and block…").click()
        expect(console.page.get_by_label("Reason")).to_be_focused()
        assert console.fits()
        console.assert_clean()


@pytest.mark.parametrize(("scheme", "is_dark"), [("dark", True), ("light", False)])
def test_the_page_follows_the_systems_colours(browser: Browser, stack: Stack, scheme: Any, is_dark: bool) -> None:  # noqa: ANN401, FBT001 - Playwright's word; a case
    with visit(browser, stack, color_scheme=scheme) as console:
        console.open()
        paper = console.page.evaluate(_PAPER)

    assert (sum(map(int, paper.removeprefix("rgb(").rstrip(")").split(","))) < 3 * 128) is is_dark


def test_a_newcomer_is_told_what_to_do(console: Visit) -> None:
    console.page.route("**/channels?*", lambda route: route.fulfill(json={"items": [], "next": None}))

    expect(console.page.get_by_text("No channel yet")).to_be_visible()
    expect(console.page.get_by_role("link", name="Create the first channel")).to_be_visible()


def test_the_list_keeps_the_focus_while_it_is_refreshed(console: Visit) -> None:
    card = console.page.get_by_role("link", name="Demo")
    card.focus()

    with console.page.expect_response("**/channels?*") as refreshed:
        pass
    refreshed.value.finished()
    console.page.evaluate("new Promise(requestAnimationFrame)")  # the list is drawn

    expect(card).to_be_focused()
