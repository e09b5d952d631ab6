"""Whether a process still moves: told by looks at it, so that a pause of the looker itself alarms nobody."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

LOOK_SECONDS = 1.0
"""How often to look."""
FROZEN_LOOKS = 6
"""ffmpeg polls a silent source ten times a second: one that has not run once in 6 s is stopped, or its disk hangs."""
SPINNING_LOOKS = 20
SPINNING_SHARE = 0.2
"""One that has written nothing for 20 s while it had a processor for a fifth of the time goes in circles. Silence alone
means nothing: a pull without media ends by itself, and of a frame each few seconds ffmpeg tells little for a minute."""
FILE_BYTES = 16 * 1024
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
        before, self._written = self._written, self.written()
        if self._written is None:
            self._still = self._silent = 0
            return None
        if before != self._written:
            self._was_seen_to_run = self._was_seen_to_run or before is not None
            self._still, self._silent, self._ran = 0, 0, None
            return None  # it writes: nothing more needs to be asked, and this is how nearly all looks end
        return self._look_closely()

    def _look_closely(self) -> str | None:
        """Look at one that has written nothing since the last look."""
        switches, used = self._switches(), self._processor_seconds()
        if switches is None:
            self._still = self._silent = 0
            return None
        before, self._ran = self._ran, (switches, used)
        self._was_seen_to_run = self._was_seen_to_run or before not in {None, self._ran}
        self._still = self._still + 1 if before == self._ran else 0
        self._silent += 1
        if self._silent == 1:
            self._silent_since, self._used = time.monotonic(), used
        if self._was_seen_to_run and self._still >= FROZEN_LOOKS:
            return "frozen"
        share = (used - self._used) / max(LOOK_SECONDS, time.monotonic() - self._silent_since)
        return "spinning" if self._silent >= SPINNING_LOOKS and share >= SPINNING_SHARE else None

    def _processor_seconds(self) -> float:
        """Give what it has used so far (proc(5), /proc/pid/stat: utime, stime)."""
        told = self._told("stat")
        if told is None:
            return 0.0
        fields = told.rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def written(self) -> int | None:
        """Give the bytes it has written so far, to files and pipes."""
        return self._number("io", "wchar:")

    def _switches(self) -> int | None:
        """Give how often its main thread was given the processor, of its own will or not."""
        counts = [self._number("status", f"{kind}_ctxt_switches:") for kind in ("voluntary", "nonvoluntary")]
        return None if None in counts else sum(count for count in counts if count is not None)

    def _number(self, file: str, name: str) -> int | None:
        lines = (self._told(file) or b"").splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith(name.encode())), None)

    def _told(self, file: str) -> bytes | None:
        """Read one of the kernel's files about the process, None where it is over or hidden from us."""
        try:
            descriptor = os.open(f"/proc/{self.pid}/{file}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            return os.read(descriptor, FILE_BYTES)
        except OSError:
            return None
        finally:
            os.close(descriptor)
