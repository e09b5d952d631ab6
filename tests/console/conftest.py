from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.console.browsing import Visit, chromium, visit
from tests.e2e.clips import WITH_SOUND
from tests.e2e.publisher import Publisher
from tests.e2e.stack import Stack
from tests.local.running import free_offset
from tests.media import Media
from tests.waiting import eventually


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack") / "data", free_offset()) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the whole run: while Playwright is open no other event loop runs in its thread."""
    with chromium() as running:
        yield running


@pytest.fixture
def console(stack: Stack, browser: Browser) -> Iterator[Visit]:
    """The console in a browser window of its own, signed in; whatever the page did wrong fails the test."""
    with visit(browser, stack) as visiting:
        visiting.open()
        yield visiting
        visiting.assert_clean()


@pytest.fixture(scope="session")
def on_air(stack: Stack, media: Media) -> Iterator[dict[str, Any]]:
    """A channel that is live, whose session has two parts, a gap, snapshots and a recording."""
    channel = stack.create(name="Harbour camera", image_time=1, video_time=2)
    with Publisher(channel["publish"]["url"], media.file(WITH_SOUND)):
        eventually(lambda: stack.objects(f"recordings/{channel['id']}/**/*.mp4"), within=20, what="a recording")
    stack.wait_for_state(channel["id"], "interrupted", within=15)
    with Publisher(channel["publish"]["url"], media.file(WITH_SOUND)):
        eventually(lambda: len(stack.session(channel["id"])["parts"]) == 2, within=20, what="a second part")
        yield channel
