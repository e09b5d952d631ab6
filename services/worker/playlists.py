"""The session's HLS playlists in the store: they name only segments that have arrived."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.domain import playlist
from services.domain.artifact import Artifact
from services.domain.capture import CapturePlan
from services.domain.playlist import Segment
from services.worker.in_place import InPlace

VOD_SECONDS = 10.0
"""How often the whole playlist may be rewritten at first; with its length the interval grows to a minute."""


@dataclass(slots=True, kw_only=True)
class Playlists:
    """live.m3u8 with a sliding window, and vod.m3u8 of the whole session; each only while the channel has it on.

    `target` is the session's EXT-X-TARGETDURATION (s), None until the first segment is known.
    """

    live: InPlace
    vod: InPlace
    is_live: bool
    is_vod: bool
    session_id: str
    list_size: int
    sequence: tuple[int, int]
    target: int | None = None
    _all: deque[Segment] = field(default_factory=deque)
    _vod_written: float = 0.0
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def restore(self, entries: Sequence[Artifact]) -> None:
        """Take over the segments that an earlier worker of this session shipped."""
        for entry in entries:
            self.add(entry)

    def add(self, entry: Artifact) -> None:
        """Add a segment that has arrived; `write` names it."""
        assert entry.media_sequence is not None and entry.discontinuity_sequence is not None  # noqa: S101, PT018 - a segment has both
        self._all.append(
            Segment(
                uri=entry.key.rpartition("/")[2],
                seconds=entry.seconds,
                program_date_time=entry.captured_at,
                media_sequence=entry.media_sequence,
                discontinuity_sequence=entry.discontinuity_sequence,
            )
        )
        if not (self.is_vod or self._vod_written):
            while len(self._all) > self.list_size:
                self._all.popleft()

    async def write(self) -> None:
        """Write live.m3u8, and vod.m3u8 if it is time for it."""
        async with self._lock:
            if self.is_live:
                await self._write_live(ended=False)
            interval = min(60.0, max(VOD_SECONDS, len(self._all) / 20))
            if self.is_vod and time.monotonic() - self._vod_written >= interval:
                await self._write_vod(ended=False)

    async def end(self) -> None:
        """Close both lists."""
        if self.target is None:
            return
        if self.is_live:
            await self._write_live(ended=True)
        if self.is_vod:
            await self._write_vod(ended=True)

    async def adapt(self, plan: CapturePlan) -> None:
        """Take over changed settings: a list that is switched off is closed, one that is switched on begins now."""
        async with self._lock:
            was_live, was_vod = self.is_live, self.is_vod
            self.list_size, self.is_live, self.is_vod = plan.hls_list_size, plan.is_live, plan.is_on_demand
            if self.target is not None and was_live and not self.is_live:
                await self._write_live(ended=True)
            if self.target is not None and was_vod and not self.is_vod:
                await self._write_vod(ended=True)

    async def _write_live(self, *, ended: bool) -> None:
        assert self.target is not None  # noqa: S101 - fixed before the first segment
        window = list(self._all)[-self.list_size :]
        # Segments lie below the session, the live list one level above.
        named = [_below(self.session_id, segment) for segment in window]
        text = playlist.render(named, target=self.target, ended=ended, whole=False, sequence=self.sequence)
        await self.live.write(text.encode())

    async def _write_vod(self, *, ended: bool) -> None:
        assert self.target is not None  # noqa: S101 - fixed before the first segment
        text = playlist.render(list(self._all), target=self.target, ended=ended, whole=True, sequence=self.sequence)
        await self.vod.write(text.encode())
        self._vod_written = time.monotonic()


def _below(folder: str, segment: Segment) -> Segment:
    return Segment(
        uri=f"{folder}/{segment.uri}",
        seconds=segment.seconds,
        program_date_time=segment.program_date_time,
        media_sequence=segment.media_sequence,
        discontinuity_sequence=segment.discontinuity_sequence,
    )
