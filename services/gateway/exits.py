"""What happens when a worker this gateway started is no longer there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import structlog

from services.domain.errors import SessionNotFound, Unavailable
from services.domain.ports import LeaseStore
from services.gateway.desk import Desk
from services.gateway.launches import Launches

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Exits:
    """Turns exits, reported by the launcher's thread, into a new start where the session still needs a worker.

    The queue holds at most one exit a worker, and the launcher starts at most one worker a session.
    """

    loop: asyncio.AbstractEventLoop
    _queue: asyncio.Queue[tuple[str, int]] = field(default_factory=lambda: asyncio.Queue(4096))

    def reported(self, session_id: str, returncode: int) -> None:
        """Take an exit from the launcher's thread."""
        self.loop.call_soon_threadsafe(self._queue.put_nowait, (session_id, returncode))

    async def run(self, desk: Desk, leases: LeaseStore, launches: Launches) -> None:
        """Handle exits until cancelled; what state's absence leaves undone, the watch does when it is back."""
        while True:
            session_id, returncode = await self._queue.get()
            try:
                await self._handle(session_id, returncode, desk, leases, launches)
            except Unavailable as error:
                log.warning("exit_not_handled", session=session_id, error=str(error))

    async def _handle(
        self, session_id: str, returncode: int, desk: Desk, leases: LeaseStore, launches: Launches
    ) -> None:
        try:
            session = await asyncio.to_thread(desk.sessions.get, session_id)
        except SessionNotFound:
            return
        if not session.state.is_open:
            return
        log.warning("worker_gone", channel=session.channel_id, session=session_id, returncode=returncode)
        lease = await asyncio.to_thread(leases.get, session_id)
        if lease is not None:
            # The process that held it is dead, and it was this gateway's own: nobody else has to wait for the expiry.
            await asyncio.to_thread(leases.release, lease)
        launches.failed(session_id)
