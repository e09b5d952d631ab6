"""The real reconciler in the simulated world, as it is killed, begins anew, and is two for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.domain.errors import StateUnavailable
from services.domain.ports import LaunchOrder
from services.domain.tasks import Task
from services.reconciler.acting import Acting, Platform
from services.reconciler.caution import Caution
from services.reconciler.memory import Memory
from services.reconciler.sight import Observer
from services.reconciler.standing_by import StandingBy
from services.reconciler.sweep import Sweep
from services.reconciler.workers import Workers
from services.runtime.giving_up import GivingUp
from services.runtime.launch_claims import LaunchClaims
from tests.reconciler.world.fleet import ZONES
from tests.reconciler.world.trouble import Crash
from tests.reconciler.world.worker import LEASE

if TYPE_CHECKING:
    from tests.reconciler.world.world import World

SWEEP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class WatchedFleet:
    """The platform as the reconciler calls it, who may be killed at each call."""

    world: World

    def all(self) -> Sequence[Task]:
        self.world.trouble.crash_perhaps()
        return self.world.fleet.all()

    def is_over(self, task_id: str) -> bool:
        self.world.trouble.crash_perhaps()
        return self.world.fleet.is_over(task_id)

    def stop(self, task_id: str, reason: str) -> None:
        self.world.trouble.crash_perhaps()
        self.world.fleet.stop(task_id, reason)

    def launch_idle(self, zone: str, *, token: str) -> None:
        self.world.trouble.crash_perhaps()
        self.world.fleet.launch_idle(zone, token=token)

    def launch(self, order: LaunchOrder) -> None:
        self.world.trouble.crash_perhaps()
        self.world.launcher.launch(order)

    def running(self) -> None:
        return None

    def kill(self, session_id: str) -> None:
        raise NotImplementedError


def a_sweep(world: World, actor: str) -> Sweep:
    """Give the real thing, as it begins."""
    state, platform = world.view(actor), WatchedFleet(world)
    lists = world.view(actor, of_lists=True)
    claims = LaunchClaims(leases=state.leases, channels=state.channels, clock=world.time, who=actor)
    return Sweep(
        observer=Observer(
            overview=lists.overview,
            gateways=lists.gateways,
            pool=lists.pool,
            tasks=platform,
            clock=world.time,
            monotonic=world.time.monotonic,
        ),
        acting=Acting(
            sessions=state.sessions,
            channels=state.channels,
            leases=state.leases,
            gateways=state.gateways,
            pool=state.pool,
            giving_up=GivingUp(sessions=state.sessions, channels=state.channels, outbox=None, clock=world.time),
            clock=world.time,
            platform=Platform(tasks=platform, launcher=platform, claims=claims),
        ),
        memory=Memory(jitter=world.chance),
        caution=Caution(),
        counts=world.counts,
        workers=Workers(lease_seconds=LEASE.total_seconds()),
        standing_by=StandingBy(size=world.pool_size, zones=ZONES),
        goes_on=lambda: True,
        hands=1,
    )


class Reconciler:
    """Sweeps every few seconds, and at events; a crash is followed by a new one that knows nothing."""

    def __init__(self, world: World, actor: str = "reconciler") -> None:
        self._world = world
        self._actor = actor
        self._sweep = a_sweep(world, actor)
        self.next_at = world.chance.uniform(0, SWEEP_SECONDS)
        self.wake = False
        self.sweeps = 0
        self.crashes = 0

    def tick(self) -> None:
        now = self._world.time.seconds
        if now < self.next_at and not self.wake:
            return
        self.wake, self.next_at = False, now + SWEEP_SECONDS
        self.sweeps += 1
        try:
            self.wake = self._sweep.run()
        except StateUnavailable:
            return
        except Crash:
            self.crashes += 1
            self._sweep = a_sweep(self._world, self._actor)
            self.next_at = now + self._world.chance.uniform(0, 15)
