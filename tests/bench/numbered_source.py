"""A publisher of pictures that can be told apart: 1080p30 in which each frame shows its own time, without end."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.numbered import TICKS_PER_SECOND, NumberedClip, NumberedMedia
from tests.rtmp import VIDEO, LivePublisher, Sent, Tag, read_flv

CLIP_SECONDS = 20
GRAIN = ("-vf", "noise=alls=12:allf=t", "-b:v", "5M", "-maxrate", "5M", "-bufsize", "10M")


def numbered_tags(folder: Path, *, gop_seconds: float, seconds: float) -> list[Tag]:
    """Give the tags of a numbered broadcast that lasts so long: a clip of CLIP_SECONDS again and again."""
    clip = NumberedClip(seconds=CLIP_SECONDS, rate=30, gop_seconds=gop_seconds, width=1920, height=1080, extra=GRAIN)
    tags = read_flv(NumberedMedia(folder).file(clip))
    heads = [tag for tag in tags if tag.is_header]
    late = min(tag.timestamp for tag in tags if tag.is_keyframe and not tag.is_header)  # by what the sound is early
    moved = [Tag(tag.kind, tag.timestamp - late, tag.body) for tag in tags if not tag.is_header and not _ends(tag)]
    once = [tag for tag in moved if 0 <= tag.timestamp < CLIP_SECONDS * 1000]
    turns = range(int(seconds // CLIP_SECONDS) + 1)
    return heads + [
        Tag(tag.kind, tag.timestamp + turn * CLIP_SECONDS * 1000, tag.body) for turn in turns for tag in once
    ]


def _ends(tag: Tag) -> bool:
    return tag.kind == VIDEO and tag.body[1:2] == b"\x02"


@dataclass(frozen=True, slots=True)
class SentKeyframes:
    """The keyframes that a publisher has handed to the gateway."""

    keyframes: Sequence[Sent]

    @classmethod
    def of(cls, publisher: LivePublisher) -> SentKeyframes:
        return cls([sent for sent in publisher.sent if sent.is_keyframe])

    def shown_by(self, tick: int, before: float) -> Sent | None:
        """Give the last keyframe sent before that time (epoch s) which shows this tick."""
        at = bisect_right([sent.at for sent in self.keyframes], before)
        turn = CLIP_SECONDS * TICKS_PER_SECOND
        ticks = (
            (sent, round(sent.presented / 1000 * TICKS_PER_SECOND) % turn) for sent in reversed(self.keyframes[:at])
        )
        return next((sent for sent, shown in ticks if shown == tick), None)
