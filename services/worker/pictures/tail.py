"""The newest packets of a run: read from the file that its ffmpeg is writing, from a keyframe on."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from services.worker.pictures.tail_files import RING_FILES, RING_PATTERN, SEGMENT_PATTERN, TailKind
from services.worker.pictures.transport_stream import (
    MUX_DELAY_TICKS,
    PACKET_BYTES,
    TICKS_PER_SECOND,
    WRAP,
    Demuxer,
    NotInStep,
    keyframe_at,
)

READ_BYTES = 2048 * PACKET_BYTES
"""What is read at once: a keyframe of 1080p, or a second of frames."""
SAME_TICKS = 180
"""Two clocks' roundings of one time differ by less (2 ms), two frames' times by more."""


@dataclass(frozen=True, slots=True)
class TailFrame:
    """One coded frame (Annex B) with its time on the run's clock (s)."""

    data: bytes
    pts: float
    is_keyframe: bool


class Segments:
    """The segments in a run's folder: numbered, and gone once they are shipped."""

    def __init__(self, folder: Path) -> None:
        """Look for them when asked."""
        self._folder = folder
        self._number: int | None = None

    def newest(self) -> Path | None:
        """Give the one that is written now."""
        if self._number is None or not self._path(self._number).exists():
            self._number = self._highest()
        if self._number is None:
            return None
        while self._path(self._number + 1).exists():
            self._number += 1
        return self._path(self._number)

    def after(self, path: Path) -> Path | None:
        """Give the one after `path` if it is begun already."""
        following = self._path(_number(path.name) + 1)
        return following if following.exists() else None

    def _path(self, number: int) -> Path:
        return self._folder / (SEGMENT_PATTERN % number)

    def _highest(self) -> int | None:
        prefix, suffix = SEGMENT_PATTERN.split("%09d")
        names = (entry.name for entry in os.scandir(self._folder))
        return max((_number(name) for name in names if name.startswith(prefix) and name.endswith(suffix)), default=None)


class Ring:
    """Files that are written one after the other and over again: the newest is the one written last."""

    def __init__(self, folder: Path) -> None:
        """Look for them when asked."""
        self._paths = [folder / (RING_PATTERN % number) for number in range(RING_FILES)]

    def newest(self) -> Path | None:
        """Give the one that is written now."""
        found = max(self._paths, key=_written)
        return found if _written(found) else None

    def after(self, path: Path) -> Path | None:
        """Give the one after `path` if it is begun already."""
        following = self._paths[(self._paths.index(path) + 1) % RING_FILES]
        return following if _written(following) > _written(path) else None


def _number(name: str) -> int:
    return int("".join(filter(str.isdigit, name)) or 0)


def _written(path: Path) -> int:
    """Give when a file was written last (ns), 0 where it is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


FILES: dict[TailKind, type[Segments | Ring]] = {TailKind.SEGMENTS: Segments, TailKind.RING: Ring}


@dataclass(slots=True)
class Tail:
    """Follows the files from the keyframe at `pts` (s, the run's clock) on; an unlinked one is read to its end."""

    files: Segments | Ring
    pts: float
    _path: Path | None = None
    _file: int | None = None
    _at: int = 0
    _found: bool = False
    _demuxer: Demuxer = field(default_factory=Demuxer)

    def read(self) -> list[TailFrame]:
        """Give frames that have come since, [] while none has; raise NotInStep where they can be followed no more."""
        if self._file is None and not self._open(self.files.newest()):
            return []
        assert self._path is not None  # noqa: S101 - one is open
        following = self.files.after(self._path)  # asked first: once it is there, this one is whole
        data = self._new_bytes()
        if not data:
            if following is None or not self._open(following):
                return []
            data = self._new_bytes()
        if not self._found:
            data = self._from_keyframe(data)
        return [
            TailFrame(unit.data, self._time(unit.pts), unit.is_keyframe)
            for unit in (self._demuxer.feed(data) if data else ())
        ]

    def close(self) -> None:
        """Close what is open."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self, path: Path | None) -> bool:
        self.close()
        try:
            self._file = None if path is None else os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False  # shipped meanwhile: there is a newer one
        self._path, self._at = path, 0
        return self._file is not None

    def _new_bytes(self) -> bytes:
        """Read on by whole TS packets."""
        assert self._file is not None  # noqa: S101 - see read()
        data = os.pread(self._file, READ_BYTES, self._at)
        if not data and os.fstat(self._file).st_size < self._at:
            message = "the file was written anew"
            raise NotInStep(message)
        data = data[: len(data) // PACKET_BYTES * PACKET_BYTES]
        self._at += len(data)
        return data

    def _from_keyframe(self, data: bytes) -> bytes:
        """Give what comes from the keyframe on, looking on through the file where it is not in `data`."""
        ticks = (round(self.pts * TICKS_PER_SECOND) + MUX_DELAY_TICKS) % WRAP
        while data:
            at = keyframe_at(data, ticks, SAME_TICKS)
            if at is not None:
                self._found = True
                return data[at:]
            data = self._new_bytes()
        return b""

    def _time(self, ticks: int) -> float:
        """Give a PTS on the run's clock: the one nearest to the keyframe's, since PTS wrap."""
        apart = (ticks - MUX_DELAY_TICKS - round(self.pts * TICKS_PER_SECOND)) % WRAP
        apart -= WRAP if apart >= WRAP // 2 else 0
        return (round(self.pts * TICKS_PER_SECOND) + apart) / TICKS_PER_SECOND
