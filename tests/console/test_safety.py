"""What the page must never do or show."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.console.browsing import Visit, visit
from tests.e2e.stack import TOKEN, Stack

HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


def test_a_hostile_name_is_shown_as_the_text_it_is(console: Visit, stack: Stack) -> None:
    channel = stack.create(name=HOSTILE, description=HOSTILE, labels={HOSTILE: HOSTILE})
    stack.api.post(f"/channels/{channel['id']}/stop", json={"reason": HOSTILE}).raise_for_status()
    console.page.reload()
    expect(console.page.locator(".card .name", has_text=HOSTILE)).to_be_visible()

    console.show(channel["id"])

    expect(console.page.get_by_role("heading", name=HOSTILE)).to_have_text(HOSTILE)
    expect(console.page.get_by_text(f"Stopped and blocked: {HOSTILE}")).to_be_visible()
    assert console.page.locator("img[src=x]").count() == 0
    assert console.page.title() != "taken"


def test_the_stream_key_is_hidden_until_it_is_asked_for(console: Visit, stack: Stack) -> None:
    channel = stack.create(name="Shared screen")
    console.show(channel["id"])
    key = channel["publish"]["stream_key"]
    expect(console.page.get_by_text("••••")).to_be_visible()
    assert key not in console.page.content()

    console.button("Show the stream key").click()

    expect(console.page.get_by_text(key)).to_be_visible()
    console.button("Show the stream key").click()
    expect(console.page.get_by_text("••••")).to_be_visible()
    assert key not in console.page.content()


def test_the_qr_code_is_drawn_when_it_is_asked_for(console: Visit, stack: Stack) -> None:
    console.show(stack.create(name="Phone")["id"])

    console.button("QR code").click()

    expect(console.page.get_by_role("img", name="QR code of the publish address")).to_be_visible()


def test_the_token_leaves_the_address_and_goes_to_nobody(console: Visit) -> None:
    expect(console.page.get_by_role("heading", name="Channels")).to_be_visible()

    assert TOKEN not in console.page.url
    assert not any(TOKEN in url for url in console.requests)


def test_without_a_token_a_form_asks_for_it(browser: Browser, stack: Stack) -> None:
    with visit(browser, stack) as console:
        console.expected.append("status of 401")
        console.open("/")
        field = console.page.get_by_label("Token")
        field.fill("wrong")
        console.button("Sign in").click()
        expect(console.page.get_by_text("This token is wrong.")).to_be_visible()

        field.fill(TOKEN)
        console.button("Sign in").click()

        expect(console.page.get_by_role("heading", name="Channels")).to_be_visible()
        console.assert_clean()


def test_a_token_that_is_refused_later_leads_back_to_the_form(console: Visit) -> None:
    console.expected.append("status of 401")
    expect(console.page.get_by_role("heading", name="Channels")).to_be_visible()

    console.page.route("**/channels?*", lambda route: route.fulfill(status=401, json={"detail": "wrong"}))

    expect(console.page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert console.page.evaluate("sessionStorage.length") == 0


def test_a_service_that_does_not_answer_is_noticed_and_found_again(console: Visit) -> None:
    console.expected.append("ERR_FAILED")
    expect(console.page.get_by_role("link", name="Demo")).to_be_visible()

    console.page.route("**/channels?*", lambda route: route.abort())
    notice = console.page.get_by_role("alert").filter(has_text="The service does not answer.")
    expect(notice).to_be_visible()
    expect(console.page.get_by_role("link", name="Demo")).to_be_visible()
    console.page.unroute("**/channels?*")

    expect(notice).to_be_hidden()


def test_the_apis_page_works_without_another_host(console: Visit) -> None:
    console.page.get_by_role("link", name="API").click()

    expect(console.page.get_by_text("/channels/{channel_id}/stop")).to_be_visible()
