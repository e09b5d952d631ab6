"""A second publisher with the channel's key: refused with a reason, or let in by the channel's policy."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.fault.broadcaster import Broadcaster
from tests.fault.comebacks import until_sent
from tests.fault.limits import allowed
from tests.fault.losses import lost_frames
from tests.fault.world import Air, World, a_world
from tests.numbered import NumberedClip, NumberedMedia
from tests.rtmp import Connection, Refused
from tests.waiting import eventually

CLIP = NumberedClip(seconds=90)
TRIES = 5
IN_FLIGHT_FRAMES = allowed(3)
"""What the one who is cut had sent and nobody takes any more."""
REFUSED_WITHIN = 3.0
TAKEN_WITHIN = allowed(2.5)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, numbered: NumberedMedia) -> Iterator[World]:
    """One stack for all tests here: each has channels of its own."""
    with a_world(tmp_path_factory.mktemp("second"), numbered) as running:
        yield running


def refusal(air: Air) -> float:
    """Try to publish as a second one; give the seconds until that is refused."""
    began = time.monotonic()
    with pytest.raises(Refused):
        Connection(str(air.channel["publish"]["url"]))
    return time.monotonic() - began


def test_a_second_publisher_is_refused_with_a_reason_and_the_first_loses_no_frame(world: World) -> None:
    air = world.air(CLIP, reconnect_window=0)
    air.until_segments(2)
    since = time.time()
    took = [refusal(air) for _ in range(TRIES)]
    reason = eventually(lambda: world.stack.channel(air.id)["state_reason"], within=3, what="the owner is told")
    air.until_segments(2)
    connections = air.broadcaster.connections
    air.end()
    report = air.verify()
    print(f"refused {TRIES} times, after {max(took):.2f} s at most; {report.lines()[-1]}")

    assert report.findings == [], "\n".join(report.lines())
    assert connections == 1
    assert lost_frames(report, since) == 0, report.lines()
    assert len(air.session["parts"]) == 1
    assert reason["code"] == "second_publisher"
    assert "127.0.0.1" in reason["detail"]
    assert "publish_refused" in world.stack.log.read_text()
    assert max(took) <= REFUSED_WITHIN


def test_a_second_publisher_takes_over_where_the_channel_wants_it(world: World) -> None:
    air = world.air(CLIP, second_publisher="takeover")
    first = air.broadcaster
    first.retries = (60.0,)  # it does not come back for its place
    air.until_segments(1)
    until_sent(first, 6)  # who is on air has a right to its first 5 s
    since = time.time()
    log = air.world.folder / "taker.jsonl"
    with Broadcaster(first.url, first.clip, log, began=first.began) as taker:
        taker.until_sending(within=6)
        took = taker.publisher(0).sent[0].at - since
        until_sent(taker, 2)
        eventually(lambda: not first.is_sending, within=5, what="the first is cut")
        air.until_segments(2)
    air.end()
    report = air.verify(taker)
    print(f"on air {took:.2f} s after its try, a keyframe of its own included; {report.lines()[-1]}")

    assert report.findings == [], "\n".join(report.lines())
    assert len(world.stack.sessions(air.id)) == 1
    assert len(air.session["parts"]) == 2
    assert took <= TAKEN_WITHIN + CLIP.gop_seconds
    assert lost_frames(report, since) <= IN_FLIGHT_FRAMES, report.lines()
