"""A publisher who is connected and sends nothing, and one whose dead connection stands in its own way."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import pytest

from tests.fault.comebacks import until_connections, until_sent
from tests.fault.limits import allowed
from tests.fault.losses import causes, lost_frames
from tests.fault.world import Air, World, a_world
from tests.numbered import NumberedClip, NumberedMedia
from tests.processes import command
from tests.rtmp import DATA, Connection, Refused, Tag, read_flv
from tests.waiting import eventually

CLIP = NumberedClip(seconds=90)
INTERRUPTED_WITHIN = 10.0
CUT_SECONDS = 6.0
"""After so long without a message the gateway cuts who had sent some."""
SILENT_SECONDS = 14.0
STARTS_MAX = 4
"""In that time: one that gets no media lives for 8 s."""
DEAD_BLOCKS_SECONDS = 6.0
AT_ONCE_SECONDS = allowed(2.0)
"""The worker that has just lost one publisher may take the hold of 1.5 s to listen for the next."""
GAP_BEGINS_SECONDS = 1.0
"""By how much the gap may begin before the silence was asked for: with the last frame, by the media's clock."""
IN_FLIGHT_FRAMES = allowed(3)
"""What a connection that dies may take with it."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, numbered: NumberedMedia) -> Iterator[World]:
    """One stack for all tests here: each has channels of its own."""
    with a_world(tmp_path_factory.mktemp("silent"), numbered) as running:
        yield running


def seconds_to_interrupted(world: World, since: dict[str, float], within: float) -> dict[str, float]:
    """Give how long after its moment (epoch s) each channel was interrupted."""
    found: dict[str, float] = {}

    def look() -> bool:
        for channel_id in since.keys() - found.keys():
            if world.stack.channel(channel_id)["state"] == "interrupted":
                found[channel_id] = time.time() - since[channel_id]
        return found.keys() == since.keys()

    eventually(look, within=within, what=f"each of {list(since)} is interrupted")
    return found


def runs_begun(air_id: str, world: World) -> int:
    """Give how many times the channel's worker has started ffmpeg: each run's files have a folder with its number."""
    found = eventually(
        lambda: [
            re.search(r"/e\d{4}-r(\d{6})/", " ".join(command(p)))
            for p in world.processes("ffmpeg", "segment_list", air_id)
        ],
        within=15,
        what="ffmpeg runs",
    )
    return max(int(match[1]) for match in found if match is not None)


def a_channel(world: World) -> dict[str, Any]:
    return world.stack.create(hls_time=1, reconnect_window=60)


@contextmanager
def chattering(connection: Connection, tag: Tag) -> Iterator[None]:
    """Send a tag again and again, so that the gateway does not find the connection idle."""
    over = threading.Event()

    def chatter() -> None:
        with suppress(Refused):
            while not over.wait(0.2):
                connection.send(tag, 0)

    thread = threading.Thread(target=chatter, daemon=True)
    thread.start()
    yield
    over.set()
    thread.join()


def test_a_silent_publisher_is_interrupted_in_time_and_never_a_respawn_loop(world: World) -> None:
    """One never sends anything, one tells its shape again and again and sends no media, one falls silent."""
    data = next(tag for tag in read_flv(world.media.file(CLIP)) if tag.kind == DATA)
    mute, wordy = a_channel(world), a_channel(world)
    air = world.air(CLIP)
    air.until_segments(2)
    air.broadcaster.retries = (SILENT_SECONDS - CUT_SECONDS,)
    since: dict[str, float] = {}
    with ExitStack() as exits:
        exits.enter_context(Connection(str(mute["publish"]["url"])))
        since[str(mute["id"])] = time.time()
        exits.enter_context(chattering(exits.enter_context(Connection(str(wordy["publish"]["url"]))), data))
        since[str(wordy["id"])] = time.time()
        air.broadcaster.silence(SILENT_SECONDS)
        since[air.id] = time.time()
        took = seconds_to_interrupted(world, since, within=INTERRUPTED_WITHIN + 5)
        reasons = [world.stack.channel(channel_id)["state_reason"]["code"] for channel_id in since]
        world.stack.wait_for_state(air.id, "live", within=SILENT_SECONDS)
        starts = {channel_id: runs_begun(channel_id, world) for channel_id in since}
    air.until_segments(2)
    air.end()
    report = air.verify()
    waits = [f"{each:.1f} s" for each in took.values()]
    print(f"interrupted after {waits}; starts of ffmpeg in {SILENT_SECONDS:g} s {list(starts.values())}")
    print(report.lines()[-1])

    assert max(took.values()) <= INTERRUPTED_WITHIN
    assert reasons == ["publisher_silent", "publisher_silent", "publisher_away"]
    assert max(starts.values()) <= STARTS_MAX
    assert report.findings == [], "\n".join(report.lines())
    assert lost_frames(report, since[air.id]) <= IN_FLIGHT_FRAMES, report.lines()


def test_a_dead_connection_does_not_keep_its_own_encoder_out(world: World) -> None:
    """At most 6 s; at once where the dead one has sent nothing for 2 s."""
    soon, late = world.air(CLIP), world.air(CLIP)
    for air in (soon, late):
        air.until_segments(2)
    since = time.time()
    soon.broadcaster.hang(away=0.2)
    late.broadcaster.hang(away=4)
    waited = []
    for air, away in ((soon, 0.2), (late, 4.0)):
        until_connections(air.broadcaster, 2)
        waited.append(seconds_back(air, away))
        until_sent(air.broadcaster, 2)
    for air in (soon, late):
        air.end()
    reports = [soon.verify(), late.verify()]
    print(f"let in after {waited[0]:.2f} s where it came at once, after {waited[1]:.2f} s where it came 4 s later")

    assert waited[0] <= DEAD_BLOCKS_SECONDS
    assert waited[1] <= AT_ONCE_SECONDS
    for air, report in zip((soon, late), reports, strict=True):
        assert report.findings == [], "\n".join(report.lines())
        assert len(world.stack.sessions(air.id)) == 1
        assert causes(air.session, since - GAP_BEGINS_SECONDS) == ["publisher_away"]
        assert lost_frames(report, since) <= IN_FLIGHT_FRAMES, report.lines()


def seconds_back(air: Air, away: float) -> float:
    """Give how long after it came back to a dead connection of its own the publisher was let in."""
    at = {str(event["event"]): float(str(event["at"])) for event in air.broadcaster.events}
    return at["connected"] - at["hung"] - away
