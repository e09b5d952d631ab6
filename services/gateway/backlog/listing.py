"""What there is of a channel: its recordings, what connection each is of, and when its packets arrived."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import dropwhile, pairwise
from typing import Any

from services.gateway.backlog.folder import Folder, Recording
from services.gateway.backlog.joints import step_between
from services.gateway.backlog.names import Admission
from services.gateway.backlog.outline import Outline, read_outline
from services.gateway.backlog.timing import Timing

_NEAR_SECONDS = 0.5
"""So far apart may two recordings' clocks be to be one: times that jump are no delay."""
_OUTLINES_MAX = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One recording with media; `zero` is when its first packet arrived (epoch s).

    `step` is how much later (ms, publisher's clock) its first packet is than that of the recording before it of the
    same connection, None where there is none.
    """

    recording: Recording
    outline: Outline
    zero: float
    step: int | None = None

    @property
    def owner(self) -> Admission | None:
        """Give whose it is."""
        return self.recording.owner

    def told(self, gateway: Callable[[str], str]) -> dict[str, Any]:
        """Give it as a worker reads it; `gateway` names a life of nginx as sessions do."""
        return {
            "name": str(self.recording.name),
            "bytes": self.outline.whole_bytes,
            "began_at": round(self.zero, 3),
            "ended_at": round(self.zero + self.outline.last / 1000, 3),
            "is_open": self.recording.is_open,
            "gateway": None if self.owner is None else gateway(self.owner.boot),
            "client_id": None if self.owner is None else self.owner.client_id,
            "step_ms": self.step,
            "video": self.outline.has_video,
            "audio": self.outline.has_sound,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Reads the folder; every call blocks for as long as the disk takes."""

    folder: Folder
    timing: Timing
    _outlines: dict[str, Outline] = field(default_factory=dict)

    def of_channel(self, channel_id: str, since: datetime) -> Sequence[Item]:
        """Give the recordings of the first connection that was let in at `since` or later, and of all after it.

        From the oldest to the newest; whoever came later may have been let in earlier, by a clock that was set back.
        """
        items = (item for each in self.folder.contents(of=channel_id).recordings for item in self._read(each))
        return _joined(list(dropwhile(lambda item: _began(item) < since.timestamp(), items)))

    def is_sound_alone(self, recording: Recording) -> bool:
        """Say whether there are no pictures in a recording."""
        return not self._outline(recording).has_video

    def keep(self, names: Iterable[str]) -> None:
        """Forget what is not of these recordings."""
        for name in set(self._outlines) - set(names):
            self._outlines.pop(name, None)

    def _read(self, recording: Recording) -> Iterable[Item]:
        try:
            outline = self._outline(recording)
        except FileNotFoundError:  # swept since
            return
        if not outline.is_empty:
            zero = self.timing.zero(recording, outline)
            yield Item(recording=recording, outline=outline, zero=zero)

    def _outline(self, recording: Recording) -> Outline:
        name = str(recording.name)
        known = self._outlines.get(name)
        if known is not None:
            return known
        with recording.reading() as read:
            outline = read_outline(read, recording.bytes)
        if not recording.is_open and len(self._outlines) < _OUTLINES_MAX:
            self._outlines[name] = outline
        return outline


def _began(item: Item) -> float:
    return item.zero if item.owner is None else item.owner.ns / 1e9


def _joined(items: Sequence[Item]) -> Sequence[Item]:
    """Tell each recording its step, and let those of one connection agree about when it was."""
    found: list[Item] = []
    for connection in _connections(items):
        steps = [None, *(_step(before, after) for before, after in pairwise(connection))]
        offsets = [sum(each or 0 for each in steps[: 1 + number]) / 1000 for number in range(len(steps))]
        starts = [item.zero - offset for item, offset in zip(connection, offsets, strict=True)]
        for item, step, offset, start in zip(connection, steps, offsets, starts, strict=True):
            earliest = min(each for each in starts if abs(each - start) < _NEAR_SECONDS)
            found.append(replace(item, zero=earliest + offset, step=step))
    return found


def _step(before: Item, after: Item) -> int:
    return step_between(before.outline, after.outline, (after.zero - before.zero) * 1000)


def _connections(items: Sequence[Item]) -> Iterable[Sequence[Item]]:
    connection: list[Item] = []
    for item in items:
        if connection and (item.owner != connection[-1].owner or _is_other_life(connection[-1], item)):
            yield connection
            connection = []
        connection.append(item)
    if connection:
        yield connection


def _is_other_life(before: Item, after: Item) -> bool:
    return before.recording.name.boot != after.recording.name.boot
