"""Fetches the channel's source for as long as that is wished for: again and again, whatever ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import structlog

from services.adapters.address_guard import AddressGuard
from services.domain.channel import Channel
from services.domain.clock import Clock
from services.domain.signing import Keyring, sign_publish
from services.puller import trouble
from services.puller.attempt import BROKEN, ENDED, GATEWAY, UNSUPPORTED, Attempt, Outcome
from services.puller.progress import Progress
from services.puller.trouble import Trouble
from services.puller.wish import Wish
from services.runtime.backoff import Backoff

log = structlog.get_logger()

_Result = TypeVar("_Result")

KEY_LIFE = timedelta(minutes=10)
"""A key is shown once, when the connection is made."""
FIRST_PAUSE, LONGEST_PAUSE, GOOD_RUN = 0.5, 15.0, 10.0  # seconds
_NOT_THE_SOURCES = (GATEWAY, BROKEN)
_CODES = {ENDED: trouble.ENDED, UNSUPPORTED: trouble.UNSUPPORTED}


@dataclass(slots=True, kw_only=True)
class Pulling:
    """The tries, one after the other; `publish_url` is our gateway's application."""

    wish: Wish
    guard: AddressGuard
    trouble: Trouble
    keyring: Keyring
    clock: Clock
    publish_url: str
    backoff: Backoff = field(default_factory=lambda: Backoff(FIRST_PAUSE, LONGEST_PAUSE, GOOD_RUN))
    _fetched: str = ""
    _progress: Progress = field(default_factory=Progress)

    async def run(self) -> None:
        """Fetch until nothing is wished for any more."""
        while (channel := self.wish.channel) is not None:
            self.wish.changed.clear()
            outcome = await self._until_changed(self._try(channel))
            if outcome is None:
                log.info("source_changed")
                self.backoff.begin_anew()
                continue
            pause = self.backoff.after(outcome.ran)
            if outcome.cause != ENDED or outcome.ran:  # said once, not at every look whether there is more
                log.warning("source_over", cause=outcome.cause, detail=outcome.detail, again_in_seconds=pause)
            await self._until_changed(asyncio.sleep(pause))

    async def _until_changed(self, work: Coroutine[None, None, _Result]) -> _Result | None:
        """Give what the work comes to; where the wish changes before, end it and give None."""
        tasks = asyncio.create_task(work), asyncio.create_task(self.wish.changed.wait())
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return tasks[0].result() if tasks[0].done() else None
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _try(self, channel: Channel) -> Outcome:
        if channel.source_url != self._fetched:
            has_ended = not self._fetched and await asyncio.to_thread(self.trouble.recorded) == trouble.ENDED
            self._fetched, self._progress = channel.source_url, Progress(is_over=has_ended, is_known=not has_ended)
        attempt = Attempt(
            guard=self.guard,
            publish=self._address(channel),
            runs=lambda: asyncio.to_thread(self.trouble.over),
            progress=self._progress,
        )
        outcome = await attempt.made(channel.source_url)
        if outcome.cause == ENDED or (not outcome.ran and outcome.cause not in _NOT_THE_SOURCES):
            code = _CODES.get(outcome.cause, trouble.UNAVAILABLE)
            await asyncio.to_thread(self.trouble.tell, code, outcome.detail)
        return outcome

    def _address(self, channel: Channel) -> str:
        """Give where to publish, signed for this one connection."""
        expires = min(self.clock.now() + KEY_LIFE, channel.outdate)
        sign = sign_publish(
            self.keyring,
            key_id=self.keyring.signer,
            channel_id=channel.id,
            expires=int(expires.timestamp()),
            key_version=channel.key_version,
        )
        return f"{self.publish_url}/{channel.id}?sign={sign}"
