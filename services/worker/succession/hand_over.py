"""The way out of a worker that shall go while its publisher stays: a successor goes on at a keyframe both saw."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

import structlog

from services.domain import times
from services.domain.errors import LeaseLost, StateUnavailable
from services.runtime.shutdown import Stop
from services.worker.capture.parts import Parts
from services.worker.events import KeyframeSeen
from services.worker.following import Following
from services.worker.gateway_address import GatewayAddress
from services.worker.succession.tenure import Tenure

log = structlog.get_logger()

TELL_SECONDS = 2.0
FIND_SECONDS = 2.0
"""How long a keyframe that the successor has seen may take to arrive here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """Where the successor begins: at the keyframe `after` seconds from the one it named, whose time is `at` (epoch s).

    `last_picture` is when the last picture was taken (epoch s).
    """

    after: float
    at: float
    last_picture: float | None = None


@dataclass(slots=True, kw_only=True)
class HandOver:
    """Waits for a stop, and with a publisher on air then for a successor, at most `seconds`; sets `go` at last.

    The gateway that has the publisher is asked for the successor. `reachable` is set when the lease says where this
    worker answers.
    """

    stop: Stop
    go: asyncio.Event
    following: Following
    tenure: Tenure
    parts: Parts
    gateway: GatewayAddress
    seconds: float
    reachable: asyncio.Event = field(default_factory=asyncio.Event)
    _leaving: bool = False
    _taken: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Let the worker go when it may."""
        await self.stop.wait()
        try:
            if self._has_something_to_hand_over():
                await self._leave()
        finally:
            self.go.set()

    def _has_something_to_hand_over(self) -> bool:
        """Say whether somebody should go on; a worker that has only just begun may have no part yet."""
        is_on_air = self.parts.is_open or self.following.session.publisher is not None
        is_needed = is_on_air and not self.following.due.is_set() and not self.tenure.lost.is_set()
        return is_needed and not self.stop.at_once.is_set() and self.seconds > 0

    async def _leave(self) -> None:
        """Say that this worker goes, and stay until it is relieved or has nothing more to hand over."""
        self._leaving = True
        log.info("leaving", session=self.following.session.id, seconds=self.seconds)
        # A part that is over has nobody to hand over to; before the first one there is no such end.
        closed = (self.parts.closed,) if self.parts.is_open else ()
        over = (self.stop.at_once, self.following.due, self.tenure.lost, self._taken, *closed)
        telling = asyncio.create_task(self._say_so(), name="leaving")
        waits = [asyncio.create_task(event.wait()) for event in over]
        try:
            await asyncio.wait(waits, timeout=self.seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (telling, *waits):
                task.cancel()
            await asyncio.gather(telling, *waits, return_exceptions=True)
        if not self._taken.is_set():
            self._leaving = False
            log.info("no_successor", session=self.following.session.id)

    async def _say_so(self) -> None:
        """Mark the lease, which the gateway's watch reads, and tell the callback app, which makes it prompt."""
        await self.reachable.wait()
        with contextlib.suppress(StateUnavailable, LeaseLost):
            await self.tenure.renew(leaving=True)
        for control_url in await self.gateway.control_urls(self.following.session):
            if await self._is_heard(control_url):
                return

    async def _is_heard(self, control_url: str) -> bool:
        """Tell one callback app, and say whether it has understood."""
        import httpx  # noqa: PLC0415 - late: most workers never need it

        session = self.following.session
        try:
            async with httpx.AsyncClient(timeout=TELL_SECONDS, trust_env=False) as http:
                answer = await http.post(
                    f"{control_url}/sessions/{session.id}/successor",
                    headers={"Authorization": f"Bearer {session.pull_token.reveal()}"},
                )
                answer.raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.info("successor_not_asked_for", session=session.id, url=control_url, error=repr(error))
            return False
        return True

    async def take(self, theirs: KeyframeSeen) -> HandedOver | None:
        """End this worker's part at the first keyframe from `theirs` on that is still in its hands; None: it cannot.

        What was shipped before stays, so that may be a later keyframe than the one that the successor has seen.
        """
        keyframes, parts = self.parts.keyframes, self.parts
        ours = await keyframes.soon(lambda: keyframes.same_as(theirs), FIND_SECONDS)
        if ours is None or not self._is_relievable():
            return None
        last = await keyframes.soon(lambda: keyframes.from_(max(ours.pts, parts.reach())), FIND_SECONDS)
        if last is None or not self._is_relievable():
            return None
        parts.until = last.pts
        at, picture = parts.moment(last.pts).timestamp(), parts.last_picture()
        log.info("handing_over", session=self.following.session.id, at=times.text(parts.moment(last.pts)))
        self._taken.set()
        self.go.set()
        await parts.closed.wait()
        return HandedOver(after=last.pts - ours.pts, at=at, last_picture=picture)

    def _is_relievable(self) -> bool:
        return self._leaving and not self._taken.is_set() and self.parts.is_open
