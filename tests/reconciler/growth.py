"""What a sweep costs as channels grow: `python -m tests.reconciler.growth --live 10 100 1000 10000`.

The real adapters of DynamoDB and ECS ask an emulator and the fake ECS; a proxy counts what DynamoDB is asked, and the
fake what it is. Time is simulated: the sweeps come five seconds after one another by a clock of their own.
"""

from __future__ import annotations

import argparse
import os
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from services.adapters import dynamodb_channels, dynamodb_leases, dynamodb_sessions
from services.adapters.dynamodb_items import WRITES_MAX, Items
from services.adapters.dynamodb_state import DynamodbState
from services.adapters.dynamodb_table import Item
from services.adapters.ecs_opening import EcsWorkers, open_fleet
from services.domain.gateways import Connection, Gateway
from services.domain.ports import LaunchOrder
from services.domain.session import Air, Lease, SessionState
from services.reconciler.acting import Acting, Platform
from services.reconciler.caution import Caution
from services.reconciler.counts import Counts
from services.reconciler.memory import Memory
from services.reconciler.sight import Observer
from services.reconciler.standing_by import StandingBy
from services.reconciler.sweep import Sweep
from services.reconciler.workers import Workers
from services.runtime.giving_up import GivingUp
from services.runtime.launch_claims import LaunchClaims
from tests.contract.dynamodb_world import prepare_for_ever
from tests.counting_proxy import CountingProxy
from tests.doubles.ecs import FakeEcs
from tests.emulators import Emulators
from tests.examples import NOW, a_channel, a_publisher, a_session
from tests.reconciler.world.quiet import quiet
from tests.reconciler.world.virtual_time import VirtualTime

SWEEP_SECONDS = 5.0
SWEEPS = 4
ON_ONE_GATEWAY = 200
DOLLARS_A_MILLION_READ_UNITS = 0.125  # DynamoDB on demand, us-east-1
EMULATOR = "ministack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one sweep cost, on average over some that find all well."""

    live: int
    state_calls: float
    read_units: float
    writes: float
    platform_calls: float
    cpu_seconds: float

    @property
    def dollars(self) -> float:
        """Give what the reads cost for a channel that is on air for an hour."""
        return self.read_units / self.live * 3600 / SWEEP_SECONDS * DOLLARS_A_MILLION_READ_UNITS / 1e6


def a_batch(number: int, task_id: str) -> Iterator[Mapping[str, Any]]:
    """Give the items of a channel that is on air and captured."""
    name, holder = f"live{number}", f"{task_id}:k:1:1"
    gateway = f"gw{number // ON_ONE_GATEWAY}/1"
    session = a_session(
        f"session{number}",
        channel_id=name,
        state=SessionState.LIVE,
        publisher=a_publisher(name, gateway=gateway),
        started_at=NOW - timedelta(seconds=number),
    )
    lease = Lease(session_id=session.id, epoch=1, holder=holder, expires_at=NOW + timedelta(hours=1))
    yield {**dynamodb_channels._attributes(a_channel(name))}
    yield dynamodb_sessions._session_write(session).attributes
    yield dynamodb_sessions._air_write(Air(channel_id=name).opened(session.id)).attributes
    yield dynamodb_leases._write(lease, Item.id.exists()).attributes


def idle_channels(count: int) -> Iterator[Mapping[str, Any]]:
    """Give the items of channels that are not on air, each with a session that has ended."""
    for number in range(count):
        name = f"idle{number}"
        ended = a_session(f"ended{number}", channel_id=name, publisher=None, started_at=NOW - timedelta(days=1)).ended(
            NOW
        )
        air = Air(channel_id=name, last_session_id=ended.id, version=1)
        yield {**dynamodb_channels._attributes(a_channel(name))}
        yield {**dynamodb_sessions._session_write(ended).attributes}
        yield dynamodb_sessions._air_write(air).attributes


def store(items: Items, records: Iterator[Mapping[str, Any]]) -> None:
    waiting: list[Mapping[str, Any]] = []
    for record in records:
        waiting.append(record)
        if len(waiting) == WRITES_MAX:
            items.put_always(waiting)
            waiting = []
    if waiting:
        items.put_always(waiting)


def start_tasks(ecs: FakeEcs, fleet: EcsWorkers, live: int) -> Sequence[str]:
    """Start a task for each session: the first as the launcher does, the others alike and without its pace."""
    fleet.launcher.launch(LaunchOrder(channel_id="live0", session_id="session0"))
    (request,) = ecs.calls("RunTask")
    for number in range(1, live):
        token = f"session{number}-1-1"
        ecs.plane.call("RunTask", {**request, "startedBy": f"session{number}", "clientToken": token})
    return [task.id for task in ecs.tasks()]


def gateways(live: int) -> Iterator[Gateway]:
    for first in range(0, live, ON_ONE_GATEWAY):
        names = [f"live{number}" for number in range(first, min(live, first + ON_ONE_GATEWAY))]
        yield Gateway(
            name=f"gw{first // ON_ONE_GATEWAY}/1",
            seen_at=NOW + timedelta(hours=1),
            pull_url="rtmp://10.0.0.1/stream",
            control_url="http://10.0.0.1:8002",
            connections=tuple(Connection(channel_id=name, client_id=name) for name in names),
        )


def a_sweep(state: DynamodbState, fleet: EcsWorkers, clock: VirtualTime) -> Sweep:
    giving_up = GivingUp(sessions=state.sessions, channels=state.channels, outbox=state.outbox, clock=clock)
    claims = LaunchClaims(leases=state.leases, channels=state.channels, clock=clock, who="growth")
    return Sweep(
        observer=Observer(
            overview=state.overview,
            gateways=state.gateways,
            pool=state.pool,
            tasks=fleet.tasks,
            clock=clock,
            monotonic=clock.monotonic,
        ),
        acting=Acting(
            sessions=state.sessions,
            channels=state.channels,
            leases=state.leases,
            gateways=state.gateways,
            pool=state.pool,
            giving_up=giving_up,
            clock=clock,
            platform=Platform(tasks=fleet.tasks, launcher=fleet.launcher, claims=claims),
        ),
        memory=Memory(),
        caution=Caution(),
        counts=Counts(),
        workers=Workers(lease_seconds=60.0),
        standing_by=StandingBy(size=0, zones=("eu-central-1a",)),
        goes_on=lambda: True,
    )


@contextmanager
def _variables(variables: Mapping[str, str]) -> Iterator[None]:
    """Let a client that is made in the block find the fake ECS."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def measured(endpoint: str, live: int, *, idle: int = 0) -> Cost:
    """Give what a sweep costs with so many channels on air, and so many others that were."""
    table, place = f"growth-{uuid.uuid4().hex}", urlsplit(endpoint)
    prepare_for_ever(table, endpoint)
    with (
        FakeEcs(start_seconds=0.0, speed=1.0, has_limits=False) as ecs,
        CountingProxy(place.hostname or "", place.port or 0) as proxy,
        _variables(ecs.variables),
    ):
        settings = ecs.settings
        fleet = open_fleet(
            cluster=settings["CLUSTER"],
            task_definition=settings["WORKER_TASK"],
            container="worker",
            subnets={zone: (subnet,) for subnet, zone in ecs.plane.subnets.items()},
            security_groups=("sg-worker",),
            public_ip=True,
            capacity={"FARGATE": 1},
            stack=settings["TAGS_STACK"],
        )
        tasks, items = start_tasks(ecs, fleet, live), Items(table, endpoint=endpoint)
        store(items, (record for number in range(live) for record in a_batch(number, tasks[number])))
        store(items, idle_channels(idle))
        clock = VirtualTime()
        with closing(DynamodbState(table, endpoint=proxy.url, clock=clock)) as state:
            for gateway in gateways(live):
                state.gateways.put(gateway)
            return _swept(a_sweep(state, fleet, clock), clock, proxy, ecs, live)


def _swept(sweep: Sweep, clock: VirtualTime, proxy: CountingProxy, ecs: FakeEcs, live: int) -> Cost:
    proxy.reset()
    asked = len(ecs.plane.calls)
    began = time.thread_time()
    for _ in range(SWEEPS):
        clock.seconds += SWEEP_SECONDS
        sweep.run()
    seconds, calls, platform_calls = time.thread_time() - began, proxy.reset(), len(ecs.plane.calls) - asked
    assert list(sweep.decided(sweep.observer.look())) == [], "all is well: nothing is to be done"
    return Cost(
        live=live,
        state_calls=calls.read_calls / SWEEPS,
        read_units=calls.read_units / SWEEPS,
        writes=calls.writes / SWEEPS,
        platform_calls=platform_calls / SWEEPS,
        cpu_seconds=seconds / SWEEPS,
    )


def table(costs: Sequence[Cost]) -> str:
    lines = ["live channels  state calls  read units  writes  ECS calls  CPU s  read units/channel  $/channel-hour"]
    lines += [
        f"{each.live:13,}  {each.state_calls:11.1f}  {each.read_units:10.1f}  {each.writes:6.1f}"
        f"  {each.platform_calls:9.1f}  {each.cpu_seconds:5.3f}"
        f"  {each.read_units / each.live:18.2f}  {each.dollars:14.6f}"
        for each in costs
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.reconciler.growth", description=__doc__)
    parser.add_argument("--live", type=int, nargs="+", default=[10, 100, 1_000])
    parser.add_argument("--idle", type=int, default=0, help="channels besides that were on air once")
    arguments = parser.parse_args()
    with Emulators() as emulators, quiet():
        print(table([measured(emulators.url(EMULATOR), live, idle=arguments.idle) for live in arguments.live]))


if __name__ == "__main__":
    main()
