"""From publish to the first picture, with a warm pool and on one machine: `python -m tests.aws.warm [--trials N]`.

Both are beside each other and take turns; the cloud's is over DynamoDB and S3 of ministack, or over `--files` as well.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from tests.aws.definitions import POOL_ZONES
from tests.aws.world import CloudWorld, a_cloud
from tests.emulators import Emulators
from tests.fault.world import Air, World, a_world
from tests.numbered import NumberedClip, NumberedMedia
from tests.waiting import eventually

CLIP = NumberedClip(gop_seconds=0.2)
"""Its keyframes come so often that they are not what is waited for."""


def until_pool_is_full(cloud: CloudWorld) -> None:
    """Wait until an idle worker waits in each zone."""

    def is_full() -> bool:
        return sum(not row.is_claimed for row in cloud.stack.state.pool.all()) >= POOL_ZONES

    eventually(is_full, within=40, what="an idle worker waits in each zone")


def first_picture(world: World) -> tuple[Air, float]:
    """Publish, and give the seconds from the publisher's try until its first picture is in the store."""
    air = world.air(CLIP, image_time=1)
    eventually(lambda: world.look(f"snapshots/{air.id}/latest.jpg"), within=30, what="a picture")
    seen = time.time()
    tried = next(float(str(event["tried"])) for event in air.broadcaster.events if event["event"] == "connected")
    return air, seen - tried


def main() -> None:
    """Print the medians and what they are of."""
    parser = argparse.ArgumentParser(prog="python -m tests.aws.warm")
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--files", action="store_true", help="without ministack")
    wishes = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Emulators() as emulators:
        folder, media = Path(name), NumberedMedia(Path(name))
        (folder / "local").mkdir()
        endpoint = None if wishes.files else emulators.url("ministack")
        with a_cloud(folder, media, endpoint=endpoint, pool_size=1) as cloud, a_world(folder / "local", media) as local:
            media.file(CLIP)
            found = [_trial(cloud, local) for _ in range(wishes.trials)]
    for what, seconds in zip(("warm worker on AWS", "one machine"), zip(*found, strict=True), strict=True):
        each = ", ".join(f"{value:.2f}" for value in seconds)
        print(f"{what}: median {statistics.median(seconds):.2f} s of {each}")


def _trial(cloud: CloudWorld, local: World) -> tuple[float, float]:
    until_pool_is_full(cloud)
    found = []
    for world in (cloud, local):
        air, seconds = first_picture(world)
        air.end()
        air.watcher.close()
        found.append(seconds)
    return found[0], found[1]


if __name__ == "__main__":
    main()
