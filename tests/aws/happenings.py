"""What happens to tasks, gateways and publishers on AWS: each a story of channels of its own (tests/fault/stories.py).

Gateways that are to die or to go are a story's own as well; what else there is in the cloud it shares with the others.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from services.domain.ids import launch_id
from tests.aws.gateway_task import GatewayTask
from tests.aws.world import CloudWorld, gone_from_ecs
from tests.fault.comebacks import until_connections, until_sent
from tests.fault.stories import Told
from tests.fault.world import Air, World
from tests.numbered import NumberedClip
from tests.waiting import eventually

GOP_SECONDS = 2
IMAGE_SECONDS = 1.0
CLIP = NumberedClip(gop_seconds=GOP_SECONDS, b_frames=2)
CUT_CLIP = NumberedClip(gop_seconds=GOP_SECONDS)
"""For who is cut off: of frames that are sent out of order the last ones may lack earlier ones."""
COLD_SECONDS = 12.0
SUCCESSOR_SECONDS = 8.0
DEPLOYED_PUBLISHERS = 3
KEPT_DAYS = 1


@dataclass
class ToldOfMany(Told):
    """A story of several channels; the first is told of as ever."""

    others: list[Told] = field(default_factory=list)


def cloud_of(world: World) -> CloudWorld:
    assert isinstance(world, CloudWorld)
    return world


def _air(world: World, clip: NumberedClip = CLIP, **fields: object) -> Air:
    return world.air(clip, image_time=IMAGE_SECONDS, **fields)


def _goes_on(air: Air, figures: dict[str, float] | None = None) -> Told:
    air.until_segments(3, within=60)
    air.end()
    return Told(air, figures or {})


def _gateway(world: World, name: str) -> GatewayTask:
    stack = cloud_of(world).stack
    gateway = stack.new_gateway(name)
    eventually(lambda: name in stack.known(), within=30, what=f"gateway {name} has written its row")
    return gateway


def first_task_takes_long(world: World, seconds: float = COLD_SECONDS) -> Told:
    kept = {"recordings": KEPT_DAYS, "hls": KEPT_DAYS, "snapshots": KEPT_DAYS}
    air = _air(world, retention=kept, prepare=cloud_of(world).stack.starts_in(seconds))
    air.until_segments(1, within=seconds + 60)
    seen = time.time() - air.broadcaster.publisher(0).sent[0].at
    return _goes_on(air, {"seen": seen})


def task_is_killed(world: World) -> Told:
    stack, air = cloud_of(world).stack, _air(world)
    air.until_segments(4)
    session = str(air.session["id"])
    killed, began = stack.holder(session), time.monotonic()
    stack.ecs.kill(str(killed))
    eventually(lambda: stack.holder(session) not in (None, killed), within=40, what="another task has it")
    figures = {"held again": time.monotonic() - began}
    air.until_segments(1, within=60)
    figures["segments again"] = time.monotonic() - began
    return _goes_on(air, figures)


def task_is_interrupted(world: World) -> Told:
    stack, air = cloud_of(world).stack, _air(world)
    air.until_segments(4)
    stack.starts[air.id] = SUCCESSOR_SECONDS
    (task,) = stack.tasks_of(air.id)
    began = time.monotonic()
    stack.ecs.interrupt(task.id)
    gone_from_ecs(cloud_of(world), task, within=60)
    return _goes_on(air, {"gone": time.monotonic() - began})


def publisher_moves(world: World) -> Told:
    """Its connection breaks, and the load balancer leads it to the other gateway."""
    air = _air(world, CUT_CLIP)
    air.until_segments(4)
    cloud_of(world).lead(air, "b")
    air.broadcaster.vanish(away=0.3)
    until_connections(air.broadcaster, 2)
    until_sent(air.broadcaster, 2)
    return _goes_on(air)


def publisher_moves_before_its_task_listens(world: World) -> Told:
    """What it sent to the gateway it came to first is there, and its worker never saw it at that one."""
    air = _air(world, CUT_CLIP, prepare=cloud_of(world).stack.starts_in(COLD_SECONDS))
    until_sent(air.broadcaster, 5)
    cloud_of(world).lead(air, "b")
    air.broadcaster.vanish(away=0.3)
    until_connections(air.broadcaster, 2)
    air.until_segments(1, within=COLD_SECONDS + 60)
    return _goes_on(air)


def gateway_dies(world: World) -> Told:
    """Of its two publishers one comes back at another gateway, and one never."""
    stack, gateway = cloud_of(world).stack, _gateway(world, "dying")
    back = _air(world, CUT_CLIP, gateway="dying")
    never = _air(world, CUT_CLIP, gateway="dying", reconnect_window=5)
    for air in (back, never):
        air.until_segments(3)
    cloud_of(world).lead(back, "b")
    never.broadcaster.retries = (300.0,)
    since = time.time()
    gateway.kill()
    stack.wait_for_state(never.id, "interrupted", within=40)
    figures = {"interrupted": time.time() - since}
    stack.wait_for_state(never.id, "idle", within=40)
    ended = time.time()
    eventually(lambda: not stack.tasks_of(never.id), within=40, what="its task is gone")
    figures |= {"over": ended - since, "agreed": time.time() - ended}
    until_connections(back.broadcaster, 2)
    never.broadcaster.leave()
    return ToldOfMany(_goes_on(back).air, figures, [Told(never)])


def launch_dies_with_its_gateway(world: World) -> Told:
    """The gateway has claimed the launch, and dies before ECS does anything."""
    stack, gateway = cloud_of(world).stack, _gateway(world, "claiming")
    ecs = stack.ecs
    air = _air(world, CUT_CLIP, gateway="claiming", prepare=lambda channel: ecs.swallow("RunTask", channel))
    air.broadcaster.until_sending()
    session = str(air.session["id"])
    eventually(lambda: stack.state.leases.get(launch_id(session)), what="the launch is claimed")
    cloud_of(world).lead(air, "b")
    since = time.monotonic()
    gateway.kill()
    ecs.swallow_no_more("RunTask", air.id)
    eventually(lambda: stack.holder(session), within=90, what="the launch is made again")
    return _goes_on(air, {"launched again": time.monotonic() - since})


def gateway_is_deployed_anew(world: World) -> Told:
    """It is asked to go, and lets its publishers go one by one."""
    old = _gateway(world, "old")
    airs = [_air(world, CUT_CLIP, gateway="old") for _ in range(DEPLOYED_PUBLISHERS)]
    for air in airs:
        air.until_segments(3)
        cloud_of(world).lead(air, "b")
    stopping = threading.Thread(target=old.stop, name="the old gateway stops")
    stopping.start()
    for air in airs:
        until_connections(air.broadcaster, 2, within=40)
    stopping.join(40)
    first, *others = [_goes_on(air) for air in airs]
    return ToldOfMany(first.air, {}, others)
