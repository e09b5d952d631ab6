"""The publisher goes and comes back, in all the ways that encoders do: one session, a new part, no frame lost."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fault.comebacks import seconds_to_see, until_connections, until_sent
from tests.fault.limits import allowed
from tests.fault.losses import causes, lost_frames
from tests.fault.world import Air, World, a_world
from tests.numbered import NumberedClip, NumberedMedia
from tests.waiting import eventually

FLAP_SECONDS = float(os.environ.get("FAULT_FLAP_SECONDS", "12"))
"""How long the publisher flaps; by hand: FAULT_FLAP_SECONDS=120 FAULT_FLAP_PERIOD=5 pytest --timeout 300 -s."""
FLAP_PERIOD = float(os.environ.get("FAULT_FLAP_PERIOD", "1.5"))
"""Seconds on air, and as many away."""
CLIP = NumberedClip(seconds=90)
SEEN_WITHIN = allowed(2.0)
"""Seconds besides hls_time."""
IN_FLIGHT_FRAMES = allowed(3)
"""What a connection that is reset may take with it."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, numbered: NumberedMedia) -> Iterator[World]:
    """One stack for all tests here: each has channels of its own."""
    with a_world(tmp_path_factory.mktemp("reconnects"), numbered) as running:
        yield running


def parts_of(air: Air) -> list[dict[str, Any]]:
    return list(air.session["parts"])


def seen_sequences(air: Air) -> list[int]:
    """Give the discontinuity sequences that the viewer saw; the media sequences have no hole."""
    seen = air.watcher.segments()
    assert [segment.media_sequence for segment in seen] == list(range(len(seen)))
    return sorted({segment.discontinuity_sequence for segment in seen})


def test_a_publisher_who_returns_finds_its_worker_warm_and_is_seen_at_once(world: World) -> None:
    soon, late = world.air(CLIP), world.air(NumberedClip(seconds=90, gop_seconds=2), hls_time=2)
    for air in (soon, late):
        air.until_segments(2)
    since = time.time()
    workers = [air.worker() for air in (soon, late)]
    soon.broadcaster.drop(away=2)
    late.broadcaster.vanish(away=9)
    lags = []
    for air in (soon, late):
        until_connections(air.broadcaster, 2)
        lags.append(seconds_to_see(air, connection=1))
    are_warm = [
        worker.is_running() and worker == air.worker() for worker, air in zip(workers, (soon, late), strict=True)
    ]
    for air in (soon, late):
        air.end()
    reports = [soon.verify(), late.verify()]
    print(f"first segment in live.m3u8 after 2 s away: {lags[0]:.2f} s; of 2 s, after 9 s away: {lags[1]:.2f} s")

    for air, report, lag in zip((soon, late), reports, lags, strict=True):
        assert lag <= air.channel["hls_time"] + SEEN_WITHIN
        assert report.findings == [], "\n".join(report.lines())
        assert len(world.stack.sessions(air.id)) == 1
        assert [part["n"] for part in parts_of(air)] == [0, 1]
        assert causes(air.session, since) == ["publisher_away"]
        assert lost_frames(report, since) <= IN_FLIGHT_FRAMES, report.lines()
        assert seen_sequences(air) == [0, 1]
    assert are_warm == [True, True]


@pytest.mark.timeout(FLAP_SECONDS + 100)
def test_a_flapping_publisher_has_one_session_one_worker_and_loses_no_part(world: World) -> None:
    air = world.air(NumberedClip(seconds=max(90, FLAP_SECONDS + 60)))
    air.until_segments(1)
    since = time.time()
    worker = air.worker()
    turns = round(FLAP_SECONDS / FLAP_PERIOD / 2)
    for turn in range(turns):
        until_connections(air.broadcaster, turn + 1)
        until_sent(air.broadcaster, FLAP_PERIOD)
        air.broadcaster.drop(away=FLAP_PERIOD)
    until_connections(air.broadcaster, turns + 1)
    until_sent(air.broadcaster, FLAP_PERIOD)
    is_same_worker = worker == air.worker()
    workers = world.processes("services.worker", "--channel", air.id)
    air.end()
    eventually(lambda: not world.processes(air.id), within=10, what="no process of the channel is left")
    report = air.verify()
    print(f"{turns} turns of {2 * FLAP_PERIOD:g} s: {report.lines()[-1]}; {air.watcher.versions} versions seen")

    assert report.findings == [], "\n".join(report.lines())
    assert len(world.stack.sessions(air.id)) == 1
    assert is_same_worker
    assert len(workers) == 1
    assert len(parts_of(air)) == turns + 1
    assert seen_sequences(air) == list(range(turns + 1))
    assert lost_frames(report, since) <= IN_FLIGHT_FRAMES, report.lines()


SHAPES = {
    "size": NumberedClip(width=320, height=180),
    "rate": NumberedClip(rate=50),
    "codec": NumberedClip(b_frames=2, extra=("-profile:v", "high", "-c:a", "libmp3lame")),
    "no sound": NumberedClip(sound=False),
}


def test_a_publisher_who_returns_with_another_shape_begins_a_new_part_and_nothing_is_refused(world: World) -> None:
    airs = [world.air(CLIP), world.air(CLIP)]
    turns = [("size", "no sound"), ("rate", "codec")]
    for shape in SHAPES.values():
        world.clip(shape)  # made before its time
    for air in airs:
        air.until_segments(1)
    since = time.time()
    for connection in (2, 3):
        for air, names in zip(airs, turns, strict=True):
            air.broadcaster.change(world.clip(SHAPES[names[connection - 2]]))
        for air in airs:
            until_connections(air.broadcaster, connection)
            until_sent(air.broadcaster, 2.5)
    for air in airs:
        air.end()
    reports = [air.verify() for air in airs]
    shapes = [[(part["video"], part["audio"]) for part in parts_of(air)] for air in airs]
    print("\n".join(f"{names}: {report.lines()[-1]}" for names, report in zip(turns, reports, strict=True)))

    for air, report in zip(airs, reports, strict=True):
        assert report.findings == [], "\n".join(report.lines())
        assert air.broadcaster.refusals == 0
        assert len(world.stack.sessions(air.id)) == 1
        assert lost_frames(report, since) <= IN_FLIGHT_FRAMES, report.lines()
    # A worker that came late has made two parts of the first connection.
    sizes = [[video["width"] for video, _ in found][-3:] for found in shapes]
    assert sizes == [[192, 320, 192], [192, 192, 192]]
    sounds = [[audio and audio["codec"] for _, audio in found][-3:] for found in shapes]
    assert sounds == [["aac", "aac", None], ["aac", "aac", "mp3"]]
