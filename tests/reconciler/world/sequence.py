"""One sequence: what users and faults do to a world, drawn from a seed; then all is well, and must be so soon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tests.reconciler.world.reconciling import SWEEP_SECONDS, Reconciler
from tests.reconciler.world.worker import Phase
from tests.reconciler.world.world import SETTLE_SECONDS, Violation, World

STEPS = (8, 20)
SWEEPS_AFTER = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a sequence came to; `seconds` from the last fault to agreement, None where it never came."""

    seed: int
    events: Counter[str]
    seen: Counter[str]
    sweeps: int
    seconds: float | None
    problem: str | None


def publish(world: World) -> None:
    world.chance.choice(world.encoders).wants = True


def unpublish(world: World) -> None:
    world.chance.choice(world.encoders).wants = False


def blink(world: World) -> None:
    """An encoder goes and comes back at once."""
    encoder = world.chance.choice(world.encoders)
    if encoder.at is not None:
        encoder.at.left(encoder.channel_id, is_heard=world.chance.random() < 0.5)
        encoder.cut()


def task_death(world: World) -> None:
    running = [task for task in world.fleet.tasks.values() if task.program is not None]
    if running:
        world.fleet.end(world.chance.choice(running))


def task_terminated(world: World) -> None:
    """A deploy, a retirement, a spot notice."""
    running = [task for task in world.fleet.tasks.values() if task.program is not None and task.is_to_run]
    if running:
        world.fleet.terminate(world.chance.choice(running))


def worker_hangs(world: World) -> None:
    working = [worker for worker in world.workers() if worker.phase in (Phase.WORKING, Phase.BOOTING, Phase.IDLE)]
    if working:
        world.chance.choice(working).is_hung = True


def lost_callback(world: World) -> None:
    """A publisher leaves, and nobody hears of it."""
    connected = [encoder for encoder in world.encoders if encoder.at is not None]
    if connected:
        encoder = world.chance.choice(connected)
        assert encoder.at is not None
        encoder.at.left(encoder.channel_id, is_heard=False)
        encoder.at, encoder.wants = None, False


def gateway_death(world: World) -> None:
    gateway = world.chance.choice(world.gateways)
    if gateway.is_up:
        gateway.is_up = False
        world.add_gateway(gateway.name.partition("/")[0])


def gateway_restart(world: World) -> None:
    """It stops cleanly: its row goes with it."""
    gateway = world.chance.choice(world.gateways)
    if gateway.is_up:
        gateway_death(world)
        gone = [each for each in world.gateways if not each.is_up]
        world.stored.gateways.pop(gone[-1].name, None)


def forgetful_gateway(world: World) -> None:
    """A publish is accepted, and the gateway dies before it orders a worker."""
    for gateway in world.gateways:
        gateway.forgets_orders = not gateway.forgets_orders


def reconciler_crash(world: World) -> None:
    world.trouble.crash_after = world.chance.randint(1, 25)


def two_reconcilers(world: World) -> None:
    """A second one believes that it leads, as one that was held up for long may for a moment."""
    if len(world.reconcilers) == 1:
        world.reconcilers.append(Reconciler(world, "reconciler-2"))
    else:
        world.reconcilers.pop()


def throttle(world: World) -> None:
    world.trouble.refused = 0.0 if world.trouble.refused else world.chance.choice((0.5, 0.9, 1.0))


def platform_outage(world: World) -> None:
    world.trouble.platform_away = not world.trouble.platform_away


def state_outage(world: World) -> None:
    if world.trouble.cut_off:
        world.trouble.cut_off.clear()
    else:
        actors = ["all", "all", "reconciler", *(gateway.name.partition("/")[0] for gateway in world.gateways)]
        world.trouble.cut_off.add(world.chance.choice(actors))


def lost_events(world: World) -> None:
    world.trouble.events_lost = 0.0 if world.trouble.events_lost else 0.7


def duplicate_event(world: World) -> None:
    for reconciler in world.reconcilers:
        reconciler.wake = True


def late_list(world: World) -> None:
    world.trouble.listed_late = 0.0 if world.trouble.listed_late else 12.0


def lagging_lists(world: World) -> None:
    """What the reconciler reads in lists is of the past: far longer ago than a real index lags."""
    world.lag()


def unheard_launches(world: World) -> None:
    world.trouble.launches_unheard = 0.0 if world.trouble.launches_unheard else 0.5


def broken_starts(world: World) -> None:
    world.trouble.never_starts = 0.0 if world.trouble.never_starts else 0.5


EVENTS: tuple[tuple[int, Callable[[World], None]], ...] = (
    (8, publish), (4, unpublish), (2, blink), (3, task_death), (2, task_terminated), (2, worker_hangs),
    (2, lost_callback), (2, gateway_death), (1, gateway_restart), (1, forgetful_gateway), (2, reconciler_crash),
    (1, two_reconcilers), (1, throttle), (1, platform_outage), (2, state_outage), (1, lost_events),
    (1, duplicate_event), (1, late_list), (2, lagging_lists), (1, unheard_launches), (1, broken_starts),
)  # fmt: skip


def run(seed: int) -> Outcome:
    """Play the sequence of a seed."""
    world = World(seed, channels=1 + seed % 7, gateways=1 + seed % 3, pool_size=seed % 5 % 2)
    events: Counter[str] = Counter()
    try:
        _play(world, events)
        seconds = _settle(world)
        problem = None if seconds is not None else "; ".join(world.disagreements())
    except Violation as violation:
        seconds, problem = None, f"at {world.time.seconds:g} s: {violation}"
    return Outcome(seed, events, world.seen, world.sweeps(), seconds, problem)


def _play(world: World, events: Counter[str]) -> None:
    weights = [weight for weight, _ in EVENTS]
    for _ in range(world.chance.randint(*STEPS)):
        ((_, event),) = world.chance.choices(EVENTS, weights)
        events[event.__name__] += 1
        event(world)
        world.run(world.chance.choice((1, 2, 5, 10, 20, 40, 90)))


def _settle(world: World) -> float | None:
    """End all faults; give the seconds until all agrees, None if it does not in time, or not for good."""
    world.trouble.end()
    world.past.show(None)
    del world.reconcilers[1:]
    for gateway in world.gateways:
        gateway.forgets_orders = False
    agreed_at: float | None = None
    for second in range(round(SETTLE_SECONDS + SWEEPS_AFTER * SWEEP_SECONDS)):
        world.run(1)
        if world.disagreements():
            agreed_at = None
        elif agreed_at is None:
            agreed_at = float(second)
    return agreed_at
