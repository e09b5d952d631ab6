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
from services.puller.attempt import BROKEN, GATEWAY, UNSUPPORTED, Attempt, Outcome
from services.puller.backoff import Backoff
from services.puller.trouble import UNAVAILABLE, Trouble
from services.puller.trouble import UNSUPPORTED as UNSUPPORTED_SOURCE
from services.puller.wish import Wish

log = structlog.get_logger()

_Result = TypeVar("_Result")

KEY_LIFE = timedelta(minutes=10)
"""A key is shown once, when the connection is made."""
_NOT_THE_SOURCES = (GATEWAY, BROKEN)


@dataclass(slots=True, kw_only=True)
class Pulling:
    """The tries, one after the other; `publish_url` is our gateway's application."""

    wish: Wish
    guard: AddressGuard
    trouble: Trouble
    keyring: Keyring
    clock: Clock
    publish_url: str
    backoff: Backoff = field(default_factory=Backoff)

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
        attempt = Attempt(
            guard=self.guard, publish=self._address(channel), runs=lambda: asyncio.to_thread(self.trouble.over)
        )
        outcome = await attempt.made(channel.source_url)
        if not outcome.ran and outcome.cause not in _NOT_THE_SOURCES:
            code = UNSUPPORTED_SOURCE if outcome.cause == UNSUPPORTED else UNAVAILABLE
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
