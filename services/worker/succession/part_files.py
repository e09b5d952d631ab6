"""A part's clock and files, as the run that makes them or its ledger tells."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Self

from services.domain import times
from services.domain.artifact import OUTPUTS, Kind
from services.domain.manifest import Mark
from services.worker.delivery.cutting import within
from services.worker.delivery.finishing import describe
from services.worker.events import SAME_CLOCK_SECONDS, ClockSet, FileClosed

_PATTERNS = ((Kind.RECORDING, "recording-*.mp4"), (Kind.SEGMENT, "segment-*.ts"))


@dataclass(slots=True, kw_only=True)
class PartFiles:
    """A part's clock, its folder, the last whole file of each kind, and up to where those reach (PTS, s).

    `mark` is its first keyframe. With `is_spliced` what the run brought before `first` is of another part, or what is
    before a kind's own place in `begins`.
    """

    number: int
    anchor: float
    first: float
    folder: Path
    first_keyframe: float | None = None
    is_spliced: bool = False
    begins: dict[Kind, float] = field(default_factory=dict)
    mark: Mark | None = None
    last_closed: dict[Kind, str] = field(default_factory=dict)
    ends: dict[Kind, float] = field(default_factory=dict)

    @classmethod
    def begun(cls, number: int, clock: ClockSet, folder: Path) -> Self:
        """Give those of a part whose clock is set just now."""
        return cls(
            number=number,
            anchor=clock.anchor,
            first=clock.first,
            folder=folder,
            first_keyframe=clock.first_keyframe,
            is_spliced=clock.first_keyframe is not None,
            begins=dict(clock.begins),
            mark=_mark(number, clock),
        )

    def own(self, file: FileClosed, until: float | None) -> FileClosed | None:
        """Give a file with what is to be cut off because it is of another part, None if all of it is.

        None too for a picture that denies the part's clock by what it says of itself.
        """
        since = self.begins.get(file.kind, self.first) if self.is_spliced else None
        if file.kind is Kind.SNAPSHOT:
            is_ours = (since is None or file.start >= since) and (until is None or file.start < until)
            is_true = file.anchor is None or abs(file.anchor - self.anchor) <= SAME_CLOCK_SECONDS
            return file if is_ours and is_true else None
        keyframe = file.start  # ffmpeg begins all files but the first with one
        if file.is_first and self.first_keyframe is not None:
            keyframe = self.first_keyframe
            # There may be sound before it, whatever is known of the file: a run's clock begins at 0.
            file = replace(file, start=min(file.start, 0.0)) if self.is_spliced else file
        return within(file, since, until, first_keyframe=keyframe)

    def reach(self) -> float:
        """Give the PTS (s) up to which there is a whole file of some kind that ffmpeg writes."""
        return max((end for kind, end in self.ends.items() if kind is not Kind.SNAPSHOT), default=self.first)

    def close(self, file: FileClosed) -> None:
        """Note that a file is whole."""
        self.last_closed[file.kind] = max(self.last_closed.get(file.kind, ""), file.path.name)
        self.ends[file.kind] = max(self.ends.get(file.kind, self.first), file.end)

    def saved(self) -> dict[str, datetime]:
        """Give until when there are files of each output that ffmpeg writes; pictures count where there is no other."""
        written = {kind: end for kind, end in self.ends.items() if kind is not Kind.SNAPSHOT}
        return {OUTPUTS[kind]: times.utc(self.anchor + end) for kind, end in (written or self.ends).items()}

    async def open_files(self) -> list[FileClosed]:
        """Give the files that nobody closed, after a kill; they begin where the last whole one of their kind ends."""
        found = []
        for kind, pattern in _PATTERNS:
            # ffmpeg numbers its files in the order of their names.
            closed = self.last_closed.get(kind, "")
            for path in sorted(path for path in self.folder.glob(pattern) if path.name > closed):
                seconds = (await describe(path))["seconds"]
                if seconds is not None:
                    start = self.ends.get(kind)
                    is_first = start is None
                    if start is None:
                        # The sound of a run that joined inside a GOP begins before the video, which set `first`.
                        start = min(self.first, path.stat().st_mtime - self.anchor - seconds)
                    end = start + seconds
                    found.append(
                        FileClosed(
                            kind=kind,
                            path=path,
                            start=start,
                            end=end,
                            is_first=is_first and self.is_spliced,
                            waited=seconds,  # its whole span is known: nobody is to measure it again
                        )
                    )
                    self.ends[kind] = start + seconds
        return found


def _mark(number: int, clock: ClockSet) -> Mark | None:
    if clock.digest is None:
        return None
    pts = clock.first if clock.first_keyframe is None else clock.first_keyframe
    return Mark(part=number, at=clock.anchor + pts, digest=clock.digest)
