"""State does not answer for a while, long enough that every lease expires."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest

from tests.emulators import Emulators
from tests.fault.broadcaster import Broadcaster
from tests.fault.comebacks import until_connections
from tests.fault.limits import allowed
from tests.fault.losses import lost_frames
from tests.fault.world import Air, World, a_world
from tests.numbered import NumberedClip, NumberedMedia
from tests.rtmp import Connection, Refused
from tests.waiting import eventually

CLIP = NumberedClip(seconds=120)
LEASE_SECONDS = 3
AWAY_SECONDS = 12.0
"""Four leases: what five minutes are to a lease of 60 s."""
TRUE_WITHIN = 10.0
REFUSED_WITHIN = 10.0
"""nginx itself refuses after that."""
IN_FLIGHT_FRAMES = allowed(3)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, numbered: NumberedMedia, emulators: Emulators) -> Iterator[World]:
    """A stack with its state in DynamoDB, behind a proxy, and leases that expire soon."""
    with a_world(
        tmp_path_factory.mktemp("state"),
        numbered,
        ministack=emulators.url("ministack"),
        state="dynamodb",
        variables={"STREAMKEEP_LEASE_SECONDS": str(LEASE_SECONDS)},
    ) as running:
        yield running


def view(world: World, channel_id: str) -> dict[str, Any]:
    """Give a channel as the API shows it, nothing where it cannot."""
    try:
        answer = world.stack.api.get(f"/channels/{channel_id}")
    except httpx.HTTPError:
        return {}
    return dict(answer.json()) if answer.status_code == 200 else {}


def seconds_until(world: World, air: Air, state: str, since: float) -> float:
    """Give how long after `since` (monotonic) the API shows a channel in a state."""
    eventually(lambda: view(world, air.id).get("state") == state, within=TRUE_WITHIN + 5, what=f"{state} is shown")
    return time.monotonic() - since


def seconds_to_refuse(url: str) -> float:
    """Try to publish; give the seconds until that is refused."""
    began = time.monotonic()
    with pytest.raises(Refused):
        Connection(url)
    return time.monotonic() - began


def test_while_state_is_gone_captures_go_on_and_when_it_is_back_all_is_true(world: World) -> None:
    """It hangs, then nobody is there; of three publishers one stays, one leaves and one returns meanwhile."""
    assert world.state is not None
    staying, leaving, returning = airs = [world.air(CLIP) for _ in range(3)]
    url = str(world.stack.create(hls_time=1)["publish"]["url"])
    for air in airs:
        air.until_segments(2)
    workers = [air.worker() for air in airs]
    since, until = time.time(), time.monotonic() + AWAY_SECONDS
    world.state.fail("hang")
    returning.broadcaster.drop(away=1)
    refused = [seconds_to_refuse(url)]
    world.state.fail("gone")
    refused.append(seconds_to_refuse(url))
    staying.until_segments(2)
    leaving.broadcaster.leave()
    eventually(lambda: time.monotonic() > until, within=AWAY_SECONDS, what="the outage is over")
    back = time.monotonic()
    world.state.heal()
    with Broadcaster(url, world.clip(CLIP), world.folder / "newcomer.jsonl") as late:
        truth = [seconds_until(world, leaving, "interrupted", back), seconds_until(world, staying, "live", back)]
        late.until_sending(within=TRUE_WITHIN)
        truth.append(time.monotonic() - back)
        until_connections(returning.broadcaster, 2)
        truth.append(time.monotonic() - back)
    for air in (staying, returning):
        air.until_segments(2)
    are_same = [worker.is_running() and worker == air.worker() for worker, air in zip(workers, airs, strict=True)]
    for air in airs:
        air.end()
    reports = [air.verify() for air in airs]
    print(
        f"state away for {AWAY_SECONDS:g} s: refused after {refused[0]:.1f} and {refused[1]:.1f} s; after its return "
        f"interrupted shown after {truth[0]:.1f} s, live {truth[1]:.1f} s, a newcomer on air {truth[2]:.1f} s, "
        f"one who had left and come back {truth[3]:.1f} s, refused {returning.broadcaster.refusals} times before"
    )

    for air, report, parts in zip(airs, reports, ({0}, {0}, {1, 2}), strict=True):
        assert report.findings == [], "\n".join(report.lines())
        assert len(world.stack.sessions(air.id)) == 1
        assert sum(datetime.fromisoformat(part["from"]).timestamp() > since for part in air.session["parts"]) in parts
        assert lost_frames(report, since) <= IN_FLIGHT_FRAMES, report.lines()
    assert all(are_same)
    assert returning.broadcaster.refusals > 0
    assert "reason=state_unavailable" in world.stack.log.read_text()
    assert max(refused) <= REFUSED_WITHIN
    assert max(truth) <= TRUE_WITHIN
