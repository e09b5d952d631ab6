"""The arrival of a publisher: decided, contested where another is on air, and held until its worker listens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TypeVar

from services.domain.errors import StateUnavailable, Unavailable
from services.domain.session import Publisher, Session
from services.gateway.callback import Callback
from services.gateway.contest import Contest
from services.gateway.deciders import Deciders, Timing
from services.gateway.desk import Contested, Desk
from services.gateway.door import Door
from services.gateway.launches import Launches
from services.gateway.listeners import Listeners

ANSWER_SECONDS = 7.0
"""How long a decision may take: nginx itself refuses after 10 s, of which the hold takes its part."""

_Answer = TypeVar("_Answer")
_Connection = tuple[str, str]


@dataclass(slots=True, kw_only=True)
class Arrivals:
    """Lets publishers in, and hears of those that leave before they are in."""

    desk: Desk
    contest: Contest
    door: Door
    deciders: Deciders
    listeners: Listeners
    launches: Launches
    hold_seconds: float
    _gone: dict[_Connection, bool] = field(default_factory=dict)

    async def admit(self, callback: Callback, timing: Timing) -> Session:
        """Let a publisher on air, in place of a dead one if need be; raise PublishRefused or Unavailable.

        Where state does not answer in ANSWER_SECONDS, whatever is recorded later is taken back.
        """
        self.door.check()
        connection = (callback.gateway, callback.client_id)
        self._gone[connection] = False
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                session = await self._admit(callback, timing)
                if self._gone.get(connection):  # its departure may have been decided before its arrival was
                    await self._decided(callback, partial(self.desk.publisher_left, callback))
                return session
        except TimeoutError:
            raise StateUnavailable(f"state did not answer within {ANSWER_SECONDS:g} s") from None
        finally:
            self._gone.pop(connection, None)

    def left(self, callback: Callback) -> None:
        """Hear that a publisher is gone."""
        connection = (callback.gateway, callback.client_id)
        if connection in self._gone:
            self._gone[connection] = True

    async def hold(self, session: Session) -> bool:
        """Keep an admitted publisher waiting until its worker pulls; say whether it does."""
        publisher = session.publisher
        if publisher is None:
            return False
        if publisher.listening:
            return True
        self.launches.order(session)
        if not await self.listeners.wait(session.id, self.hold_seconds, publisher.gateway):
            return False
        try:
            heard = self.deciders.decide(session.channel_id, partial(self.desk.heard, session))
            async with asyncio.timeout(ANSWER_SECONDS - self.hold_seconds):
                return await heard is not None
        except (TimeoutError, Unavailable):  # without the mark the worker declares a gap that was none
            return False

    async def _admit(self, callback: Callback, timing: Timing) -> Session:
        is_listening = partial(self.listeners.is_listening, gateway=callback.gateway)
        enter = partial(self.desk.admit, callback, is_listening)
        try:
            return await self._decided(callback, partial(timing.measured, enter))
        except Contested as contested:
            connection = (callback.gateway, callback.client_id)
            silent = await self.contest.won(contested, is_gone=lambda: self._gone.get(connection, False))
            await self._record_lost(callback, contested.session_id, contested.publisher, silent)
            return await self._decided(callback, partial(timing.measured, enter))

    async def _record_lost(self, callback: Callback, session_id: str, publisher: Publisher, silent: float) -> None:
        """Record the end of who was dropped, unless nginx has told of it by now: when it fell silent."""
        since = self.desk.clock.now() - timedelta(seconds=silent)
        lost = partial(self.desk.lost, session_id, publisher.gateway, publisher.client_id, since)
        if await self._decided(callback, lost) is not None:
            self.listeners.publisher_left(session_id)

    async def _decided(self, callback: Callback, decide: Callable[[], _Answer]) -> _Answer:
        return await self.deciders.decide(callback.channel_id, decide)

    async def tell(self, contested: Contested, callback: Callback) -> None:
        """Let the owner see that a second publisher was refused."""
        with contextlib.suppress(Unavailable):
            await self._decided(callback, partial(self.desk.turned_away, contested, callback.address))

    async def take_back(self, callback: Callback) -> None:
        """Undo an admission of which nobody knows whether it was recorded; the watch does it where this cannot."""
        with contextlib.suppress(Unavailable):
            await self._decided(callback, partial(self.desk.publisher_left, callback))
