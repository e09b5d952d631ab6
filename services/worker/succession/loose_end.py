"""The end of a part that was cut off: what it left open waits until it is known where the next part begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from services.domain import times
from services.domain.artifact import OUTPUTS, Kind
from services.worker.delivery.cutting import SAME_SECONDS
from services.worker.events import FileClosed
from services.worker.succession.part_files import PartFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class LooseEnd:
    """Of a part: the files that nobody closed, and up to where there is something of each kind (PTS, s).

    PTS 0 is at `anchor`, and it `began` there (epoch s). `part` is None where its spool is not here.
    """

    number: int
    anchor: float
    began: float
    ends: Mapping[Kind, float]
    part: PartFiles | None = None
    files: Sequence[FileClosed] = ()
    _firsts: Mapping[Kind, FileClosed] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Find the first open file of each kind."""
        firsts: dict[Kind, FileClosed] = {}
        for file in self.files:
            firsts.setdefault(file.kind, file)
        object.__setattr__(self, "_firsts", firsts)

    @classmethod
    def of(cls, part: PartFiles, files: Sequence[FileClosed], *, of_another_plan: bool = False) -> Self:
        """Give that of a part whose files, the open ones too, are here.

        Of a kind that it has no file of nothing is missing where it was made by another plan than stands now.
        """
        began = part.anchor + (part.reach() if of_another_plan else part.first)
        return cls(number=part.number, anchor=part.anchor, began=began, ends=dict(part.ends), part=part, files=files)

    @property
    def reach(self) -> dict[Kind, float]:
        """Give up to when there is something of each kind that ffmpeg writes, of pictures where there is no other."""
        written = {kind: end for kind, end in self.ends.items() if kind is not Kind.SNAPSHOT}
        return {kind: self.anchor + end for kind, end in (written or self.ends).items()}

    def start(self, kind: Kind) -> float:
        """Give from when on what there is of a kind can still be cut off (epoch s)."""
        first = self._firsts.get(kind)
        return self.reach[kind] if first is None else self.anchor + self._keyframe(first)

    def last_picture(self) -> float | None:
        """Give when its last picture was taken (epoch s)."""
        last = self.ends.get(Kind.SNAPSHOT)
        return None if last is None else self.anchor + last

    def saved(self) -> dict[str, datetime]:
        """Give the reach by the outputs' names."""
        return {OUTPUTS[kind]: times.utc(end) for kind, end in self.reach.items()}

    def own(self, file: FileClosed, until: float | None) -> FileClosed | None:
        """Give what of an open file lies before `until` (epoch s; None: all of it), None if nothing does."""
        assert self.part is not None  # noqa: S101 - whose file it is
        own = self.part.own(file, None)
        if own is None or until is None or own.end <= (cut := until - self.anchor) + SAME_SECONDS:
            return own
        keyframe = self._keyframe(file)
        if own.start > cut - SAME_SECONDS or keyframe > cut - SAME_SECONDS:
            return None
        is_first = file is self._firsts.get(file.kind) and file.kind not in self._closed()
        return replace(own, end=cut, cut_to=cut - keyframe, is_first=own.is_first or is_first)

    def _keyframe(self, file: FileClosed) -> float:
        """Give the PTS of an open file's first keyframe: sound may come before that of a run's first file."""
        if self.part is None or file is not self._firsts.get(file.kind) or file.kind in self._closed():
            return file.start
        return self.part.first if self.part.first_keyframe is None else self.part.first_keyframe

    def _closed(self) -> Mapping[Kind, str]:
        return {} if self.part is None else self.part.last_closed
