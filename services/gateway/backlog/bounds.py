"""How much of the backlog is kept: which recordings go, and which nginx has to close."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.gateway.backlog.folder import Contents, Recording
from services.gateway.backlog.names import Admission

_LONG_BYTES = 16 * 2**20
"""So much sound, 17 minutes at 128 kb/s, may be in one recording: nginx itself cuts at keyframes alone."""
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What goes, and what nginx shall close and begin anew."""

    deleted: Sequence[Recording]
    outlived: Sequence[Admission]
    cut: Sequence[Recording]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """`seconds` is how long a recording stays after it was written last; all together have at most `bytes`.

    Below `reserve_bytes` of free disk nothing is kept: at a write that fails nginx-rtmp closes the file's descriptor
    and goes on using its number, which by then may be another publisher's connection.
    """

    seconds: float
    bytes: int
    reserve_bytes: int

    def room(self, contents: Contents, free_bytes: int) -> int:
        """Give how many bytes the recordings may have where so much of the disk is free: it is never filled."""
        used = sum(each.bytes for each in contents.recordings)
        return max(0, min(self.bytes, used + free_bytes - 2 * self.reserve_bytes))

    def judge(
        self, contents: Contents, *, free_bytes: int, now: float, is_sound: Callable[[Recording], bool]
    ) -> Verdict:
        """Say what has to go: what is too old and then, the oldest first, what is too much; never what nginx writes.

        `is_sound` says whether a recording has no pictures.
        """
        closed = [each for each in contents.recordings if not each.is_open]
        deleted = [each for each in closed if each.written_at < now - self.seconds]
        left = sum(each.bytes for each in contents.recordings) - sum(each.bytes for each in deleted)
        room = self.room(contents, free_bytes)
        for each in closed:
            if left <= room:
                break
            if each not in deleted:
                deleted.append(each)
                left -= each.bytes
        kept = [each for each in contents.recordings if each not in deleted]
        cut = [each for each in kept if each.is_open and self._is_too_long(each, now, is_sound)]
        return Verdict(deleted, self._outlived(contents.admissions, kept, now), cut)

    def _is_too_long(self, recording: Recording, now: float, is_sound: Callable[[Recording], bool]) -> bool:
        """Say whether a recording alone exceeds what may be: without keyframes nginx goes on with it for ever.

        What is cut elsewhere than at a keyframe lacks its pictures until the next one, so video is left long. In the
        second in which it began its successor would take its name, and with it its place.
        """
        if recording.name.second >= int(now):
            return False
        if recording.bytes > self.bytes // 2:
            return True
        is_old = recording.name.second < now - self.seconds
        return is_old and recording.bytes > _LONG_BYTES and is_sound(recording)

    def _outlived(self, admissions: Sequence[Admission], kept: Sequence[Recording], now: float) -> Sequence[Admission]:
        owners = {each.owner for each in kept}
        horizon = (now - self.seconds) * _NS
        return [each for each in admissions if each not in owners and each.ns < horizon]
