"""A warm pool, a reconciler that dies, and a task that nobody wants: over files, beside the stack of one machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.aws.warm import CLIP, first_picture, until_pool_is_full
from tests.aws.world import CloudWorld, a_cloud, gone_from_ecs
from tests.fault.limits import allowed
from tests.fault.stories import Told
from tests.fault.world import World, a_world
from tests.numbered import NumberedMedia
from tests.waiting import eventually

NAMELESS = {"object_unlisted", "media_sequence"}
"""What a task that is gone had stored and not listed yet stays, and its numbers are not used again."""
LATER_SECONDS = 0.5
"""By how much the first picture of a warm worker on AWS may come later than on one machine."""
TERM_SECONDS = 30.0
"""How long a reconciler that is gone is waited for, over a file."""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory, numbered: NumberedMedia) -> Iterator[CloudWorld]:
    with a_cloud(tmp_path_factory.mktemp("pool"), numbered, pool_size=1) as running:
        running.clip(CLIP)
        yield running


@pytest.fixture(scope="module")
def one_machine(tmp_path_factory: pytest.TempPathFactory, numbered: NumberedMedia) -> Iterator[World]:
    with a_world(tmp_path_factory.mktemp("local"), numbered) as running:
        yield running


@dataclass
class Story:
    """What was seen (s): the first pictures, and how long after both were killed there was a worker again."""

    told: Told
    claimed: bool
    warm: float
    local: float
    held: float
    stopped: float


@pytest.fixture(scope="module")
def story(cloud: CloudWorld, one_machine: World) -> Story:
    """The reconciler dies when the pool is full; then a worker out of the pool does, and there is a task too many."""
    stack = cloud.stack
    until_pool_is_full(cloud)
    orphan = stack.orphan()
    stack.reconciler.kill()
    since = time.monotonic()
    stack.new_reconciler()
    air, warm = first_picture(cloud)
    other, local = first_picture(one_machine)
    air.until_segments(2)
    other.end()
    session = str(air.session["id"])
    task = stack.holder(session)
    claimed = {row.id for row in stack.state.pool.all() if row.session_id == session}
    stack.ecs.kill(str(task))
    eventually(lambda: stack.holder(session) not in (None, task), within=TERM_SECONDS + 30, what="another task has it")
    held = time.monotonic() - since
    gone_from_ecs(cloud, orphan, within=60)
    stopped = time.monotonic() - since
    air.until_segments(3, within=60)
    air.end()
    return Story(Told(air), task in claimed and not stack.tasks_of(air.id), warm, local, held, stopped)


def test_a_warm_worker_gives_the_first_picture_as_soon_as_one_machine_does(story: Story) -> None:
    print(f"from the try to publish to the first picture: {story.warm:.2f} s warm, {story.local:.2f} s on one machine")

    assert story.claimed
    assert story.warm <= story.local + allowed(LATER_SECONDS)


def test_what_a_killed_reconciler_left_undone_the_next_one_does_and_no_frame_is_lost(story: Story) -> None:
    told = story.told
    print(f"after its death: held again {story.held:.1f} s, the orphan stopped {story.stopped:.1f} s")
    print(told.report.lines()[-1])

    assert told.report.names <= NAMELESS, told.whole()
    assert set(told.report.captured.values()) == {told.report.published}, told.whole()
    assert told.causes <= {"publisher_away"}, told.whole()
