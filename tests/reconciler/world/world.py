"""Channels, encoders, gateways, workers, a platform and the reconciler, in virtual time, from one seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

from services.domain.session import Session
from services.reconciler.counts import Counts
from services.runtime.launch_claims import LaunchClaims
from tests.doubles.memory_state import MemoryState, Stored
from tests.examples import a_channel
from tests.reconciler.world.fleet import ZONES, Fleet, PooledFleet, RunningTask
from tests.reconciler.world.gateway import Encoder, FakeGateway
from tests.reconciler.world.reconciling import Reconciler
from tests.reconciler.world.trouble import Trouble
from tests.reconciler.world.virtual_time import VirtualTime
from tests.reconciler.world.worker import LEASE, Phase, Worker


class Violation(AssertionError):
    """Something happened that must never happen."""


class Lagging:
    """What lists show: what is stored, or once it is held what was stored then."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self.shown = Stored()
        self.is_held = False
        self.show(None)

    def show(self, past: Stored | None) -> None:
        self.is_held = past is not None
        for name in Stored.__slots__:
            setattr(self.shown, name, getattr(past or self._stored, name))


class World:
    """Advances second by second; `seen` counts what went on in it."""

    def __init__(self, seed: int, *, channels: int = 4, gateways: int = 2, pool_size: int = 0) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - chances of a simulated world
        self.time = VirtualTime()
        self.trouble = Trouble(self.chance)
        self.stored = Stored()
        self.past = Lagging(self.stored)
        self.counts = Counts()
        self.pool_size = pool_size
        self.seen: Counter[str] = Counter()
        self.fleet = Fleet(
            time=self.time, trouble=self.trouble, start=self._started, ended=self._task_ended, stopping=self._stopping
        )
        self.launcher = PooledFleet(self.fleet, self.view("pool").pool)
        self.gateways: list[FakeGateway] = []
        self._lives = 0
        for number in range(gateways):
            self.add_gateway(f"gw{number}")
        self.encoders: list[Encoder] = []
        for number in range(channels):
            self.add_encoder(f"c{number}")
        self.reconcilers = [Reconciler(self)]
        self._publishers: dict[str, Session] = {}

    def view(self, actor: str, *, of_lists: bool = False) -> MemoryState:
        """Give an actor's view of state; `of_lists` may lag behind."""
        stored = self.past.shown if of_lists else self.stored
        return MemoryState(self.time, stored, self.trouble.gate(actor))

    def lag(self) -> None:
        """Let what the reconciler reads in lists stand still, or go on."""
        self.past.show(None if self.past.is_held else self.stored.copied())

    def add_gateway(self, name: str) -> FakeGateway:
        self._lives += 1
        state = self.view(name)
        claims = LaunchClaims(leases=state.leases, channels=state.channels, clock=self.time, who=name)
        zone = ZONES[self._lives % len(ZONES)]
        gateway = FakeGateway(self, f"{name}/{self._lives}", zone, state, claims)
        self.gateways.append(gateway)
        return gateway

    def add_encoder(self, channel_id: str) -> Encoder:
        self.stored.channels[channel_id] = a_channel(channel_id, reconnect_window=20)
        self.encoders.append(Encoder(self, channel_id))
        return self.encoders[-1]

    def run(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds)):
            self.time.seconds += 1.0
            for gateway in self.gateways:
                gateway.tick()
            for encoder in self.encoders:
                encoder.tick()
            self.fleet.tick()
            for reconciler in self.reconcilers:
                before = dict(self.stored.open)
                reconciler.tick()
                self._check_publishers(before)

    def workers(self) -> list[Worker]:
        return [task.program for task in self.fleet.tasks.values() if isinstance(task.program, Worker)]

    def sweeps(self) -> int:
        return sum(each.sweeps for each in self.reconcilers)

    def is_away(self) -> bool:
        return "all" in self.trouble.cut_off

    def cut(self, channel_id: str) -> None:
        for encoder in self.encoders:
            if encoder.channel_id == channel_id:
                encoder.cut()

    def stands_by(self, session_id: str) -> bool:
        return any(one.session_id == session_id and one.phase is Phase.STANDING_BY for one in self.workers())

    def wants_successor(self, session_id: str) -> None:
        """Pass on a worker's wish to the gateway of its publisher, as far as it arrives."""
        publisher = self.stored.sessions[session_id].publisher
        for gateway in self.gateways:
            is_its = gateway.is_up and publisher is not None and gateway.name == publisher.gateway
            if is_its and not self.trouble.happens(max(0.2, self.trouble.events_lost)):
                gateway.to_launch[session_id] = True

    def superseded(self, worker: Worker) -> None:
        """Take note that a worker lost its lease; of one that did all it should this must not happen."""
        self.seen["worker superseded"] += 1
        if worker.is_healthy() and worker.lease is not None and worker.lease.is_valid(self.time.now()):
            raise Violation(f"{worker.task.id} of {worker.session_id} worked well and lost its lease")

    def _started(self, task: RunningTask) -> Worker:
        return Worker(self, task, self.view(f"worker {task.id}"))

    def _task_ended(self, _task: RunningTask) -> None:
        if not self.trouble.happens(self.trouble.events_lost):
            for reconciler in getattr(self, "reconcilers", []):
                reconciler.wake = True

    def _stopping(self, task: RunningTask, reason: str) -> None:
        self.seen[f"task stopped: {reason}"] += 1
        worker = task.program
        if not isinstance(worker, Worker):
            return
        if worker.phase is Phase.SHIPPING or (reason == "it is silent" and not worker.is_hung):
            raise Violation(f"{task.id} does what it should and is stopped: {reason}")
        if worker.session_id is None or not worker.is_healthy():
            return
        session, lease = self.stored.sessions[worker.session_id], self.stored.leases.get(worker.session_id)
        is_holder = lease is not None and lease.holder.startswith(f"{task.id}:") and lease.is_valid(self.time.now())
        if session.state.is_open and is_holder:
            raise Violation(f"{task.id} of {session.id} works well and is stopped: {reason}")

    def _check_publishers(self, before: dict[str, Session]) -> None:
        for session_id, session in before.items():
            publisher, after = session.publisher, self.stored.sessions[session_id]
            if publisher is None or after.publisher is not None or after is session:
                continue
            self.seen["publisher found lost"] += 1
            for gateway in self.gateways:
                is_there = gateway.connections.get(session.channel_id) == publisher.client_id
                is_well = gateway.is_up and gateway.cut_off_since is None
                if gateway.name == publisher.gateway and is_there and is_well:
                    raise Violation(f"the publisher of {session_id} is connected and was found lost")

    def disagreements(self) -> list[str]:
        """Say where sessions, tasks and publishers do not agree."""
        return [*self._about_channels(), *self._about_workers()]

    def _about_channels(self) -> Iterator[str]:
        for encoder in self.encoders:
            name, air = encoder.channel_id, self.stored.airs.get(encoder.channel_id)
            session = None if air is None or air.session_id is None else self.stored.sessions[air.session_id]
            is_open = session is not None and session.state.is_open
            if encoder.wants != (encoder.at is not None):
                yield f"{name} wants {encoder.wants} and is not"
            elif encoder.wants and (session is None or not is_open or session.publisher is None):
                yield f"{name} is published and has no session with it"
            elif not encoder.wants and session is not None and is_open:
                yield f"{name} is not published and its {session.id} is open"

    def _about_workers(self) -> Iterator[str]:
        running = {task.id: task for task in self.fleet.tasks.values() if task.is_to_run}
        holders: set[str] = set()
        for session in self.stored.open.values():
            lease = self.stored.leases.get(session.id)
            holder = "" if lease is None else lease.holder.partition(":")[0]
            holders.add(holder)
            if lease is None or not lease.is_valid(self.time.now()):
                yield f"{session.id} has no worker"
            elif holder not in running:
                yield f"{holder} holds {session.id} and does not run"
        idle = Counter(task.zone for task in running.values() if task.id not in holders)
        if idle != Counter({zone: self.pool_size for zone in ZONES if self.pool_size}):
            yield f"tasks beside those that work: {dict(idle)}"


SETTLE_SECONDS = 2 * LEASE.total_seconds() + 60 + 45 + 35 + 25
"""What healing may wait for: a lease's end and as long again, an order's, a start, the safety stop, the window."""
