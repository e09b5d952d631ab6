"""The time of a session: the wall clock as it was read once, carried on by a clock that nobody sets."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

import structlog

from services.domain import times

log = structlog.get_logger()

FILE = "clock.json"
SAME = timedelta(seconds=1)
"""By how much two machines' clocks are taken to differ without one having been set."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def _boot() -> str | None:
    """Name the life of this machine: CLOCK_MONOTONIC is one for all its processes, and begins anew with the next."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return None


@dataclass(frozen=True, slots=True)
class SteadyClock:
    """Tells epoch seconds that never step; `offset` is the wall clock less CLOCK_MONOTONIC (s)."""

    offset: float

    @classmethod
    def read(cls) -> Self:
        """Begin with the wall clock as it is now."""
        return cls(time.time() - time.monotonic())

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Give the clock of the session whose spool is `folder`: that of an earlier worker in this life of the machine.

        Where that cannot be read or kept the session has this worker's own clock.
        """
        clock, boot, path = cls.read(), _boot(), folder / FILE
        if boot is None:
            return clock
        try:
            known = json.loads(path.read_bytes())
            if known["boot"] == boot:
                return cls(float(known["offset"]))
        except (OSError, ValueError, KeyError, TypeError):
            pass  # the first worker of the session here
        try:
            folder.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f".{FILE}")
            part.write_text(json.dumps({"boot": boot, "offset": clock.offset}))
            part.replace(path)
        except OSError as error:
            log.warning("clock_not_kept", error=str(error))
        return clock

    def now(self) -> float:
        """Give the present time (epoch s)."""
        return time.monotonic() + self.offset

    def of_wall(self, moment: datetime, *, since: datetime) -> datetime:
        """Give a moment that another process read off the wall clock, not before `since`, on this clock.

        Where the wall clock was set meanwhile it was read before that or after it: what lies in the future or too far
        back was not.
        """
        now, step = times.utc(self.now()), timedelta(seconds=time.time() - self.now())
        for reading in (moment, moment - step):
            if since - SAME <= reading <= now + SAME:
                return reading
        return min(max(moment, since), now)
