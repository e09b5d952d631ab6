"""nginx is killed, and the callback app, each alone and both."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.fault.comebacks import seconds_to_see, until_connections, until_sent
from tests.fault.limits import allowed
from tests.fault.losses import causes, lost_frames
from tests.fault.world import Air, World, a_world
from tests.numbered import NumberedClip, NumberedMedia
from tests.waiting import eventually

CLIP = NumberedClip(seconds=90)
SEEN_WITHIN = allowed(1 + 2)
"""hls_time + 2 s."""
INTERRUPTED_WITHIN = 10.0
READY_WITHIN = 10.0
REPLACED_WITHIN = 10.0
WORKER = ("services.worker", "--channel")
IN_FLIGHT_FRAMES = allowed(3)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, numbered: NumberedMedia) -> Iterator[World]:
    """One stack for all tests here: each has channels of its own."""
    with a_world(tmp_path_factory.mktemp("gateway"), numbered) as running:
        yield running


def kill_nginx(world: World) -> None:
    for process in world.nginx():
        process.kill()


def test_a_killed_callback_app_costs_a_running_capture_nothing_and_is_replaced_in_all_it_does(world: World) -> None:
    air = world.air(CLIP)
    air.until_segments(2)
    worker, killed = air.worker(), world.callback_app()
    since = time.time()
    killed.kill()
    eventually(lambda: not killed.is_running(), within=5, what="it is dead")
    eventually(world.stack._is_ready, within=READY_WITHIN, what="the gateway takes publishers again")
    took = time.time() - since
    air.until_segments(2)
    is_same = worker.is_running() and worker == air.worker()
    killed_at = time.time()
    worker.kill()  # whom the new app did not start
    eventually(lambda: world.find(*WORKER, air.id) not in (None, worker), within=REPLACED_WITHIN, what="a new worker")
    replaced = time.time() - killed_at
    air.until_segments(2)
    connections = air.broadcaster.connections
    air.end()
    report = air.verify()
    print(
        f"the callback app is back after {took:.1f} s, a worker replaced after {replaced:.1f} s; {report.lines()[-1]}"
    )

    assert report.findings == [], "\n".join(report.lines())
    assert is_same
    assert connections == 1
    assert lost_frames(report, since) == 0, report.lines()
    assert causes(air.session, since) == []


@pytest.mark.parametrize("with_callback_app", [False, True])
def test_a_killed_gateway_interrupts_and_its_publishers_go_on_as_soon_as_it_is_back(
    world: World, *, with_callback_app: bool
) -> None:
    away, back = world.air(CLIP), world.air(CLIP)
    for air in (away, back):
        air.until_segments(2)
    workers = [air.worker() for air in (away, back)]
    away.broadcaster.retries = (READY_WITHIN + 5,)  # it does not come back while anybody looks
    since = time.time()
    kill_nginx(world)
    if with_callback_app:
        world.callback_app().kill()
    eventually(lambda: view_state(world, away) == "interrupted", within=INTERRUPTED_WITHIN, what="it is interrupted")
    interrupted = time.time() - since
    until_connections(back.broadcaster, 2)
    returned = time.time() - since
    seen = seconds_to_see(back, connection=1)
    until_sent(back.broadcaster, 2)
    are_warm = [
        worker.is_running() and worker == air.worker() for worker, air in zip(workers, (away, back), strict=True)
    ]
    for air in (away, back):
        air.end()
    reports = [away.verify(), back.verify()]
    print(
        f"with the callback app {with_callback_app}: interrupted after {interrupted:.1f} s, the publisher on air again "
        f"after {returned:.1f} s, its first segment seen {seen:.2f} s after its try"
    )

    for air, report in zip((away, back), reports, strict=True):
        assert report.findings == [], "\n".join(report.lines())
        assert len(world.stack.sessions(air.id)) == 1
        assert lost_frames(report, since) <= IN_FLIGHT_FRAMES, report.lines()
    assert [part["n"] for part in back.session["parts"]] == [0, 1]
    assert are_warm == [True, True]
    assert seen <= SEEN_WITHIN


def view_state(world: World, air: Air) -> str:
    return str(world.stack.channel(air.id)["state"])
