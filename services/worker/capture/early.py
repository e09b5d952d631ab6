"""The files of a run of which the picture child has not told the time yet."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from services.worker.delivery.finishing import describe
from services.worker.delivery.parcel import remove
from services.worker.events import ClockSet, FileClosed

CLOCK_SECONDS = 40.0
"""After so much media, more than a GOP, without a clock from the picture child the files tell the time, nearly."""


@dataclass(slots=True)
class Early:
    """Keeps them in order."""

    _files: list[FileClosed] = field(default_factory=list)

    def __len__(self) -> int:
        """Count them."""
        return len(self._files)

    def add(self, file: FileClosed) -> bool:
        """Take the next one; say whether the child has been silent for too long."""
        self._files.append(file)
        return file.end - self._files[0].start >= CLOCK_SECONDS

    def taken(self) -> list[FileClosed]:
        """Give them all, and keep none."""
        files, self._files = self._files, []
        return files

    def clock(self, now: float) -> ClockSet:
        """Tell the time by the last one, which was closed at `now` (epoch s)."""
        return ClockSet(anchor=now - self._files[-1].end, first=self._files[0].start)

    async def measure(self) -> None:
        """Find how long the first ones of a run are that brought no video: ffmpeg's lines tell of video alone."""
        if not self._files:
            return
        first = self._files[0]
        seconds = (await describe(first.path))["seconds"]
        if seconds is None:
            for file in self.taken():
                remove(file.path)  # no keyframe came and no sound: nothing is in them
        elif seconds > first.end - first.start:
            self._files = [
                replace(file, start=file.end - seconds, waited=seconds) if file.is_first else file
                for file in self._files
            ]
