"""FLV read tag by tag: forwards or backwards from a known boundary, a few bytes of each tag, whatever a file holds.

Only whole tags are given: one whose size stands behind it again. What is cut short or damaged ends the reading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

Read = Callable[[int, int], bytes]
"""Gives the bytes of a file from an offset on, so many or, at its end, fewer."""

START = 13
"""Where the first tag begins: behind the header and the size of no tag."""
SOUND, VIDEO, DATA = 8, 9, 18
_HEAD, _SIZE, _PEEK = 11, 4, 4
_KEYFRAME, _COMMAND = 1, 5
_AAC, _ENHANCED_SOUND = 10, 9
_AVC, _HEVC = 7, 12
_SAMPLE_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_AAC_SAMPLES = 1024


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag: where it begins, its time in ms, the size of its body and that body's first bytes."""

    at: int
    kind: int
    timestamp: int
    size: int
    peek: bytes

    @classmethod
    def parse(cls, at: int, head: bytes) -> Self | None:
        """Read a tag's head with what follows; None if it can be none."""
        if len(head) < _HEAD or head[0] not in (SOUND, VIDEO, DATA) or any(head[8:11]):
            return None
        timestamp = int.from_bytes(head[4:7], "big") | head[7] << 24
        size = int.from_bytes(head[1:4], "big")
        return cls(at, head[0], timestamp, size, head[_HEAD : _HEAD + min(size, _PEEK)])

    @property
    def end(self) -> int:
        """Where the next tag begins."""
        return self.at + _HEAD + self.size + _SIZE

    @property
    def is_media(self) -> bool:
        """Say whether it carries a frame or samples, not a description of them or a mark of their end."""
        if self.kind == DATA or len(self.peek) < 2:  # noqa: PLR2004 - codec, and what of it
            return False
        return self._is_frame if self.kind == VIDEO else self._is_samples

    @property
    def _is_frame(self) -> bool:
        first, second = self.peek[0], self.peek[1]
        if first >> 4 & 7 == _COMMAND:
            return False
        if first & 0x80:  # enhanced RTMP: the packet's type stands in the first byte
            return first & 0xF in (1, 3)
        return second == 1 if first & 0xF in (_AVC, _HEVC) else True

    @property
    def _is_samples(self) -> bool:
        codec, second = self.peek[0] >> 4, self.peek[1]
        if codec == _ENHANCED_SOUND:
            return self.peek[0] & 0xF == 1
        return second == 1 if codec == _AAC else True

    @property
    def is_keyframe(self) -> bool:
        """Say whether a decoder can begin with it."""
        return self.kind == VIDEO and self.is_media and self.peek[0] >> 4 & 7 == _KEYFRAME

    @property
    def sound_frame(self) -> float | None:
        """Give how long (ms) each packet of sound lasts that this tag describes; None where it says nothing of it."""
        is_aac_header = (
            self.kind == SOUND and len(self.peek) == _PEEK and self.peek[0] >> 4 == _AAC and not self.peek[1]
        )
        if not is_aac_header:
            return None
        index = (self.peek[2] & 7) << 1 | self.peek[3] >> 7
        return _AAC_SAMPLES * 1000 / _SAMPLE_RATES[index] if index < len(_SAMPLE_RATES) else None


def is_flv(read: Read) -> bool:
    """Say whether the file begins as FLV does."""
    return read(0, 5)[:4] == b"FLV\x01"


def tags_from(read: Read, at: int = START) -> Iterator[Tag]:
    """Give the whole tags from a boundary on."""
    before: Tag | None = None
    while True:
        piece = read(at - _SIZE, _SIZE + _HEAD + _PEEK)
        if before is not None:
            if len(piece) < _SIZE or not _closes(piece[:_SIZE], before):
                return
            yield before
        before = Tag.parse(at, piece[_SIZE:])
        if before is None:
            return
        at = before.end


def tags_before(read: Read, end: int) -> Iterator[Tag]:
    """Give the whole tags that end at a boundary, the last one first."""
    closing = read(end - _SIZE, _SIZE) if end > START else b""
    while len(closing) == _SIZE:
        at = end - _SIZE - int.from_bytes(closing, "big")
        if not START <= at < end:
            return
        piece = read(at - _SIZE, _SIZE + _HEAD + _PEEK)
        tag = Tag.parse(at, piece[_SIZE:])
        if tag is None or tag.end != end:
            return
        yield tag
        closing, end = piece[:_SIZE], at


def _closes(size: bytes, tag: Tag) -> bool:
    return int.from_bytes(size, "big") == tag.size + _HEAD
