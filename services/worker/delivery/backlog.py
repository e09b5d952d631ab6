"""What one lane has prepared and not yet committed: which of it goes next, which may be dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from services.domain.artifact import Artifact
from services.worker.delivery.parcel import Parcel

OVERTAKEN = 64
"""So many may arrive before one that was taken earlier; then they are committed without it."""


@dataclass(slots=True)
class _Entry:
    parcel: Parcel
    is_flying: bool = False
    tries: int = 0
    rests_until: float = 0.0
    rests_since: int = -1
    arrived: Artifact | None = None

    @property
    def is_idle(self) -> bool:
        return not self.is_flying and self.arrived is None

    def is_ready(self, now: float, returns: int) -> bool:
        return self.is_idle and (now >= self.rests_until or returns != self.rests_since)


@dataclass(slots=True, kw_only=True)
class Backlog:
    """Parcels in the order in which they were prepared.

    The oldest goes first, but of segments the newest `live_size()` before all others, oldest of them first. What failed
    rests until its time, or until the store came back (`returns` has grown).
    """

    live_size: Callable[[], int] = lambda: 0
    cost: int = 0
    _entries: dict[int, _Entry] = field(default_factory=dict)
    _added: int = 0
    _newest: int = -1

    def __len__(self) -> int:
        """Count what is not committed."""
        return len(self._entries)

    def add(self, parcel: Parcel) -> None:
        """Take a parcel."""
        self._entries[self._added] = _Entry(parcel)
        self._added += 1
        self._newest = max(self._newest, -1 if parcel.number is None else parcel.number)
        self.cost += parcel.cost

    def take(self, now: float, returns: int) -> tuple[int, Parcel] | None:
        """Give the parcel that goes next, with the number by which the others know it."""
        live = [number for number in self._live() if self._entries[number].is_ready(now, returns)]
        ready = (number for number, entry in self._entries.items() if entry.is_ready(now, returns))
        number = live[-1] if live else next(ready, None)
        if number is None:
            return None
        self._entries[number].is_flying = True
        return number, self._entries[number].parcel

    def _live(self) -> Iterator[int]:
        """Give the numbers of the newest segments, newest first."""
        size = self.live_size()
        for number, entry in islice(reversed(self._entries.items()), size):
            if entry.parcel.number is not None and entry.parcel.number > self._newest - size:
                yield number

    def failed(self, number: int, until: Callable[[int], float], returns: int) -> int:
        """Let a parcel rest, `until(tries)`, and give how often it was tried."""
        entry = self._entries[number]
        entry.is_flying, entry.tries, entry.rests_since = False, entry.tries + 1, returns
        entry.rests_until = until(entry.tries)
        return entry.tries

    def next_ready(self) -> float | None:
        """Give the time when the next resting one may go, None where none rests."""
        return min((entry.rests_until for entry in self._entries.values() if entry.is_idle), default=None)

    def arrived(self, number: int, artifact: Artifact) -> None:
        """Note that a parcel is in the store."""
        self._entries[number].arrived = artifact

    def commit(self, *, in_order: bool) -> list[tuple[Parcel, Artifact]]:
        """Give what is to be noted now and forget it; `in_order`, nothing that another may still overtake."""
        flown = [number for number, entry in self._entries.items() if entry.arrived is not None]
        if in_order and len(flown) <= OVERTAKEN:
            flown = [number for at, number in zip(self._entries, flown, strict=False) if at == number]
        found = []
        for number in flown:
            entry = self.remove(number)
            if entry.arrived is not None:
                found.append((entry.parcel, entry.arrived))
        return found

    def remove(self, number: int) -> _Entry:
        """Forget a parcel."""
        entry = self._entries.pop(number)
        self.cost -= entry.parcel.cost
        return entry

    def drop_oldest(self) -> Parcel | None:
        """Forget the oldest parcel that is not under way, and give it; None where there is none."""
        number = next((number for number, entry in self._entries.items() if entry.is_idle), None)
        return None if number is None else self.remove(number).parcel

    def after(self, start: float, part: int) -> float | None:
        """Give the start (PTS, s) of the first parcel of a part that begins after `start`."""
        parcels = (entry.parcel for entry in self._entries.values())
        return next((each.file.start for each in parcels if each.part == part and each.file.start > start), None)
