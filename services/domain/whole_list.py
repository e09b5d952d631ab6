"""The segments of the playlist of a whole session: it only grows, in order of media sequence."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from services.domain.playlist import Segment


@dataclass(slots=True, kw_only=True)
class WholeList:
    """All segments up to the first number, from `following` on, that may still come; a hole is passed over.

    It keeps every segment that it names, some 400 bytes each.
    """

    following: int
    named: list[Segment] = field(default_factory=list)
    _ahead: dict[int, Segment | None] = field(default_factory=dict)
    _after_hole: bool = False

    def arrived(self, segment: Segment) -> None:
        """Take a segment that is in the store."""
        if segment.media_sequence >= self.following:
            self._ahead[segment.media_sequence] = segment
            self._join()

    def dropped(self, number: int) -> None:
        """Note that a number never comes."""
        if number >= self.following:
            self._ahead[number] = None
            self._join()

    def _join(self) -> None:
        while self.following in self._ahead:
            segment = self._ahead.pop(self.following)
            if segment is not None:
                self.named.append(replace(segment, after_hole=self._after_hole))
            self._after_hole = segment is None
            self.following += 1
