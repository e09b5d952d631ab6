"""What happens when a worker this gateway started is no longer there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from services.domain.errors import SessionNotFound, Unavailable
from services.domain.ports import LeaseStore, SessionStore
from services.domain.session import Session
from services.gateway.launches import Launches
from services.runtime.giving_up import GivingUp

log = structlog.get_logger()

OnExit = Callable[[str, int], None]
"""How a launcher reports the end of a worker: session and return code, negative for a signal."""

QUEUE_EXITS = 4096
EXIT_LEASE = 3
"""How a worker ends when another holds, or took, the session's lease: `python -m services.worker`."""
EXITS_ASKED_FOR = (0, EXIT_LEASE)

GIVE_UP_FAILURES = 8
"""After so many workers in a row have died over finalising a session, half a minute by the backoff, it has failed: the
channel must not wait for it any longer. What it left stays in the spool."""


@dataclass(slots=True, kw_only=True)
class Exits:
    """Turns exits, reported by the launcher's thread, into a new start where the session still needs a worker.

    `giving_up` ends sessions that no worker ends. The queue is bounded; what does not fit is dropped, since the watch
    finds sessions without a worker.
    """

    loop: asyncio.AbstractEventLoop
    giving_up: GivingUp
    give_up_failures: int = GIVE_UP_FAILURES
    _queue: asyncio.Queue[tuple[str, int]] = field(default_factory=lambda: asyncio.Queue(QUEUE_EXITS))

    def reported(self, session_id: str, returncode: int) -> None:
        """Take an exit from the launcher's thread."""
        self.loop.call_soon_threadsafe(self._put, session_id, returncode)

    def _put(self, session_id: str, returncode: int) -> None:
        try:
            self._queue.put_nowait((session_id, returncode))
        except asyncio.QueueFull:
            log.warning("exit_dropped", session=session_id, queued=QUEUE_EXITS)

    async def handled(self) -> None:
        """Wait until all that was reported is handled."""
        await self._queue.join()

    async def run(self, sessions: SessionStore, leases: LeaseStore, launches: Launches) -> None:
        """Handle exits until cancelled; what state's absence leaves undone, the watch does when it is back."""
        while True:
            session_id, returncode = await self._queue.get()
            try:
                await self._handle(session_id, returncode, sessions, leases, launches)
            except Unavailable as error:
                log.warning("exit_not_handled", session=session_id, error=str(error))
            finally:
                self._queue.task_done()

    async def _handle(
        self, session_id: str, returncode: int, sessions: SessionStore, leases: LeaseStore, launches: Launches
    ) -> None:
        if launches.is_running(session_id):  # of two workers one is left: the successor, or the one that was leaving
            note = launches.ended if returncode in EXITS_ASKED_FOR else launches.failed
            note(session_id)
            log.info("worker_of_two_gone", session=session_id, returncode=returncode)
            return
        launches.failed(session_id)
        session = await asyncio.to_thread(_settle, session_id, returncode, sessions, leases)
        if session is None:
            return
        if session.closing and launches.failures(session_id) >= self.give_up_failures:
            await asyncio.to_thread(self.giving_up.give_up, session)
            log.error("session_failed", channel=session.channel_id, session=session_id)
            return
        launches.counts.lost()
        log.warning("worker_gone", channel=session.channel_id, session=session_id, returncode=returncode)
        launches.order(session)


def _settle(session_id: str, returncode: int, sessions: SessionStore, leases: LeaseStore) -> Session | None:
    """Give the session if it needs another worker, and free its lease of the dead one."""
    try:
        session = sessions.get(session_id)
    except SessionNotFound:
        return None
    if not session.state.is_open or returncode == EXIT_LEASE:
        return None
    lease = leases.get(session_id)
    if lease is not None and not lease.leaving:  # which may be another's, whose successor this one was to be
        # The process that held it is dead, and it was this gateway's own: nobody else has to wait for the expiry.
        leases.release(lease)
    return session
