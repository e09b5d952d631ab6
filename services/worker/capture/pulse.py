"""Whether a process still moves: told by looks at it, so that a pause of the looker itself alarms nobody."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

LOOK_SECONDS = 0.5
"""How often to look."""
FROZEN_LOOKS = 14
"""ffmpeg polls a silent source ten times a second: one that has not run once in 7 s is stopped, or its disk hangs."""
SPINNING_LOOKS = 40
SPINNING_SHARE = 0.2
"""One that has written nothing for 20 s while it had a processor for a fifth of the time goes in circles. Silence alone
means nothing: a pull without media ends by itself, and of a frame each few seconds ffmpeg tells little for a minute."""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Pulse:
    """One process's pulse; where the kernel does not tell, nothing is wrong."""

    pid: int
    _ran: tuple[int, float] | None = None
    _written: int | None = None
    _silent_since: float = 0.0
    _used: float = 0.0
    _still: int = 0
    _silent: int = 0
    _was_seen_to_run: bool = False

    def look(self) -> str | None:
        """Look again; say what is wrong, if anything is."""
        switches, used, written = self._switches(), self._processor_seconds(), self.written()
        if switches is None or written is None:
            self._still = self._silent = 0
            return None
        ran = (switches, used)
        self._was_seen_to_run = self._was_seen_to_run or (self._ran is not None and ran != self._ran)
        self._still = self._still + 1 if ran == self._ran else 0
        self._silent = self._silent + 1 if written == self._written else 0
        if self._silent == 0:
            self._silent_since, self._used = time.monotonic(), used
        self._ran, self._written = ran, written
        if self._was_seen_to_run and self._still >= FROZEN_LOOKS:
            return "frozen"
        share = (used - self._used) / max(LOOK_SECONDS, time.monotonic() - self._silent_since)
        return "spinning" if self._silent >= SPINNING_LOOKS and share >= SPINNING_SHARE else None

    def _processor_seconds(self) -> float:
        """Give what it has used so far (proc(5), /proc/pid/stat: utime, stime)."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def written(self) -> int | None:
        """Give the bytes it has written so far, to files and pipes."""
        return self._number("io", "wchar:")

    def _switches(self) -> int | None:
        """Give how often its main thread was given the processor, of its own will or not."""
        counts = [self._number("status", f"{kind}_ctxt_switches:") for kind in ("voluntary", "nonvoluntary")]
        return None if None in counts else sum(count for count in counts if count is not None)

    def _number(self, file: str, name: str) -> int | None:
        try:
            lines = Path(f"/proc/{self.pid}/{file}").read_text(errors="replace").splitlines()
        except OSError:
            return None  # it is over, or hidden from us
        return next((int(line.split()[1]) for line in lines if line.startswith(name)), None)
