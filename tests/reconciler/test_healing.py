"""One fault at a time, in the simulated world: how soon it is healed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from services.domain.session import SessionState
from tests.reconciler.world.fleet import ZONES
from tests.reconciler.world.quiet import quiet
from tests.reconciler.world.reconciling import SWEEP_SECONDS
from tests.reconciler.world.worker import Phase, Worker
from tests.reconciler.world.world import World

START_SECONDS = 45 + 4  # the longest start, and until it holds its session
TWO_SWEEPS = 2 * SWEEP_SECONDS


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    with quiet():
        yield


def on_air(channels: int, *, gateways: int = 2, pool_size: int = 0, seed: int = 1) -> World:
    """Give a world in which every channel is captured."""
    world = World(seed, channels=channels, gateways=gateways, pool_size=pool_size)
    for encoder in world.encoders:
        encoder.wants = True
    world.run(START_SECONDS + 30)
    assert world.disagreements() == []
    return world


def seconds_until(world: World, is_so: Callable[[], bool], within: float) -> float:
    for second in range(round(within)):
        world.run(1)
        if is_so():
            return second + 1.0
    raise AssertionError(f"not within {within:g} s: {world.disagreements()}")


def agreed(world: World, within: float) -> float:
    return seconds_until(world, lambda: not world.disagreements(), within)


def working(world: World) -> list[Worker]:
    return [worker for worker in world.workers() if worker.phase is Phase.WORKING]


def test_a_dead_worker_is_replaced_within_two_sweeps_and_a_start_although_its_lease_is_valid() -> None:
    world = on_air(3)

    world.fleet.end(working(world)[0].task)

    agreed(world, TWO_SWEEPS + START_SECONDS)


def test_a_dead_worker_is_replaced_as_soon_although_nobody_told_of_it() -> None:
    world = on_air(3)
    world.trouble.events_lost = 1.0

    world.fleet.end(working(world)[0].task)

    agreed(world, TWO_SWEEPS + START_SECONDS)


def test_a_publish_that_was_accepted_and_forgotten_by_its_gateway_gets_its_worker() -> None:
    world = World(1, channels=1, gateways=1)
    world.gateways[0].forgets_orders = True

    world.encoders[0].wants = True

    agreed(world, 3 + TWO_SWEEPS + START_SECONDS)


def test_a_publisher_that_left_unheard_is_found_lost_and_its_session_ends() -> None:
    world = on_air(2)
    encoder = world.encoders[0]
    assert encoder.at is not None
    encoder.at.left(encoder.channel_id, is_heard=False)
    encoder.at, encoder.wants = None, False

    session = next(each for each in world.stored.open.values() if each.channel_id == encoder.channel_id)
    seconds_until(world, lambda: world.stored.sessions[session.id].publisher is None, TWO_SWEEPS + 1)

    agreed(world, 20 + 10)


def test_the_publishers_of_a_dead_gateway_go_on_elsewhere() -> None:
    world = on_air(4)
    dead = world.gateways[0]
    assert dead.connections

    dead.is_up = False

    agreed(world, 6 + 10 + 3 + TWO_SWEEPS)
    world.run(5)
    assert all(session.state is SessionState.LIVE for session in world.stored.open.values())


def test_a_hung_worker_is_stopped_and_replaced_a_lease_after_its_lease_ended() -> None:
    world = on_air(2)

    working(world)[0].is_hung = True

    agreed(world, 60 + 60 + TWO_SWEEPS + START_SECONDS)


def test_a_leaving_worker_gets_one_successor_although_nobody_asked_for_it() -> None:
    world = on_air(1)
    world.trouble.events_lost = 1.0  # the wish to its gateway as well
    tasks = len(world.fleet.tasks)

    world.fleet.terminate(working(world)[0].task)

    agreed(world, TWO_SWEEPS + START_SECONDS + 10)
    assert len(world.fleet.tasks) == tasks + 1


def test_a_task_of_a_session_that_is_over_is_stopped() -> None:
    world = on_air(1)
    orphan = working(world)[0]
    orphan.is_hung = True
    session = world.stored.sessions[orphan.session_id or ""]
    world.view("test").sessions.save(session=session.ended(world.time.now()))

    seconds_until(world, lambda: not orphan.task.is_to_run, 30 + TWO_SWEEPS)


def test_the_pool_is_kept_full_and_refilled_after_a_claim() -> None:
    world = on_air(2, pool_size=2)
    idle = [worker for worker in world.workers() if worker.phase is Phase.IDLE]
    assert sorted(worker.task.zone for worker in idle) == sorted(2 * ZONES)
    tasks = len(world.fleet.tasks)

    world.add_encoder("c9").wants = True

    agreed(world, TWO_SWEEPS + START_SECONDS)
    assert len(world.fleet.tasks) == tasks + 1


def test_a_pool_worker_that_died_is_replaced_and_its_row_forgotten() -> None:
    world = on_air(1, pool_size=1)
    idle = next(worker for worker in world.workers() if worker.phase is Phase.IDLE)

    world.fleet.end(idle.task)

    agreed(world, 60 + TWO_SWEEPS + START_SECONDS)
    seconds_until(world, lambda: idle.task.id not in world.stored.pool, 30 + TWO_SWEEPS)


def test_most_of_what_is_on_air_is_not_ended_at_once_but_is_when_it_lasts() -> None:
    world = on_air(8, gateways=1)
    gateway = world.gateways[0]
    assert len(gateway.connections) == 8

    gateway.is_up = False
    for encoder in world.encoders:
        encoder.wants = False
    world.run(6 + TWO_SWEEPS + SWEEP_SECONDS)
    assert all(session.publisher is not None for session in world.stored.open.values())

    agreed(world, 30 + TWO_SWEEPS + 20 + 10)


def test_an_outage_of_state_alone_costs_no_worker_and_no_publisher() -> None:
    world = on_air(4, pool_size=1)
    tasks = set(world.fleet.tasks)
    sessions = dict(world.stored.open)

    world.trouble.cut_off.add("all")
    world.run(300)
    world.trouble.cut_off.clear()
    world.run(200)

    assert set(world.fleet.tasks) == tasks
    assert {name: each.publisher for name, each in world.stored.open.items()} == {
        name: each.publisher for name, each in sessions.items()
    }


def test_a_session_that_every_worker_dies_over_has_failed_in_the_end_and_frees_its_channel() -> None:
    world = on_air(1, gateways=1)
    world.encoders[0].wants = False
    session = next(iter(world.stored.open.values()))
    world.run(22)

    def die() -> bool:
        for worker in world.workers():
            if worker.phase is Phase.CLOSING:
                world.fleet.end(worker.task)
        return not world.stored.sessions[session.id].state.is_open

    seconds_until(world, die, 9 * (60 + 60 + START_SECONDS))

    assert world.stored.sessions[session.id].state is SessionState.FAILED
    assert world.stored.airs["c0"].session_id is None


def test_a_pool_whose_workers_die_at_their_start_is_refilled_ever_more_slowly() -> None:
    world = World(1, channels=1, gateways=1, pool_size=1)
    died = set()

    for _ in range(300):
        world.run(1)
        for task in [task for task in world.fleet.tasks.values() if task.is_to_run]:
            died.add(task.id)
            world.fleet.end(task)

    assert len(ZONES) * 4 <= len(died) <= len(ZONES) * 12
