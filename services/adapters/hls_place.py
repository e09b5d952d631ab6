"""How far a reader has come in an HLS address, over any number of readings of its list: nothing is read twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from posixpath import basename
from urllib.parse import urlsplit

from services.adapters.hls_playlist import Media, Segment

LIVE_BEHIND = 3  # segments before the live list's end at which a player begins (RFC 8216, 6.3.3)
LAGGING_MAX = 3
"""A cache may be so many segments behind another one."""
_KNOWN_MAX = 1_000

Mark = tuple[str, float]


@dataclass(slots=True)
class Place:
    """What was read last, and the segments that were seen by number.

    Hosts and folders do not tell segments apart: they may hold tokens that change with every reading.
    """

    begin_behind: int = LIVE_BEHIND
    last: Segment | None = None
    _known: dict[int, Mark] = field(default_factory=dict)
    _behind: int | None = None

    def due(self, media: Media, *, joins: bool) -> tuple[Segment, ...]:
        """Give what of a list is new: whole lists from their start, live ones near their end where a reader `joins`."""
        if self.last is not None and self._is_another(media):
            self.last, self._known = None, {}
        self._remember(media)
        last, segments = self.last, media.segments
        if last is None:
            return segments[-self.begin_behind :] if media.is_live else segments
        newer = tuple(each for each in segments if each.sequence > last.sequence)
        return newer[-self.begin_behind :] if media.is_live and joins else newer

    def copy(self) -> Place:
        """Give the same place, for a reader that may have to come back to this one."""
        return Place(self.begin_behind, self.last, self._known, self._behind)

    def _is_another(self, media: Media) -> bool:
        """Say whether a list is of another broadcast: numbers hold something else, or went back for good.

        A list that is behind by what was read before is an older copy of it, unless it grows from far behind.
        """
        if not media.segments or self.last is None:
            return False
        marks = _marks(media)
        if any(self._known.get(number, mark) != mark for number, mark in marks.items()):
            return True
        end = media.segments[-1].sequence
        if end >= self.last.sequence:
            self._behind = None
            return False
        has_grown = self._behind is not None and end > self._behind
        self._behind = end
        if end >= self.last.sequence - LAGGING_MAX:
            return False
        return has_grown or not marks.keys() <= self._known.keys()

    def _remember(self, media: Media) -> None:
        marks = self._known | _marks(media)
        oldest = max(marks, default=0) - max(_KNOWN_MAX, len(media.segments))
        self._known = {number: mark for number, mark in marks.items() if number > oldest}


def _marks(media: Media) -> dict[int, Mark]:
    return {each.sequence: (basename(urlsplit(each.media.url).path), round(each.seconds, 1)) for each in media.segments}
