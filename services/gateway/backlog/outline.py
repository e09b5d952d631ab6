"""A recording in outline: what it has, and the times of the packets at both its ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from services.domain import flv
from services.domain.flv import SOUND, VIDEO, Tag

_HEAD_TAGS = 96
_TAIL_TAGS = 192
"""More than a second of 60 frames and the sound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """Times (ms since the recording's first packet) of the media at its head and its tail, in their order.

    `whole_bytes` is where its last whole tag ends; `sound_frame` is how long (ms) a packet of its sound lasts, if
    that is known.
    """

    whole_bytes: int
    head: Sequence[Tag]
    tail: Sequence[Tag]
    sound_frame: float | None

    @property
    def is_empty(self) -> bool:
        """Say whether there is no media in it."""
        return not self.tail

    @property
    def last(self) -> int:
        """Give the time of the latest packet."""
        return max((tag.timestamp for tag in self.tail), default=0)

    def times(self, kind: int, *, at_end: bool = False) -> list[int]:
        """Give the times of the packets of a kind at the head, or at the end."""
        return [tag.timestamp for tag in (self.tail if at_end else self.head) if tag.kind == kind]

    def has(self, kind: int) -> bool:
        """Say whether media of that kind is in its head or its tail."""
        return any(tag.kind == kind for tag in (*self.head, *self.tail))

    @property
    def has_video(self) -> bool:
        """Say whether it has pictures."""
        return self.has(VIDEO)

    @property
    def has_sound(self) -> bool:
        """Say whether it has sound."""
        return self.has(SOUND)


def read_outline(read: flv.Read, size: int) -> Outline:
    """Look at both ends of a recording of `size` bytes, of which the last tag may be cut short."""
    first = list(islice(flv.tags_from(read), _HEAD_TAGS)) if flv.is_flv(read) else []
    head = [tag for tag in first if tag.end <= size]
    tail = _tail(read, size) or _tail(read, _last_boundary(read, head, size))
    sound_frames = (tag.sound_frame for tag in head)
    return Outline(
        whole_bytes=tail[-1].end if tail else flv.START,
        head=_media(head),
        tail=_media(tail) or _media(head),
        sound_frame=next((each for each in sound_frames if each is not None), None),
    )


def last_time(read: flv.Read, size: int) -> int | None:
    """Give the time (ms) of the last tag of a recording that ends with a whole one; None where it does not."""
    last = next(flv.tags_before(read, size), None)
    return None if last is None or not last.is_media else last.timestamp


def _tail(read: flv.Read, end: int) -> list[Tag]:
    return list(islice(flv.tags_before(read, end), _TAIL_TAGS))[::-1]


def _last_boundary(read: flv.Read, head: Sequence[Tag], size: int) -> int:
    """Find where the last whole tag ends, from the beginning: something is cut short, or damaged."""
    end = flv.START
    if head:
        for tag in flv.tags_from(read):
            if tag.end > size:
                break
            end = tag.end
    return end


def _media(tags: Iterable[Tag]) -> list[Tag]:
    return [tag for tag in tags if tag.is_media]
