"""A stretch of the backlog: what the gateway has of one connection, on one clock."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from services.worker.catching_up import flv
from services.worker.catching_up.flv import Tag

SAME_MS = 20
"""By how much the times of one keyframe may differ that were reckoned in two ways: steps are rounded."""

JUMP_MS = 10_000
"""A publisher who sends nothing for so long is dropped: what seems later has had its timestamps set."""
BACK_MS = 200
"""Frames are sent in the order of their times: what is by more than a stutter earlier has had them set back."""

Data = bytes | mmap.mmap


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A file of the backlog as the gateway lists it; times are epoch s, `step_ms` as in its answer.

    `connection` is the gateway's life and the client id there, None where it is not known.
    """

    name: str
    bytes: int
    began_at: float
    ended_at: float
    connection: tuple[str, str] | None
    step_ms: int | None


@dataclass(frozen=True, slots=True)
class Key:
    """A keyframe: when it is shown and decoded on the stretch's clock (ms), and what it is."""

    pts: int
    dts: int
    digest: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """A fetched file that begins `at` ms on the stretch's clock, of which only the first `count` tags may be right."""

    path: Path
    at: int
    count: int | None = None

    def tags(self) -> Iterator[Tag]:
        """Give its tags."""
        return islice(flv.tags(flv.mapped(self.path)), self.count)


@dataclass(slots=True, kw_only=True)
class Stretch:
    """Files of one connection in their order; `began_at` is where 0 of its clock is (epoch s, by the gateway's).

    Where the publisher's clock was set back it `is_over`. One that `is_rest` lacks what its connection sent before.
    """

    connection: tuple[str, str] | None
    began_at: float
    files: list[Recorded] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    end: int = 0
    """Where its media ends (ms)."""
    header: bytes = b""
    """What describes its video."""
    is_over: bool = False
    is_rest: bool = False

    def take(self, path: Path, data: Data, at: int) -> None:
        """Add the next file, which begins `at` ms and holds `data`."""
        count = _set_back(data)
        self.files.append(Recorded(path, at, count))
        self.is_over = count is not None
        last, step = None, 0
        for tag in islice(flv.tags(data), count):
            if tag.kind == flv.VIDEO and tag.is_header:
                self.header = bytes(tag.body)
            if tag.kind == flv.VIDEO and tag.is_media and last is not None and abs(tag.time - last) > JUMP_MS:
                self.keys.clear()  # its clock was set: only what comes after that is on one
                self.is_rest = True
            if tag.is_keyframe:
                self.keys.append(Key(tag.pts + at, tag.time + at, tag.digest))
            if tag.kind == flv.VIDEO and tag.is_media:
                step = step if last is None else max(0, tag.time - last)
                last = tag.time
                self.end = max(self.end, tag.time + at + step)

    def at(self, pts: int) -> float:
        """Give the gateway's time of a PTS (epoch s)."""
        return self.began_at + pts / 1000

    def same_as(self, digest: str, near: float) -> Key | None:
        """Give the keyframe with this content, the one nearest to a time (epoch s, by about the gateway's clock)."""
        return min(
            (key for key in self.keys if key.digest == digest),
            key=lambda key: abs(self.at(key.pts) - near),
            default=None,
        )

    def has_first(self, key: Key) -> bool:
        """Say whether a keyframe may be the first that its connection sent."""
        return key is self.keys[0] and not self.is_rest


def stretches(fetched: Sequence[tuple[Listed, Path]]) -> list[Stretch]:
    """Put fetched files, oldest first, together; another connection or another video is another stretch.

    What has no keyframe is left out.
    """
    found: list[Stretch] = []
    for listed, path in fetched:
        data, last = flv.mapped(path), found[-1] if found else None
        if last is None or not _goes_on(last, listed, data):
            is_rest = last is not None and last.is_over and last.connection == listed.connection
            last = Stretch(connection=listed.connection, began_at=listed.began_at, is_rest=is_rest)
            found.append(last)
            at = 0
        else:
            at = last.files[-1].at + (listed.step_ms or 0)
        last.take(path, data, at)
    return [stretch for stretch in found if stretch.keys]


def _set_back(data: Data) -> int | None:
    """Give how many tags come before the publisher's clock was set back, None where it was not.

    nginx tells as 0 what is then earlier than the file's begin, until the clock is there again: no time after it is
    right. Sound may seem to be set back first.
    """
    last: dict[int, int] = {}
    doubtful: int | None = None
    for number, tag in enumerate(flv.tags(data)):
        if not tag.is_media:
            continue
        is_back = tag.time < last.get(tag.kind, tag.time) - BACK_MS
        last[tag.kind] = tag.time
        if is_back:
            doubtful = number if doubtful is None else doubtful
        if tag.kind == flv.VIDEO:
            if is_back:
                return doubtful
            doubtful = None
    return None


def _goes_on(stretch: Stretch, listed: Listed, data: Data) -> bool:
    if stretch.is_over:
        return False
    header = next((bytes(tag.body) for tag in flv.tags(data) if tag.kind == flv.VIDEO and tag.is_header), b"")
    is_same_video = header in {b"", stretch.header}
    return listed.step_ms is not None and stretch.connection == listed.connection and is_same_video


@dataclass(slots=True)
class Joined:
    """Writes what is from one keyframe on to another, or to the end, as one FLV file."""

    stretch: Stretch
    since: Key
    until: Key | None

    def write(self, target: Path) -> None:
        """Write it; its clock begins with the keyframe's DTS."""
        headers: dict[int, bytes] = {}
        codecs = {flv.VIDEO: flv.AVC}
        is_begun = False
        with target.open("wb") as file:
            file.write(flv.HEADER)
            for recorded in self.stretch.files:
                media: list[tuple[Tag, int]] = []
                for tag in recorded.tags():
                    time = tag.time + recorded.at - self.since.dts
                    if tag.is_header:
                        if is_begun and headers.get(tag.kind) != bytes(tag.body):
                            media.append((tag, time))
                        headers[tag.kind] = bytes(tag.body)
                        continue
                    if not is_begun and tag.is_keyframe and time == 0:
                        is_begun = True
                        media += [(Tag(kind, 0, 0, memoryview(body)), 0) for kind, body in sorted(headers.items())]
                    is_ours = tag.codec == codecs.setdefault(tag.kind, tag.codec)
                    if is_begun and is_ours and tag.is_media and self._is_wanted(time):
                        media.append((tag, time))
                flv.write(file, media)

    def _is_wanted(self, time: int) -> bool:
        """Say whether what is to be decoded at a time is from the begin on and before the end."""
        return time >= 0 and (self.until is None or time < self.until.dts - self.since.dts)
