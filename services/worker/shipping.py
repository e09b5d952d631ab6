"""Ships closed files: finish, hash, store, note, name, and only then remove from the spool."""

from __future__ import annotations

import asyncio
import hashlib
import math
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import structlog

from services.domain import keys, playlist, times
from services.domain.artifact import Artifact, Kind
from services.domain.errors import ObjectExists
from services.domain.manifest import Gap
from services.domain.ports import ObjectStore
from services.worker.child_program import ChildFailed
from services.worker.events import FileClosed
from services.worker.finishing import describe, finish_recording, fit_segment, with_true_length
from services.worker.in_place import InPlace
from services.worker.lane import Lane, Waiting
from services.worker.ledger import Ledger
from services.worker.manifest_keeper import ManifestKeeper
from services.worker.patience import blocking, until_done
from services.worker.playlists import Playlists

log = structlog.get_logger()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


Identity = tuple[Kind, int, datetime]
"""What tells one artifact of a session from all others, whatever its key: its kind, its part, its capture time."""


def identity(entry: Artifact) -> Identity:
    """Give an entry's identity."""
    return entry.kind, entry.part, entry.captured_at


@dataclass(slots=True, kw_only=True)
class Shipping:
    """The three lanes of a session; `next_sequence` is the media sequence of the next segment.

    `earlier` is what an earlier worker shipped: a file of it that is still in the spool is only removed.
    """

    store: ObjectStore
    ledger: Ledger
    manifest: ManifestKeeper
    playlists: Playlists
    latest: InPlace
    channel_id: str
    session_id: str
    hls_seconds: float
    next_sequence: int
    first_discontinuity: int
    earlier: frozenset[Identity] = frozenset()
    _described: set[int] = field(default_factory=set)
    _reach: dict[tuple[Kind, int], float] = field(default_factory=dict)

    def lanes(self) -> dict[Kind, Lane]:
        """Build a lane for each output."""
        return {
            Kind.SNAPSHOT: Lane(name="snapshots", ship=self._ship_snapshot),
            Kind.RECORDING: Lane(name="recordings", ship=self._ship_recording),
            Kind.SEGMENT: Lane(name="segments", ship=self._ship_segments),
        }

    def _is_shipped(self, waiting: Waiting) -> bool:
        file = waiting.file
        return (file.kind, waiting.part, times.utc(waiting.anchor + file.start)) in self.earlier

    async def _store(self, waiting: Waiting, key: str, **more: int | None) -> Artifact | None:
        """Bring one file into the store and into the books; None if its key is taken by other content."""
        file = waiting.file
        digest = await asyncio.to_thread(_digest, file.path)
        entry = Artifact(
            kind=file.kind,
            key=key,
            captured_at=times.utc(waiting.anchor + file.start),
            bytes=file.path.stat().st_size,
            sha256=digest,
            part=waiting.part,
            seconds=max(0.0, file.end - file.start),
            width=file.width,
            height=file.height,
            **more,
        )
        try:
            await blocking(partial(self.store.create, key, file.path, sha256=digest))
        except ObjectExists:
            log.error("key_taken", key=key, bytes=entry.bytes)  # noqa: TRY400 - the error says no more than this
            return None
        self.ledger.shipped(entry)
        self.manifest.add(entry)
        log.info("shipped", key=key, bytes=entry.bytes, seconds=round(entry.seconds, 3))
        return entry

    def _dated(self, waiting: Waiting) -> str:
        moment = times.utc(waiting.anchor + waiting.file.start)
        return keys.dated(waiting.file.kind, self.channel_id, self.session_id, moment)

    async def _ship_snapshot(self, waiting: Waiting) -> None:
        path = waiting.file.path
        if self._is_shipped(waiting):
            path.unlink()
            return
        body = await asyncio.to_thread(path.read_bytes)
        await self._store(waiting, self._dated(waiting))
        await until_done(partial(self.latest.write, body))
        path.unlink(missing_ok=True)

    async def _ship_recording(self, waiting: Waiting) -> None:
        original = waiting.file.path
        waiting = await self._measured(waiting)
        if self._is_shipped(waiting):
            original.unlink()
            return
        try:
            whole = await finish_recording(waiting.file)
        except ChildFailed as error:
            self._give_up(waiting, "recordings", error)
            return
        await self._store(Waiting(whole, waiting.part, waiting.anchor), self._dated(waiting))
        await self._describe_part(waiting.part, whole.path)
        whole.path.unlink(missing_ok=True)
        original.unlink(missing_ok=True)

    async def _ship_segments(self, waiting: Waiting) -> None:
        original = waiting.file.path
        target = self.playlists.target
        waiting = await self._measured(waiting, math.inf if target is None else playlist.longest(target))
        if self.playlists.target is None:
            first = waiting.file.end - waiting.file.start
            self.playlists.target = playlist.target_duration(self.hls_seconds, first)
            self.manifest.set(target_duration=self.playlists.target)
        try:
            pieces = await fit_segment(waiting.file, self.playlists.target)
        except ChildFailed as error:
            self._give_up(waiting, "hls", error)
            return
        for piece in pieces:
            await self._ship_segment(Waiting(piece, waiting.part, waiting.anchor))
        await self._describe_part(waiting.part, pieces[0].path)
        self._remove(original, pieces)

    async def _measured(self, waiting: Waiting, longest: float = math.inf) -> Waiting:
        """Give a file its true span, after the one before it of its kind and part."""
        lane = (waiting.file.kind, waiting.part)
        file = await with_true_length(waiting.file, self._reach.get(lane), longest)
        self._reach[lane] = file.end
        return replace(waiting, file=file)

    def _give_up(self, waiting: Waiting, output: str, error: ChildFailed) -> None:
        """Declare what a file that cannot be read would have held, and drop it."""
        file = waiting.file
        log.warning("file_given_up", file=file.path.name, bytes=file.path.stat().st_size, error=str(error))
        self.manifest.declare_gap(
            Gap(
                started_at=times.utc(waiting.anchor + file.start),
                ended_at=times.utc(waiting.anchor + file.end),
                outputs=(output,),
                cause="undecodable",
            )
        )
        file.path.unlink()

    async def _ship_segment(self, waiting: Waiting) -> None:
        if self._is_shipped(waiting):
            return
        number = self.next_sequence
        entry = await self._store(
            waiting,
            keys.segment(self.channel_id, self.session_id, number),
            media_sequence=number,
            discontinuity_sequence=self.first_discontinuity + waiting.part,
        )
        self.next_sequence += 1
        if entry is not None:
            self.playlists.add(entry)
            await until_done(self.playlists.write)

    async def _describe_part(self, number: int, path: Path) -> None:
        """Note a part's streams, once, from the first file of it."""
        part = next((part for part in self.manifest.head.parts if part.number == number), None)
        if part is None or number in self._described:
            return
        found = await describe(path)
        if found["audio"] is not None and not found["audio"]["sample_rate"]:
            return  # a file that a kill cut short may not say; the next one will
        self._described.add(number)
        self.manifest.change_part(number, video=found["video"] or part.video, audio=found["audio"])

    @staticmethod
    def _remove(original: Path, pieces: list[FileClosed]) -> None:
        for piece in pieces:
            piece.path.unlink(missing_ok=True)
        original.unlink(missing_ok=True)
        if pieces[0].path.parent != original.parent:
            pieces[0].path.parent.rmdir()
