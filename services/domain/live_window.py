"""Which segments the live playlist names: a run of media sequence numbers without a hole, that never goes back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.domain.playlist import Segment

FULL_TARGETS = 3
"""How many target durations a window should last (RFC 8216, 6.2.2) before it takes the place of an older one."""


@dataclass(slots=True, kw_only=True)
class LiveWindow:
    """The newest `size` segments of one unbroken run, all in the store; in a playlist a position implies a number.

    `last` is the number of its last segment, at first the one before the session's first. What comes next joins it as
    soon as it has arrived. It jumps to a newer run only where the next number never comes (a hole) or is so old that
    it waits behind the `size` newest (a backlog), and then only to one that is long enough for a player.
    """

    size: int
    last: int
    newest: int = -1
    named: list[Segment] = field(default_factory=list)
    _ahead: dict[int, Segment] = field(default_factory=dict)
    _holes: set[int] = field(default_factory=set)

    def given(self, number: int) -> None:
        """Note that a segment has this number and will arrive, or be dropped."""
        self.newest = max(self.newest, number)

    def arrived(self, segment: Segment) -> None:
        """Take a segment that is in the store; one that the window has passed is of no use to it."""
        self.given(segment.media_sequence)
        if segment.media_sequence > self.last:
            self._ahead[segment.media_sequence] = segment

    def dropped(self, number: int) -> None:
        """Note that a number never comes."""
        self.given(number)
        if number > self.last:
            self._holes.add(number)

    def advance(self, target: int, *, anyhow: bool = False) -> bool:
        """Move on as far as the rule allows, and say whether it did.

        With `anyhow` (the session ends, or a later worker begins) the newest run is taken although the next number
        may still come; `target` is EXT-X-TARGETDURATION (s).
        """
        before = self.last
        self._join()
        if self._ahead and (anyhow or self._is_stuck()) and (run := self._newest_run(target)):
            self.named = run
            self.last = run[-1].media_sequence
            self._join()
        self.named = self.named[-self.size :]
        self._ahead = {number: segment for number, segment in self._ahead.items() if number > self.last}
        self._holes = {number for number in self._holes if number > self.last}
        return self.last > before

    def end(self, target: int) -> None:
        """Take what is newest, however short, now that nothing more comes."""
        self.advance(target)
        if self._ahead:
            runs = list(_runs(sorted(self._ahead)))
            self.named = [self._ahead[number] for number in runs[-1]][-self.size :]
            self.last = runs[-1][-1]
            self._ahead.clear()

    def _join(self) -> None:
        while (following := self._ahead.pop(self.last + 1, None)) is not None:
            self.named.append(following)
            self.last += 1

    def _is_stuck(self) -> bool:
        following = self.last + 1
        return following in self._holes or following <= self.newest - self.size

    def _newest_run(self, target: int) -> list[Segment]:
        for numbers in reversed(list(_runs(sorted(self._ahead)))):
            run = [self._ahead[number] for number in numbers]
            if len(run) >= self.size or sum(segment.seconds for segment in run) >= FULL_TARGETS * target:
                return run
        return []


def _runs(numbers: Sequence[int]) -> Iterable[Sequence[int]]:
    """Split rising numbers where one is missing."""
    begin = 0
    for at in range(1, len(numbers) + 1):
        if at == len(numbers) or numbers[at] != numbers[at - 1] + 1:
            yield numbers[begin:at]
            begin = at
