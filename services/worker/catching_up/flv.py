"""FLV as nginx records it: its tags, and those of several files written as one."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

SOUND, VIDEO = 8, 9
AVC, AAC = 7, 10
HEADER = b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00"
"""Sound and video, and the size of the tag before the first one (Adobe's FLV specification, annex E)."""
_TAG_BYTES, _SIZE_BYTES = 11, 4
_AVC_BYTES = 5
_HALF = 1 << 31


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag: its `kind`, its DTS (ms), how much later it is shown (ms), and its body."""

    kind: int
    time: int
    shift: int
    body: memoryview

    @property
    def codec(self) -> int:
        """Name its codec as FLV does."""
        return self.body[0] & 0xF if self.kind == VIDEO else self.body[0] >> 4

    @property
    def is_header(self) -> bool:
        """Say whether it describes its stream to a decoder."""
        return self.codec == (AVC if self.kind == VIDEO else AAC) and self.body[1] == 0

    @property
    def is_media(self) -> bool:
        """Say whether it is a frame or sound."""
        is_end = self.kind == VIDEO and self.codec == AVC and self.body[1] == 2  # noqa: PLR2004 - end of sequence
        return not self.is_header and not is_end

    @property
    def is_keyframe(self) -> bool:
        """Say whether it is a keyframe of a codec that is known here."""
        return self.kind == VIDEO and self.body[0] == (1 << 4 | AVC) and self.is_media

    @property
    def pts(self) -> int:
        """Give when it is shown (ms)."""
        return self.time + self.shift

    @property
    def digest(self) -> str:
        """Name a keyframe by its content, as a picture child does."""
        return hashlib.blake2b(self.body[_AVC_BYTES:], digest_size=16).hexdigest()


def mapped(path: Path) -> bytes | mmap.mmap:
    """Give a file's content without reading it into memory; raise OSError. It must not be cut while that is used."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if path.stat().st_size else b""


def tags(data: bytes | mmap.mmap) -> Iterator[Tag]:
    """Give the whole tags of a file that may be written still; what is no FLV ends them."""
    whole, at = memoryview(data), len(HEADER)
    while at + _TAG_BYTES <= len(whole):
        length = int.from_bytes(whole[at + 1 : at + 4])
        end = at + _TAG_BYTES + length
        if end + _SIZE_BYTES > len(whole):
            return
        kind, body = whole[at] & 0x1F, whole[at + _TAG_BYTES : end]
        if kind in {SOUND, VIDEO} and length > 1:
            time = int.from_bytes(whole[at + 4 : at + 7]) | whole[at + 7] << 24
            yield Tag(kind, time - (1 << 32) if time >= _HALF else time, _shift(kind, body), body)
        at = end + _SIZE_BYTES


def _shift(kind: int, body: memoryview) -> int:
    has_shift = kind == VIDEO and body[0] & 0xF == AVC and len(body) >= _AVC_BYTES
    return int.from_bytes(body[2:5], signed=True) if has_shift else 0


def write(file: BinaryIO, media: Iterable[tuple[Tag, int]]) -> None:
    """Append tags, each at its time (ms)."""
    for tag, time in media:
        moment = max(0, time)
        head = bytes([tag.kind]) + len(tag.body).to_bytes(3) + (moment & 0xFFFFFF).to_bytes(3)
        file.write(head + bytes([moment >> 24 & 0xFF, 0, 0, 0]))
        file.write(tag.body)
        file.write((_TAG_BYTES + len(tag.body)).to_bytes(4))
