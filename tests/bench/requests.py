"""What one live channel asks of S3 and DynamoDB in a minute; `./setup.sh bench requests`.

The figures stand in services/deploy/measured.py, from which the costs in docs/aws.md are made.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.counting_proxy import Calls, CountingProxy
from tests.e2e.publisher import Publisher
from tests.emulators import Emulators
from tests.fault.world import World, a_world
from tests.numbered import NumberedClip, NumberedMedia
from tests.waiting import eventually

START_SECONDS = 60.0
_KINDS = (
    ("latest.jpg", "latest.jpg"),
    (".jpg", "snapshots"),
    (".mp4", "recordings"),
    ("live.m3u8", "live.m3u8"),
    ("vod.m3u8", "vod.m3u8"),
    ("head.json", "head.json"),
    ("sprites.vtt", "sprites.vtt"),
    (".ts", "segments"),
    (".json", "manifest chunks"),
)
"""The end of a key and what it is called; the first that fits."""


def kind(key: str) -> str:
    """Give what an object is called in the table of costs."""
    if "/sprite-" in key:
        return "sprite sheets"
    return next((name for end, name in _KINDS if key.endswith(end)), "other")


def _by_kind(world: World) -> Counter[str]:
    assert world.store is not None
    puts: Counter[str] = Counter()
    for key, count in world.store.puts.items():
        puts[kind(key)] += count
    return puts


def _counted(world: World, counting: CountingProxy, seconds: float) -> tuple[Counter[str], Calls]:
    """Give what is asked from now on, in so many seconds."""
    before = _by_kind(world)
    counting.reset()
    time.sleep(seconds)
    return _by_kind(world) - before, counting.reset()


def measured(folder: Path, url: str, minutes: float) -> None:
    """Print what a channel with the default settings adds to a stack without one, in a minute."""
    media, host = NumberedMedia(folder), url.removeprefix("http://").split(":")
    with (
        CountingProxy(host[0], int(host[1])) as counting,
        a_world(folder, media, ministack=counting.url, store="s3", state="dynamodb") as world,
    ):
        _, idle = _counted(world, counting, 60)
        channel = world.stack.create()
        with Publisher(channel["publish"]["url"], media.file(NumberedClip(gop_seconds=2))):
            eventually(lambda: _by_kind(world)["recordings"], within=START_SECONDS + 60, what="the first recording")
            puts, calls = _counted(world, counting, minutes * 60)
    print(f"PUTs a minute, over {minutes:g} minutes of the default settings at a GOP of 2 s:")
    for name, count in puts.most_common():
        print(f"  {name:16} {count / minutes:6.1f}")
    print(f"  {'together':16} {puts.total() / minutes:6.1f}")
    print(f"other S3 requests a minute: { {name: round(n / minutes, 1) for name, n in calls.methods.items()} }")
    for name, stood, lively in (
        ("writes", idle.writes, calls.writes),
        ("read units", idle.read_units, calls.read_units),
    ):
        print(f"DynamoDB {name} a minute: {lively / minutes:.1f}, without a channel {stood:.1f}")
    print(f"  {calls.items}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure once; there is no bound to keep."""
    parser = argparse.ArgumentParser(prog="./setup.sh bench requests", description=__doc__)
    parser.add_argument("--minutes", type=float, default=4, help="how long to count")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="streamkeep-bench-") as name, Emulators() as emulators:
        measured(Path(name), emulators.url("ministack"), given.minutes)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
