"""Where the page could leave somebody who then can do nothing."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.console.browsing import Visit, visit
from tests.e2e.stack import Stack


def test_a_channel_is_stopped_while_the_api_does_not_describe_itself(console: Visit, stack: Stack) -> None:
    console.expected.append("ERR_FAILED")
    channel = stack.create(name="On fire")
    console.page.route("**/openapi.json", lambda route: route.abort())
    console.show(channel["id"])

    console.button("Stop and block…").dblclick()

    expect(console.page.locator("dialog")).to_have_count(1)
    console.page.get_by_label("Reason").fill("music rights")
    console.button("Stop and block").click()
    expect(console.page.locator(".channel-header .badge")).to_have_text("Blocked")
    expect(console.button("Unblock")).to_be_focused()
    assert stack.channel(channel["id"])["state"] == "blocked"


def test_the_form_of_stop_says_what_the_api_says(console: Visit, stack: Stack) -> None:
    described = stack.api.get("/openapi.json").json()["components"]["schemas"]["StopOrder"]["properties"]
    console.show(stack.create(name="Described")["id"])
    console.button("Stop and block…").click()

    controls = console.page.locator("dialog form [name]")
    expect(controls).to_have_count(len(described))
    for name, field in described.items():
        control = console.page.locator(f"dialog form [name={name}]")
        explained = str(control.get_attribute("aria-describedby")).split()[0]
        assert str(console.page.locator(f"#{explained}").text_content()).startswith(field["description"])
        expect(console.page.get_by_label(field["title"])).to_have_count(1)


@pytest.mark.parametrize("address", ["#/channels/%", "#/channels/%E0%A4%A/edit"])
def test_an_address_that_cannot_be_read_names_no_page(console: Visit, address: str) -> None:
    console.go(address)

    expect(console.page.get_by_role("heading", name="There is no such page")).to_be_visible()


def test_a_token_that_no_header_can_carry_is_called_wrong(browser: Browser, stack: Stack) -> None:
    with visit(browser, stack) as console:
        console.open("/")
        console.page.get_by_label("Token").fill("ключ")
        console.button("Sign in").click()
        expect(console.page.get_by_text("This token is wrong.")).to_be_visible()

        console.open("token=ключ")
        expect(console.page.get_by_role("heading", name="Sign in")).to_be_visible()
        console.assert_clean()


@pytest.mark.parametrize(
    "failing", ["setTimeout(() => { throw new Error('lost') })", "void Promise.reject(new Error('lost'))"]
)
def test_an_error_that_nobody_expected_is_told(console: Visit, failing: str) -> None:
    console.expected.append("lost")
    expect(console.page.get_by_role("heading", name="Channels")).to_be_visible()

    console.page.evaluate(failing)

    expect(console.page.get_by_role("status").get_by_text("Something went wrong in this page: lost")).to_be_visible()


def test_dialogs_go_with_the_channel_they_were_about(console: Visit, stack: Stack) -> None:
    channel = stack.create(name="Short-lived")
    console.page.clock.install()
    console.show(channel["id"])
    console.button("Delete…").click()

    stack.api.delete(f"/channels/{channel['id']}").raise_for_status()
    console.page.clock.fast_forward(5_000)

    expect(console.page.get_by_role("heading", name="There is no such channel")).to_be_visible()
    expect(console.page.locator("dialog")).to_have_count(0)


def test_a_name_does_not_turn_the_words_around_it(console: Visit, stack: Stack) -> None:
    console.show(stack.create(name="\u202eabc", labels={"\u202etag": "value"})["id"])
    console.button("Delete…").click()

    heading = console.page.get_by_role("dialog").get_by_role("heading")
    assert lies_right_of_its_bdi(heading.evaluate(_PLACES))
    assert lies_right_of_its_bdi(console.page.locator(".chip").evaluate(_PLACES))
    assert "\u202e" not in console.page.title()


# Where an element's first <bdi> ends and where the text after it begins (px).
_PLACES = """(element) => {
    const first = element.querySelector("bdi");
    const range = document.createRange();
    range.selectNode(first.nextSibling);
    return [first.getBoundingClientRect().right, range.getBoundingClientRect().left];
}"""


def lies_right_of_its_bdi(places: Any) -> bool:  # noqa: ANN401 - Playwright's
    right, left = places
    return bool(left >= right - 1)
