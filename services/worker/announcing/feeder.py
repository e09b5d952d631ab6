"""Brings announcements from the journal into the outbox, in their order and each under the next free number."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from services.domain.errors import SequenceTaken, StateUnavailable
from services.domain.event import Event, stream_of
from services.domain.outbox import APPEND_MAX, Outbox
from services.runtime import metrics
from services.worker.announcing.announcement import Announcement
from services.worker.announcing.journal import Journal
from services.worker.delivery.patience import Patience

log = structlog.get_logger()

BATCH_BYTES = 128 * 1024
"""An outbox may keep what is appended together as one record, of which DynamoDB holds 400 KB."""
_READ = 100
_TRIES = 8


@dataclass(slots=True, kw_only=True)
class Feeder:
    """Feeds one session's stream; `check` raises LeaseLost once this worker may write no more.

    Numbers follow from how far the journal says it came, so that what was appended before a kill is appended again
    under the same ones, which changes nothing.
    """

    outbox: Outbox
    journal: Journal
    patience: Patience
    check: Callable[[], None]
    channel_id: str
    session_id: str
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def notice(self) -> None:
        """Take note that there is something to bring."""
        self._news.set()

    async def run(self) -> None:
        """Bring what comes, until cancelled; raise LeaseLost."""
        while True:
            await self.flush()
            await self._news.wait()

    async def flush(self) -> None:
        """Bring all that waits, however long state is away; raise LeaseLost."""
        async with self._lock:
            self._news.clear()
            while batch := self.journal.waiting(APPEND_MAX, BATCH_BYTES):
                announcements = [announcement for _, announcement in batch]
                append = partial(self._append, announcements, self.journal.sequence)
                sequence = await self.patience.blocking(append)
                self.journal.told(batch[-1][0], sequence)
                metrics.EVENTS.inc(len(batch))

    def next_event(self, announcement: Announcement) -> Event:
        """Give an announcement as the event that comes next, for a transaction; it is asked of state, and blocks."""
        sequence = self.outbox.last(self._stream) + 1
        return announcement.event(self.channel_id, self.session_id, sequence)

    @property
    def _stream(self) -> str:
        return stream_of(self.channel_id, self.session_id)

    def _append(self, announcements: Sequence[Announcement], newest: int) -> int:
        """Append after the number `newest`, or after those that others took; give the newest number then."""
        self.check()
        left = list(announcements)
        for _ in range(_TRIES):
            numbered = enumerate(left, newest + 1)
            try:
                self.outbox.append([each.event(self.channel_id, self.session_id, number) for number, each in numbered])
            except SequenceTaken as taken:
                newest, known = self._catch_up(newest)
                left = [each for each in left if each.id not in known]
                log.info("events_numbered_anew", after=newest, why=str(taken))
            else:
                return newest + len(left)
        raise StateUnavailable("others keep appending to the same stream of events")

    def _catch_up(self, newest: int) -> tuple[int, set[str]]:
        """Give the stream's newest number, and which events it has beyond the one known so far."""
        known: set[str] = set()
        reached = newest
        while events := self.outbox.read(self._stream, reached, _READ):
            known |= {event.id for event in events}
            reached = events[-1].sequence
        return (reached if known else self.outbox.last(self._stream)), known
