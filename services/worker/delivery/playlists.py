"""The session's HLS playlists in the store: they name only segments that have arrived."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from services.domain import playlist
from services.domain.artifact import Artifact
from services.domain.capture import CapturePlan
from services.domain.live_window import LiveWindow
from services.domain.playlist import Segment
from services.domain.whole_list import WholeList
from services.worker.delivery.in_place import InPlace
from services.worker.delivery.patience import Patience

VOD_SECONDS = 10.0
"""How often the whole playlist may be rewritten at first; with its length the interval grows to a minute."""


@dataclass(slots=True, kw_only=True)
class Playlists:
    """live.m3u8 with a sliding window, and vod.m3u8 of the whole session; each only while the channel has it on.

    `target` is the session's EXT-X-TARGETDURATION (s), None until the first segment is known, and `sequence` the media
    and discontinuity sequence that it began with.
    """

    live: InPlace
    vod: InPlace
    patience: Patience
    is_live: bool
    is_vod: bool
    session_id: str
    window: LiveWindow
    sequence: tuple[int, int]
    target: int | None = None
    _whole: WholeList | None = None
    _part: int = 0
    _closes_live: bool = False
    _closes_vod: bool = False
    _live_news: asyncio.Event = field(default_factory=asyncio.Event)
    _vod_news: asyncio.Event = field(default_factory=asyncio.Event)
    _live_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _vod_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        """Begin the whole list where it is on."""
        if self.is_vod:
            self._whole = WholeList(following=self.sequence[0])

    def restore(self, entries: Sequence[Artifact], waiting: Iterable[int], following: int) -> None:
        """Take over from an earlier worker of this session; `following` is the next number to be given.

        What is neither among the `entries` in the store nor among the `waiting` numbers never comes.
        """
        known = {entry.media_sequence for entry in entries} | set(waiting)
        missing = sorted(set(range(self.sequence[0], following)) - known)
        for number in missing:
            self.dropped(number)
        self.window.newest = following - 1
        for entry in sorted(entries, key=lambda entry: entry.media_sequence or 0):
            self.add(entry)
        if self.target is not None:
            self.window.advance(self.target, anyhow=True)
        if missing and missing[-1] == following - 1:
            self._live_news.clear()  # the list in the store may name what is not known here: it must not go back

    @property
    def whole(self) -> Sequence[Segment]:
        """The segments that vod.m3u8 names by now, none where it is off."""
        return () if self._whole is None else self._whole.named

    def given(self, number: int) -> None:
        """Note that a segment was given this number, and will arrive or be dropped."""
        self.window.given(number)

    def add(self, entry: Artifact) -> None:
        """Add a segment that has arrived; it is named as soon as the lists' rules allow."""
        assert entry.media_sequence is not None and entry.discontinuity_sequence is not None  # noqa: S101, PT018 - a segment has both
        self._part = max(self._part, entry.discontinuity_sequence)
        segment = Segment(
            uri=entry.key.rpartition("/")[2],
            seconds=entry.seconds,
            program_date_time=entry.captured_at,
            media_sequence=entry.media_sequence,
            discontinuity_sequence=entry.discontinuity_sequence,
        )
        self.window.arrived(segment)
        if self._whole is not None:
            self._whole.arrived(segment)
        self._changed()

    def dropped(self, number: int) -> None:
        """Note that a segment never comes."""
        self.window.dropped(number)
        if self._whole is not None:
            self._whole.dropped(number)
        self._changed()

    def _changed(self) -> None:
        if self.target is not None and self.window.advance(self.target):
            self._live_news.set()
        self._vod_news.set()

    async def run_live(self) -> None:
        """Write live.m3u8 whenever it has changed, until cancelled."""
        while True:
            await self._live_news.wait()
            await self.patience.until_done(self.write_live)

    async def run_vod(self) -> None:
        """Write vod.m3u8 when it has changed, not too often, until cancelled."""
        while True:
            await self._vod_news.wait()
            await self.patience.until_done(self.write_vod)
            named = 0 if self._whole is None else len(self._whole.named)
            await asyncio.sleep(min(60.0, max(VOD_SECONDS, named / 20)))

    async def write_live(self) -> None:
        """Write live.m3u8 as it is now, if it names anything."""
        async with self._live_lock, _until_written(self._live_news):
            if self._closes_live:
                await self._write_live(ended=True)
                self._closes_live = False
            elif self.is_live and self.window.named:
                await self._write_live(ended=False)

    async def write_vod(self) -> None:
        """Write vod.m3u8 as it is now, if it names anything."""
        async with self._vod_lock, _until_written(self._vod_news):
            if self._closes_vod:
                await self._write_vod(ended=True)
                self._closes_vod = False
            elif self.is_vod and self._whole is not None and self._whole.named:
                await self._write_vod(ended=False)

    async def flush(self) -> None:
        """Write what has changed, although the session goes on; a write that is under way is waited for."""
        for lock, news, write in (
            (self._live_lock, self._live_news, self.write_live),
            (self._vod_lock, self._vod_news, self.write_vod),
        ):
            async with lock:
                is_due = news.is_set()
            if is_due:
                await write()

    @property
    def has_vod(self) -> bool:
        """Say whether the session has a whole list, that goes on or is closed."""
        return self.target is not None and self._whole is not None

    async def end(self) -> None:
        """Close both lists, when all is in the store that ever will be."""
        if self.target is None:
            return
        self.window.end(self.target)
        async with self._live_lock:
            if self.is_live or self._closes_live:
                await self._write_live(ended=True)
                self.is_live = self._closes_live = False
        async with self._vod_lock:
            if self.is_vod or self._closes_vod:
                await self._write_vod(ended=True)
                self.is_vod = self._closes_vod = False

    def adapt(self, plan: CapturePlan) -> None:
        """Take over changed settings: a list that is switched off is closed, one that is switched on begins now.

        This does not wait for the store, which may be away: capture goes on.
        """
        was_live, was_vod = self.is_live, self.is_vod
        self.window.size, self.is_live, self.is_vod = plan.hls_list_size, plan.is_live, plan.is_on_demand
        if self.is_vod and self._whole is None:
            first = self.window.named[0].media_sequence if self.window.named else self.window.last + 1
            self._whole = WholeList(following=first, named=[])
            for segment in self.window.named:
                self._whole.arrived(segment)
        if self.target is not None:
            self._closes_live = not self.is_live and (was_live or self._closes_live)
            self._closes_vod = not self.is_vod and (was_vod or self._closes_vod)
        if self._closes_live:
            self._live_news.set()
        if self._closes_vod:
            self._vod_news.set()

    async def _write_live(self, *, ended: bool) -> None:
        # Segments lie below the session, the live list one level above.
        named = [replace(segment, uri=f"{self.session_id}/{segment.uri}") for segment in self.window.named]
        await self.live.write(self._text(named, ended=ended, whole=False))

    async def _write_vod(self, *, ended: bool) -> None:
        assert self._whole is not None  # noqa: S101 - it is on
        await self.vod.write(self._text(self._whole.named, ended=ended, whole=True))

    def _text(self, segments: Sequence[Segment], *, ended: bool, whole: bool) -> bytes:
        assert self.target is not None  # noqa: S101 - fixed before the first segment
        empty = (self.window.last + 1, max(self._part, self.sequence[1]))
        return playlist.render(segments, target=self.target, ended=ended, whole=whole, sequence=empty).encode()


@asynccontextmanager
async def _until_written(news: asyncio.Event) -> AsyncIterator[None]:
    """Take the news, and give it back if the block comes to no end."""
    news.clear()
    try:
        yield
    except BaseException:
        news.set()
        raise
