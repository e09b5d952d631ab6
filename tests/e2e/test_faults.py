"""What is killed is replaced or ends cleanly, and what it left is shipped."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

import psutil
import pytest

from tests.e2e.clips import WITH_SOUND
from tests.e2e.publisher import Publisher
from tests.e2e.stack import Stack
from tests.media import Media
from tests.waiting import eventually


def seconds(gap: dict[str, str]) -> float:
    return (datetime.fromisoformat(gap["to"]) - datetime.fromisoformat(gap["from"])).total_seconds()


def more_segments(stack: Stack, channel_id: str, count: int) -> None:
    """Wait until so many more segments have shipped than are there now."""
    pattern = f"hls/{channel_id}/*/*.ts"
    wanted = len(stack.objects(pattern)) + count
    eventually(lambda: len(stack.objects(pattern)) >= wanted, within=20, what=f"{count} more segments")


def test_a_stop_of_the_stack_ships_everything_and_the_next_start_resumes(own_stack: Stack, media: Media) -> None:
    channel = own_stack.create(video_time=60)
    url = channel["publish"]["url"]
    with Publisher(url, media.file(WITH_SOUND)):
        more_segments(own_stack, channel["id"], 2)
        assert own_stack.stop() == 0
    before = own_stack.head(channel["id"])
    own_stack.start()
    with Publisher(url, media.file(WITH_SOUND)):
        eventually(lambda: len(own_stack.head(channel["id"])["parts"]) == 2, within=20, what="a second part")
    own_stack.api.post(f"/channels/{channel['id']}/complete")
    own_stack.wait_for_state(channel["id"], "idle", within=10)

    assert before["counts"]["recordings"] == 1, "the open recording was closed and shipped at the stop"
    assert own_stack.session(channel["id"])["id"] == before["id"]


def test_a_kill_of_the_stack_leaves_no_process_and_loses_nothing(own_stack: Stack, media: Media) -> None:
    channel = own_stack.create(video_time=60, reconnect_window=0)
    with Publisher(channel["publish"]["url"], media.file(WITH_SOUND)):
        more_segments(own_stack, channel["id"], 2)
        family = own_stack.family()
        own_stack.kill()
        _, alive = psutil.wait_procs(family, timeout=20)
        assert alive == []
    own_stack.start()
    own_stack.wait_for_state(channel["id"], "idle", within=30)

    recordings = own_stack.objects(f"recordings/{channel['id']}/**/*.mp4")
    assert len(recordings) == 1
    assert own_stack.session(channel["id"])["state"] == "ended"


@pytest.mark.parametrize("world", ["own_stack", "own_stack_on_aws"])
def test_after_a_kill_of_every_process_a_publisher_is_captured_as_soon_as_it_is_back(
    request: pytest.FixtureRequest, media: Media, world: str
) -> None:
    """The dead worker's lease has most of its time to run, and nobody waits for that."""
    stack = request.getfixturevalue(world)
    assert isinstance(stack, Stack)
    channel = stack.create(video_time=60)
    url = channel["publish"]["url"]
    with Publisher(url, media.file(WITH_SOUND)):
        more_segments(stack, channel["id"], 2)
        family = stack.family()
        stack.kill()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=10)
    stack.start()
    with Publisher(url, media.file(WITH_SOUND)):
        more_segments(stack, channel["id"], 3)
    stack.api.post(f"/channels/{channel['id']}/complete")
    stack.wait_for_state(channel["id"], "idle", within=10)

    session = stack.session(channel["id"])
    lost = [seconds(gap) for gap in session["gaps"] if gap["cause"] == "not_listening"]
    assert sum(lost) < 5
    assert session["gaps"], "the kill is declared"
    assert len(stack.objects(f"recordings/{channel['id']}/**/*.mp4")) >= 2, "what the dead worker left is shipped"
