"""Creating and changing channels in the page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.console.browsing import Visit
from tests.e2e.stack import Stack


def add_label(console: Visit, name: str, value: str) -> None:
    """Add a row and fill it, by keyboard from its name on."""
    console.button("Add a label").click()
    expect(console.page.get_by_label("Label name").last).to_be_focused()
    console.page.keyboard.type(name)
    console.page.keyboard.press("Tab")
    console.page.keyboard.type(value)


def problem_at(console: Visit, field: Locator) -> Locator:
    """Give what is said against a field."""
    return console.page.locator(f"#{str(field.get_attribute('aria-describedby')).split()[1]}")


def test_a_channel_is_created_with_the_keyboard_alone(console: Visit, stack: Stack) -> None:
    keyboard = console.page.keyboard
    for _ in range(20):
        keyboard.press("Tab")
        if console.page.evaluate("document.activeElement.textContent") == "New channel":
            break
    keyboard.press("Enter")
    expect(console.page.get_by_label("Name", exact=True)).to_be_focused()
    keyboard.type("By keyboard")
    keyboard.press("Enter")

    expect(console.page.get_by_role("heading", name="By keyboard")).to_be_visible()
    assert "By keyboard" in [each["name"] for each in stack.api.get("/channels").json()["items"]]


def test_every_field_is_explained_as_the_api_describes_it(console: Visit, stack: Stack) -> None:
    described = stack.api.get("/openapi.json").json()["components"]["schemas"]["ChannelFields"]["properties"]
    console.go("#/new")
    console.page.get_by_label("Name", exact=True).wait_for()

    for name, field in described.items():
        control = console.page.locator(f"form [name={name}]")
        explained = str(control.get_attribute("aria-describedby")).split()[0]
        assert str(console.page.locator(f"#{explained}").text_content()).startswith(field["description"])
        assert field["title"]


def test_an_impossible_value_is_explained_at_its_field_and_nothing_is_stored(console: Visit, stack: Stack) -> None:
    console.expected.append("status of 422")
    before = len(stack.api.get("/channels").json()["items"])
    console.go("#/new")
    seconds = console.page.get_by_label("Time between snapshots")
    seconds.fill("0.1")
    console.button("Create channel").click()

    expect(seconds).to_have_attribute("aria-invalid", "true")
    expect(seconds).to_be_focused()
    expect(problem_at(console, seconds)).to_have_text("must be a number from 0.5 to 86400 seconds")
    assert len(stack.api.get("/channels").json()["items"]) == before


def test_a_change_sends_only_what_was_changed(console: Visit, stack: Stack) -> None:
    channel = stack.create(name="Before", image_time=7, labels={"team": "city"})
    console.show(channel["id"])
    console.page.get_by_role("link", name="Edit").click()
    console.page.get_by_label("Label value").fill("sport")
    add_label(console, "site", "pier: 4")

    with console.page.expect_request(lambda request: request.method == "PATCH") as sent:
        console.button("Save changes").click()

    expect(console.page.get_by_text("site: pier: 4")).to_be_visible()
    assert sent.value.post_data_json == {"labels": {"team": "sport", "site": "pier: 4"}}


def test_labels_that_nobody_touches_stay_as_they_are(console: Visit, stack: Stack) -> None:
    odd = {"team: x": "1", " spaced ": " s ", "empty": "", "https://a.example": "b: c"}
    channel = stack.create(name="Labelled", labels={**odd, "old": "gone"})
    console.go(f"#/channels/{channel['id']}/edit")
    last = console.page.get_by_role("group", name="Labels").get_by_role("button", name="Remove this label").last
    last.press("Enter")
    add_label(console, "multi line", "new")

    console.button("Save changes").click()

    expect(console.page.get_by_text("multi line: new")).to_be_visible()
    assert stack.channel(channel["id"])["labels"] == {**odd, "multi line": "new"}


def test_the_settings_of_snapshots_are_filled_in_and_read_back(console: Visit, stack: Stack) -> None:
    channel = stack.create(name="Pictured", image_sizes=[320])
    console.go(f"#/channels/{channel['id']}/edit")
    widths = console.page.get_by_label("More sizes")
    expect(widths).to_have_value("320")
    widths.fill("640, 160 320")
    console.page.get_by_label("Quality of snapshots").fill("70")
    console.page.get_by_label("Keep changes only").check()

    console.button("Save changes").click()

    expect(console.page.get_by_role("heading", name="Pictured")).to_be_visible()
    changed = stack.channel(channel["id"])
    assert (changed["image_sizes"], changed["image_quality"]) == ([160, 320, 640], 70)
    assert changed["image_skip_unchanged"] is True


def test_a_width_that_is_none_is_explained_at_its_field(console: Visit) -> None:
    console.expected.append("status of 422")
    console.go("#/new")
    widths = console.page.get_by_label("More sizes")
    widths.fill("320, wide")
    console.button("Create channel").click()

    expect(widths).to_be_focused()
    expect(problem_at(console, widths)).to_contain_text("must be a whole number from 16 to 3840 pixels")


@pytest.mark.parametrize(
    ("name", "problem"),
    [("team", "two labels have this name"), ("", "a label must have a name")],
    ids=["twice", "none"],
)
def test_a_label_that_cannot_be_kept_is_refused_at_its_field(
    console: Visit, stack: Stack, name: str, problem: str
) -> None:
    channel = stack.create(name="Labelled", labels={"team": "city"})
    console.go(f"#/channels/{channel['id']}/edit")
    add_label(console, name, "sport")

    console.page.keyboard.press("Enter")

    wrong = console.page.get_by_label("Label name").last
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_be_focused()
    expect(problem_at(console, wrong)).to_have_text(problem)
    assert stack.channel(channel["id"])["labels"] == {"team": "city"}


def test_a_date_that_cannot_be_is_explained_at_its_field(console: Visit) -> None:
    console.go("#/new")
    expires = console.page.get_by_label("Stream key expires")
    expires.evaluate("input => { input.value = '12345-01-01T00:00' }")
    console.button("Create channel").click()

    expect(expires).to_be_focused()
    expect(problem_at(console, expires)).to_contain_text("a year of four digits")
    expect(console.button("Create channel")).to_be_enabled()


def test_half_a_date_is_not_taken_for_none(console: Visit) -> None:
    console.go("#/new")
    expires = console.page.get_by_label("Stream key expires")
    expires.focus()
    console.page.keyboard.type("0101")
    console.page.keyboard.press("Enter")

    expect(expires).to_have_attribute("aria-invalid", "true")
    expect(problem_at(console, expires)).to_contain_text("must be a whole date")


def test_somebody_elses_change_is_not_overwritten_unasked(console: Visit, stack: Stack) -> None:
    console.expected.append("status of 412")
    channel = stack.create(name="Ours", image_time=7)
    console.go(f"#/channels/{channel['id']}/edit")
    console.page.get_by_label("Name", exact=True).fill("Mine")
    stack.api.patch(f"/channels/{channel['id']}", json={"name": "Theirs", "image_time": 9}).raise_for_status()

    console.button("Save changes").click()

    expect(console.page.get_by_text("Somebody else changed this channel")).to_be_visible()
    assert stack.channel(channel["id"])["name"] == "Theirs"
    console.button("Save my changes on top").click()
    expect(console.page.get_by_role("heading", name="Mine")).to_be_visible()
    assert stack.channel(channel["id"])["image_time"] == 9


def test_a_new_key_is_made_only_after_a_warning(console: Visit, stack: Stack) -> None:
    channel = stack.create(name="Keyed")
    console.show(channel["id"])

    console.button("New key…").click()
    console.page.keyboard.press("Escape")
    assert stack.channel(channel["id"])["publish"] == channel["publish"]
    console.button("New key…").click()
    console.button("Make a new key").click()

    expect(console.page.get_by_text("The channel has a new stream key.")).to_be_visible()
    assert stack.channel(channel["id"])["publish"]["stream_key"] != channel["publish"]["stream_key"]


def test_a_channel_is_deleted_only_after_a_warning(console: Visit, stack: Stack) -> None:
    channel = stack.create(name="Short-lived")
    console.show(channel["id"])

    console.button("Delete…").click()
    expect(console.button("Cancel")).to_be_focused()
    console.button("Delete the channel").click()

    expect(console.page.get_by_role("heading", name="Channels")).to_be_visible()
    assert stack.api.get(f"/channels/{channel['id']}").status_code == 404
