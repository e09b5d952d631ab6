"""In which order files came: as they were seen, since the clock by which they are named may be set at any time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from services.gateway.backlog.names import Admission, RecordingName

Name = Admission | RecordingName
_NS = 1_000_000_000


@dataclass(slots=True)
class Order:
    """Gives each name a place when it is first seen; of those that are first seen together their times decide."""

    _places: dict[Name, int] = field(default_factory=dict)
    _next: int = 0

    def see(self, names: Iterable[Name]) -> Sequence[Name]:
        """Give these names in their order."""
        names = list(names)
        for name in sorted((each for each in names if each not in self._places), key=_time):
            self._places[name] = self._next
            self._next += 1
        return sorted(names, key=self._places.__getitem__)

    def rename(self, name: RecordingName, new: RecordingName) -> None:
        """Let a file that was seen keep its place by its new name; the next of the old name is another."""
        self._places[new] = self._places.pop(name)

    def keep(self, names: Collection[Name]) -> None:
        """Forget all but these."""
        for name in set(self._places) - set(names):
            del self._places[name]


def _time(name: Name) -> tuple[int, bool, int, int]:
    """Give what sorts names by time: in one second who was let in comes first, and what was set aside next."""
    if isinstance(name, Admission):
        return name.ns // _NS, False, name.ns, 0
    return name.second, True, name.client_id is None, int(name.client_id or 0)
