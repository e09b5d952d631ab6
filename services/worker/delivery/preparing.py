"""Makes of a closed file what is shipped: its true length, its own share, an ordinary MP4, segments within the target.

Segments get their media sequence here, in the order in which they were closed, and the ledger notes it before anything
is uploaded, so that a successor keeps it.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import structlog

from services.domain import playlist
from services.domain.artifact import Kind
from services.worker.child_program import ChildFailed
from services.worker.delivery.cutting import cut
from services.worker.delivery.finishing import describe, finish_recording, fit_segment, with_true_length
from services.worker.delivery.manifest_keeper import ManifestKeeper
from services.worker.delivery.null_packets import fill_up
from services.worker.delivery.parcel import Parcel, Waiting, remove, size
from services.worker.delivery.playlists import Playlists
from services.worker.events import FileClosed
from services.worker.succession.ledger import Ledger

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Preparing:
    """Prepares the files of a session; `next_sequence` is the media sequence of the next segment.

    `still_ours` raises LeaseLost when a newer worker has the session: its spool is not to be touched then.
    """

    ledger: Ledger
    manifest: ManifestKeeper
    playlists: Playlists
    still_ours: Callable[[], Awaitable[None]]
    hls_seconds: float
    next_sequence: int
    _described: set[int] = field(default_factory=set)
    _reach: dict[Kind, tuple[int | None, float]] = field(default_factory=dict)

    async def prepare(self, waiting: Waiting) -> list[Parcel]:
        """Prepare one file; raise ChildFailed where it cannot be read, or LeaseLost."""
        await self.still_ours()
        match waiting.file.kind:
            case Kind.SNAPSHOT:
                return [waiting.parcel()]
            case Kind.RECORDING:
                return await self._recording(waiting)
            case Kind.SEGMENT:
                return await self._segments(waiting)

    async def _recording(self, waiting: Waiting) -> list[Parcel]:
        file = await self._measured(waiting)
        whole = await _ordinary(file)
        await self._describe_part(waiting.part, whole.path)
        await self.still_ours()
        return self._noted(waiting, [whole], between=file.path)

    async def _segments(self, waiting: Waiting) -> list[Parcel]:
        target = self.playlists.target
        file = await self._measured(waiting, math.inf if target is None else playlist.longest(target))
        if target is None:
            target = playlist.target_duration(self.hls_seconds, file.end - file.start)
            self.playlists.target = target
            self.manifest.set(target_duration=target)
        pieces = await fit_segment(file, target)
        await self._describe_part(waiting.part, pieces[0].path)
        await self.still_ours()
        for piece in pieces:
            fill_up(piece.path)
        return self._noted(waiting, pieces, between=file.path)

    def _noted(self, waiting: Waiting, files: Sequence[FileClosed], *, between: Path) -> list[Parcel]:
        """Give segments their numbers, note what a file has become, remove what it was before and `between`."""
        parcels = [Parcel(file=file, part=waiting.part, anchor=waiting.anchor, bytes=size(file.path)) for file in files]
        if waiting.file.kind is Kind.SEGMENT:
            numbers = range(self.next_sequence, self.next_sequence + len(parcels))
            parcels = [replace(parcel, number=number) for parcel, number in zip(parcels, numbers, strict=True)]
            self.next_sequence += len(parcels)
            self.playlists.given(numbers[-1])
        self.ledger.prepared(waiting.file.path, parcels, target=self.playlists.target)
        for path in {waiting.file.path, between} - {parcel.file.path for parcel in parcels}:
            remove(path)
        return parcels

    async def _measured(self, waiting: Waiting, longest: float = math.inf) -> FileClosed:
        """Give a file its own share and true span, after the one before it of its kind and part."""
        part, end = self._reach.get(waiting.file.kind, (None, -math.inf))
        end -= waiting.anchor
        reach = end if part == waiting.part else None
        own = await cut(waiting.file)
        if not own.path.exists():
            raise FileNotFoundError(own.path)
        if size(own.path) == 0:
            raise ChildFailed("nothing is left of it")
        file = await with_true_length(own, reach, longest, floor=end)
        self._reach[file.kind] = (waiting.part, waiting.anchor + file.end)
        return file

    async def _describe_part(self, number: int, path: Path) -> None:
        """Note a part's streams, once, from the first file of it."""
        part = next((part for part in self.manifest.head.parts if part.number == number), None)
        if part is None or number in self._described:
            return
        found = await describe(path)
        if found["audio"] is not None and not found["audio"]["sample_rate"]:
            return  # a file that a kill cut short may not say; the next one will
        self._described = {known for known in self._described if known > number - 8} | {number}
        self.manifest.change_part(number, video=found["video"] or part.video, audio=found["audio"])


async def _ordinary(file: FileClosed) -> FileClosed:
    """Give a recording as an ordinary MP4, or as it is where only that fails: what can be read is not thrown away."""
    try:
        return await finish_recording(file)
    except ChildFailed as error:
        if not file.path.exists():
            raise FileNotFoundError(file.path) from None
        if (await describe(file.path))["seconds"] is None:
            raise
        log.warning("recording_not_remuxed", file=file.path.name, error=str(error))
        return file
