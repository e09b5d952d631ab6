"""What happens to tasks, gateways and publishers on AWS, and what of the broadcast it costs: to the frame."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.aws import happenings
from tests.aws.happenings import GOP_SECONDS, IMAGE_SECONDS, ToldOfMany
from tests.aws.world import CloudWorld, a_cloud
from tests.emulators import Emulators
from tests.fault.limits import allowed
from tests.fault.stories import Stories, Story, Told
from tests.numbered import NumberedMedia
from tests.verifier.published import read_log
from tests.waiting import eventually

IN_FLIGHT_FRAMES = allowed(3)
"""What a publisher has handed to a connection that is cut, and nobody reads any more."""
NAMELESS = {"object_unlisted", "media_sequence"}
"""What a task that is gone had stored and not listed yet stays, and its numbers are not used again."""
INTERRUPTED_WITHIN = allowed(10)
SWEEP_SECONDS = 5.0
FIRST_PICTURE_SECONDS = 0.2
ERASED_WITHIN = allowed(10)

WHOLE: tuple[Story, ...] = (
    happenings.first_task_takes_long,
    happenings.task_is_killed,
    happenings.task_is_interrupted,
)
"""In these the gateway lives: it has all that a worker misses."""
CUT: tuple[Story, ...] = (
    happenings.publisher_moves,
    happenings.publisher_moves_before_its_task_listens,
    happenings.gateway_is_deployed_anew,
    happenings.gateway_dies,
)
"""In these publishers are cut off."""


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, numbered: NumberedMedia, emulators: Emulators
) -> Iterator[CloudWorld]:
    with a_cloud(tmp_path_factory.mktemp("world"), numbered, endpoint=emulators.url("ministack")) as running:
        running.clip(happenings.CLIP)
        running.clip(happenings.CUT_CLIP)
        yield running


@pytest.fixture(scope="module")
def stories(world: CloudWorld) -> Iterator[Stories]:
    """All of them at the same time, those that wait longest first."""
    telling = Stories(world, [happenings.launch_dies_with_its_gateway, *reversed(CUT), *WHOLE])
    yield telling
    telling.close()


def all_told(stories: Stories, story: Story) -> list[Told]:
    told = stories.told(story)
    return [told, *(told.others if isinstance(told, ToldOfMany) else [])]


def lost(told: Told) -> int:
    return max((len(missing) for missing in told.report.missing.values()), default=0)


@pytest.mark.timeout(200)
@pytest.mark.parametrize("story", WHOLE)
def test_nothing_is_lost_while_the_gateway_lives(stories: Stories, story: Story) -> None:
    (told,) = all_told(stories, story)

    assert told.report.names <= (NAMELESS if story is happenings.task_is_killed else set()), told.whole()
    assert told.report.captured.keys() == {"recordings", "hls"}
    assert set(told.report.captured.values()) == {told.report.published}, told.whole()
    assert told.causes <= {"publisher_away"}, told.whole()
    assert told.longest_without_picture() <= IMAGE_SECONDS * 1.5 + GOP_SECONDS


def test_the_first_picture_after_a_cold_start_is_the_first_that_was_published(stories: Stories) -> None:
    (told,) = all_told(stories, happenings.first_task_takes_long)

    first = min(frame.due for frame in read_log(told.air.broadcaster.log, told.record))
    assert abs(told.pictures()[0].at - first) <= FIRST_PICTURE_SECONDS


@pytest.mark.parametrize("story", CUT)
def test_who_is_cut_off_loses_what_was_on_its_way_and_goes_on_in_the_same_session(
    stories: Stories, story: Story
) -> None:
    for told in all_told(stories, story):
        print(told.report.lines()[-1])
        assert told.report.findings == [], told.whole()
        assert lost(told) <= IN_FLIGHT_FRAMES, told.whole()
        assert told.causes <= {"publisher_away"}, told.whole()
        assert len(told.air.world.stack.sessions(told.air.id)) == 1


def test_a_session_whose_gateway_is_dead_is_interrupted_and_ends_and_its_task_goes(stories: Stories) -> None:
    figures = all_told(stories, happenings.gateway_dies)[0].figures

    assert figures["interrupted"] <= INTERRUPTED_WITHIN
    assert figures["agreed"] <= 2 * SWEEP_SECONDS


def test_a_gateway_that_is_deployed_anew_lets_its_publishers_go_one_by_one(stories: Stories) -> None:
    told = all_told(stories, happenings.gateway_is_deployed_anew)

    cuts = sorted(float(str(event["at"])) for each in told for event in each.air.broadcaster.events[1:2])
    print(f"cut after {cuts[1] - cuts[0]:.1f} s and {cuts[2] - cuts[1]:.1f} s more")
    assert all(after - before >= 1 for before, after in pairwise(cuts))


def test_a_launch_that_died_with_its_gateway_is_made_again_and_what_that_gateway_had_is_said_to_be_missing(
    stories: Stories,
) -> None:
    (told,) = all_told(stories, happenings.launch_dies_with_its_gateway)

    second = told.air.broadcaster.publisher(1).sent[0].at
    assert told.report.findings == [], told.whole()
    assert not [due for missing in told.report.missing.values() for due in missing if due > second], told.whole()


def keys_of(world: CloudWorld, session: str, *kinds: str) -> list[str]:
    return [key for key in world.stored().sizes if session in key and key.partition("/")[0] in kinds]


def test_a_takedown_removes_all_that_a_session_stored_within_seconds(stories: Stories, world: CloudWorld) -> None:
    (told,) = all_told(stories, happenings.task_is_killed)
    session = told.report.session
    assert keys_of(world, session, "recordings", "hls", "snapshots", "sessions")
    asked = time.monotonic()
    answer = world.stack.api.delete(f"/sessions/{session}")

    def is_gone() -> bool:
        return not keys_of(world, session, "recordings", "hls", "snapshots", "sessions")

    eventually(is_gone, within=40, what="nothing of it is in the bucket")
    took = time.monotonic() - asked
    print(f"taken down in {took:.1f} s")
    assert answer.is_success
    assert took <= ERASED_WITHIN


def test_a_session_whose_days_are_over_is_removed_and_no_other(stories: Stories, world: CloudWorld) -> None:
    (told,) = all_told(stories, happenings.first_task_takes_long)
    (other,) = all_told(stories, happenings.task_is_interrupted)
    session, kept = told.report.session, keys_of(world, other.report.session, "recordings", "hls", "snapshots")
    world.stack.reconciler.stop()
    world.stack.keeper_later(f"+{happenings.KEPT_DAYS}d")
    began = time.monotonic()

    def is_gone() -> bool:
        return not keys_of(world, session, "recordings", "hls", "snapshots")

    eventually(is_gone, within=40, what="what it recorded is gone")
    print(f"removed {time.monotonic() - began:.1f} s after the reconciler's start")
    assert keys_of(world, other.report.session, "recordings", "hls", "snapshots") == kept
    assert kept
