"""What waits in the spool while a store is away, and how fast it arrives when that is back."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.fault.world import Air
from tests.waiting import eventually

DRAINED_FILES = 4
"""The files that ffmpeg writes, and what was closed just now."""
FRESH_SECONDS = 2.5
"""How old the end of live.m3u8 may be besides a segment's length."""


def waiting(air: Air) -> int:
    """Count the media files of the channel's session in the spool."""
    session = air.world.session_ids[air.id]
    files = [path for path in air.world.spool_files() if path.suffix in {".mp4", ".ts", ".jpg"}]
    return sum(session in str(path) for path in files)


@dataclass
class Return:
    """How fast what had waited went into a store that is back: seconds until each thing was seen there."""

    live: float = 0.0
    latest: float = 0.0
    drained: float = 0.0
    waited: int = 0

    @classmethod
    def of(cls, air: Air, within: float = 20.0) -> Return:
        """Heal the store, and watch."""
        world, found = air.world, cls()
        assert world.store is not None
        found.waited = waiting(air)
        picture, healed, began = world.look(f"snapshots/{air.id}/latest.jpg"), time.time(), time.monotonic()
        world.store.heal()

        def is_all_there() -> bool:
            now = time.monotonic() - began
            if not found.latest and world.look(f"snapshots/{air.id}/latest.jpg") != picture:
                found.latest = now
            if not found.live and any(
                at > healed and age < air.channel["hls_time"] + FRESH_SECONDS for at, age in air.watcher.edges[-20:]
            ):
                found.live = now
            if not found.drained and waiting(air) <= DRAINED_FILES:
                found.drained = now
            return bool(found.latest and found.live and found.drained)

        eventually(is_all_there, within=within, what=f"the store has all that had waited: {found}")
        return found
