"""Passages captured one after the other, each as a part of the session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from services.domain.artifact import Kind
from services.worker.capture.before import Before
from services.worker.capture.parts import Parts
from services.worker.catching_up.passages import Passage
from services.worker.catching_up.replay import Replay
from services.worker.catching_up.stretch import Joined
from services.worker.events import CaptureEvent, ClockSet, FileClosed
from services.worker.following import Following

log = structlog.get_logger()

FIRST_SECONDS = 5.5
"""A connection's second file begins later than this after it was let in: nginx cuts no sooner than after 5 s."""
KILLED = -9
SHORT_SECONDS = 1.0
"""By how much what was captured may end before the passage does."""


@dataclass(slots=True, kw_only=True)
class Passing:
    """Captures passages into `folder`, the session's in the spool.

    `last_picture` is when the last one was taken (epoch s), and `is_whole` says that the last passage came to its end.
    """

    following: Following
    parts: Parts
    folder: Path
    epoch: int
    last_picture: float | None = None
    is_whole: bool = True
    _count: int = 0

    async def capture(self, passages: Sequence[Passage], fetched: Path) -> None:
        """Capture them all; what they are joined to for that lies in `fetched`. Raise OSError."""
        self.is_whole = True
        for passage in passages:
            self._count += 1
            source = fetched / f"joined-{self._count}.flv"
            await asyncio.to_thread(Joined(passage.stretch, passage.begin, passage.until).write, source)
            await self._capture_one(passage, source)
            await asyncio.to_thread(source.unlink)

    async def _capture_one(self, passage: Passage, source: Path) -> None:
        clock, end = passage.clock(), None
        if passage.until is not None:
            end = (passage.until.pts - passage.begin.dts) / 1000
        folder = self.folder / f"e{self.epoch:04d}-b{self._count:06d}"
        opening = _Opening(self, passage, clock, folder)
        log.info("backlog_replayed", seconds=round(passage.end - clock.anchor - clock.first, 3))
        code = KILLED
        self.is_whole = False
        try:
            code = await self._replay(source, folder, clock, end, opening.take).run()
            self.is_whole = code == 0 and self._is_near_the_end(passage, clock.anchor + opening.reach)
        finally:
            if opening.is_open:
                await self.parts.close(code, folder, end=end if self.is_whole else None, goes_on=True)
            else:
                log.warning("backlog_unreadable", returncode=code)
            if not self.is_whole:
                self.parts.before = Before.UNKNOWN

    def _is_near_the_end(self, passage: Passage, reach: float) -> bool:
        """Say whether ffmpeg has read on to the end, as its files tell (epoch s); the last frame may stand long."""
        media = self.following.plan().media
        if media.recording_seconds is None and media.segment_seconds is None:
            return True
        keys = [key.pts for key in passage.stretch.keys if passage.until is None or key.pts < passage.until.pts]
        last = passage.epoch + max(keys) / 1000
        return reach >= min(last, passage.end - SHORT_SECONDS)

    def open(self, passage: Passage, clock: ClockSet, folder: Path) -> None:
        """Begin the part."""
        if self.parts.before is not Before.JOINED:
            self.parts.before = self._before(passage)
        self.parts.anchored = lambda _: None
        self.parts.take(clock, folder)

    def _replay(
        self, source: Path, folder: Path, clock: ClockSet, end: float | None, take: Callable[[CaptureEvent], None]
    ) -> Replay:
        plan = self.following.plan()
        return Replay(
            source=source,
            media=plan.media,
            images=plan.images,
            session=self.following.session.id,
            folder=folder,
            anchor=clock.anchor,
            end=end,
            last_picture=None if self.last_picture is None else self.last_picture - clock.anchor,
            emit=take,
        )

    def _before(self, passage: Passage) -> Before:
        """Say what is known of the time before a passage that does not join the last part."""
        session, stretch = self.following.session, passage.stretch
        publisher, is_first = session.publisher, stretch.has_first(passage.begin)
        if publisher is not None and stretch.connection == (publisher.gateway, publisher.client_id):
            is_whole = is_first and stretch.began_at < publisher.accepted_at.timestamp() + FIRST_SECONDS
            return Before.HEARD if is_whole else Before.UNKNOWN
        is_whole = is_first and stretch.began_at < session.started_at.timestamp() + FIRST_SECONDS
        return Before.EARLIER if is_whole else Before.LATE


@dataclass(slots=True)
class _Opening:
    """Begins a passage's part with its first file: what ffmpeg cannot read is none."""

    passing: Passing
    passage: Passage
    clock: ClockSet
    folder: Path
    is_open: bool = False
    reach: float = 0.0
    """Up to where there is a file of what ffmpeg writes, or a picture where it writes nothing (PTS, s)."""
    _early: list[CaptureEvent] = field(default_factory=list)

    def take(self, event: CaptureEvent) -> None:
        self._early.append(event)
        if isinstance(event, FileClosed):
            if event.kind is Kind.SNAPSHOT:
                self.passing.last_picture = self.clock.anchor + event.start
            self.reach = max(self.reach, event.end)
            if not self.is_open:
                self.is_open = True
                self.passing.open(self.passage, self.clock, self.folder)
        if self.is_open:
            early, self._early = self._early, []
            for each in early:
                self.passing.parts.take(each, self.folder)
