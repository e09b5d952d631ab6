"""The AWS world on one machine, with publishers, viewers and the verifier around it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.aws.cloud import Cloud
from tests.doubles.ecs_task import STOPPED, FakeTask
from tests.fault.world import Air, World
from tests.local.running import free_offset
from tests.numbered import NumberedMedia
from tests.waiting import eventually

LOOKS_EVERY = 0.4
"""Viewers ask the API, which asks S3's stand-in: ten a second for each channel would leave no CPU for the rest."""


@dataclass
class CloudWorld(World):
    """A world whose stack is a cloud."""

    stack: Cloud

    def lead(self, air: Air, gateway: str) -> None:
        """Let the load balancer lead a channel's publisher to a gateway, when it comes next."""
        air.broadcaster.url = self.stack.gateways[gateway].leads(air.broadcaster.url)


def gone_from_ecs(world: CloudWorld, task: FakeTask, within: float) -> None:
    """Wait until a task has stopped."""
    plane = world.stack.ecs.plane
    eventually(lambda: task.status(plane.now()) == STOPPED, within=within, what=f"task {task.id} has stopped")


@contextlib.contextmanager
def a_cloud(
    folder: Path, media: NumberedMedia, *, endpoint: str | None = None, start_seconds: float = 2.0, pool_size: int = 0
) -> Iterator[CloudWorld]:
    """Give a running cloud; with an `endpoint` state and objects are in DynamoDB and S3 there."""
    cloud = Cloud(folder / "cloud", free_offset(), endpoint=endpoint, start_seconds=start_seconds, pool_size=pool_size)
    try:
        cloud.start()
        world = CloudWorld(cloud, folder, media, ministack=endpoint, looks_every=LOOKS_EVERY)
        try:
            yield world
        finally:
            world.exits.close()
    finally:
        cloud.stop()
