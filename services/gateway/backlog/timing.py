"""When a recording's packets arrived: the earliest that each look at a growing file has shown."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass, field

from services.gateway.backlog.folder import Recording, opened
from services.gateway.backlog.outline import Outline, last_time

_NS = 1_000_000_000


@dataclass(slots=True)
class Timing:
    """For each recording the latest that its time 0 can have been (epoch s).

    nginx writes a packet as it comes, so a file that ends with a packet of time t was changed when that one arrived:
    time 0 was no later than t before that. What was delayed on its way shows more; the least of all looks counts. It is
    as exact as the kernel's times of files, 4 ms. One look is at the end of a file that nobody saw growing, and late by
    as long as its publisher was silent before it was cut.
    """

    _zeros: dict[str, tuple[float, float]] = field(default_factory=dict)

    def look(self, recording: Recording) -> None:
        """Look at a recording that grows."""
        known = self._zeros.get(str(recording.name))
        if known is not None and known[1] == recording.written_at:
            return
        with opened(recording.path) as descriptor:
            before = os.fstat(descriptor)
            time = last_time(lambda at, size: os.pread(descriptor, size, at), before.st_size)
            after = os.fstat(descriptor)
        if time is None or after.st_mtime_ns != before.st_mtime_ns or after.st_size != before.st_size:
            return
        zero = before.st_mtime_ns / _NS - time / 1000
        self._zeros[str(recording.name)] = (min(zero, known[0]) if known else zero, recording.written_at)

    def zero(self, recording: Recording, outline: Outline) -> float:
        """Give when (epoch s) the first packet of a recording arrived."""
        by_end = recording.written_at - outline.last / 1000
        known = self._zeros.get(str(recording.name))
        return by_end if known is None else min(known[0], by_end)

    def keep(self, names: Collection[str]) -> None:
        """Forget all but these."""
        for name in set(self._zeros) - set(names):
            self._zeros.pop(name, None)
