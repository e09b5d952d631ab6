"""The same page where objects lie in a bucket, to which links lead on."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser

from tests.console.browsing import Visit, look, visit
from tests.e2e.clips import WITH_SOUND
from tests.e2e.looking import probe
from tests.e2e.publisher import Publisher
from tests.e2e.stack import Stack
from tests.media import Media
from tests.waiting import eventually


def of_the_bucket(visiting: Visit, stack: Stack, ending: str) -> bool:
    """Say whether the browser fetched an object from the bucket itself."""
    store = urlsplit(stack.variables["AWS_ENDPOINT_URL"]).netloc
    asked = [urlsplit(url) for url in visiting.requests]
    return any(url.netloc == store and url.path.endswith(ending) for url in asked)


@pytest.mark.timeout(90)
def test_pictures_streams_and_recordings_are_fetched_from_the_bucket(
    browser: Browser, stack_on_aws: Stack, media: Media
) -> None:
    stack = stack_on_aws
    channel = stack.create(name="In a bucket", image_time=1, video_time=2)
    with Publisher(channel["publish"]["url"], media.file(WITH_SOUND)), visit(browser, stack) as console:
        eventually(lambda: stack.objects(f"recordings/{channel['id']}/**/*.mp4"), within=20, what="a recording")
        console.open()
        console.show(channel["id"])

        # What is not in the window is asked for seldom.
        console.page.get_by_role("heading", name="Snapshots").scroll_into_view_if_needed()
        picture = console.page.locator(".grid img").first
        eventually(lambda: picture.evaluate("image => image.naturalWidth") == 320, what="a snapshot is shown")
        console.button("Watch live").click()
        video = console.page.locator(".stage video")
        eventually(lambda: look(video)["time"] > 1, within=20, what="the stream plays")
        assert look(video)["spread"] > 20
        console.page.get_by_role("heading", name="Recordings").scroll_into_view_if_needed()
        with console.page.expect_download() as download:
            console.page.get_by_role("link", name="Download the recording").last.click()
        assert download.value.suggested_filename.startswith(f"{channel['id']}-20")
        assert probe(download.value.path())["video"]["codec_name"] == "h264"
        console.page.get_by_role("button", name="Watch the recording").last.click()
        recording = console.page.locator("dialog video")
        eventually(lambda: recording.evaluate("video => video.currentTime") > 0.3, what="the recording plays")

        assert all(of_the_bucket(console, stack, ending) for ending in (".jpg", ".ts", ".mp4"))
        console.assert_clean()
    stack.api.post(f"/channels/{channel['id']}/complete").raise_for_status()
