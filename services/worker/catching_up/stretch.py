"""A stretch of the backlog: what the gateway has of one connection, on one clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.worker.catching_up import flv
from services.worker.catching_up.flv import Tag

SAME_MS = 20
"""By how much the times of one keyframe may differ that were reckoned in two ways: steps are rounded."""

JUMP_MS = 10_000
"""A publisher who sends nothing for so long is dropped: what seems later has had its timestamps set."""


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
    """A fetched file that begins `at` ms on the stretch's clock."""

    path: Path
    at: int


@dataclass(slots=True, kw_only=True)
class Stretch:
    """Files of one connection in their order; `began_at` is where 0 of its clock is (epoch s, by the gateway's)."""

    connection: tuple[str, str] | None
    began_at: float
    files: list[Recorded] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    end: int = 0
    """Where its media ends (ms)."""
    header: bytes = b""
    """What describes its video."""

    def take(self, path: Path, data: bytes, at: int) -> None:
        """Add the next file, which begins `at` ms and holds `data`."""
        self.files.append(Recorded(path, at))
        last, step = None, 0
        for tag in flv.tags(data):
            if tag.kind == flv.VIDEO and tag.is_header:
                self.header = bytes(tag.body)
            if tag.kind == flv.VIDEO and tag.is_media and last is not None and abs(tag.time - last) > JUMP_MS:
                self.keys.clear()  # its clock was set: only what comes after that is on one
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

    def following(self, pts: float) -> Key | None:
        """Give the first keyframe that is not before a PTS (ms)."""
        return next((key for key in self.keys if key.pts >= pts - SAME_MS), None)


def stretches(fetched: Sequence[tuple[Listed, Path]]) -> list[Stretch]:
    """Put fetched files, oldest first, together; another connection or another video is another stretch.

    What has no keyframe is left out.
    """
    found: list[Stretch] = []
    for listed, path in fetched:
        data, last = path.read_bytes(), found[-1] if found else None
        if last is None or not _goes_on(last, listed, data):
            last = Stretch(connection=listed.connection, began_at=listed.began_at)
            found.append(last)
            at = 0
        else:
            at = last.files[-1].at + (listed.step_ms or 0)
        last.take(path, data, at)
    return [stretch for stretch in found if stretch.keys]


def _goes_on(stretch: Stretch, listed: Listed, data: bytes) -> bool:
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
                for tag in flv.tags(recorded.path.read_bytes()):
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
