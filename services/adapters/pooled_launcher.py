"""Workers out of the warm pool, as long as there are any."""

from __future__ import annotations

import httpx
import structlog

from services.domain.clock import Clock
from services.domain.pool import IdleWorker, WorkerPool
from services.domain.ports import Launcher, LaunchOrder

log = structlog.get_logger()

TOLD_SECONDS = 0.5
"""How long an idle worker may take to answer that it is claimed."""
CLAIMS_MAX = 3
"""Idle workers tried before a new one is started: their rows live on for half a minute when they die."""


class PooledLauncher:
    """Gives a session to a worker that waits, else starts one through `launcher`."""

    def __init__(self, launcher: Launcher, pool: WorkerPool, clock: Clock) -> None:
        """Ask nothing yet."""
        self._launcher, self._pool, self._clock = launcher, pool, clock
        self._http = httpx.Client(timeout=TOLD_SECONDS, trust_env=False)

    def launch(self, order: LaunchOrder) -> None:
        """Claim an idle worker, or start one; raise LaunchFailed or StateUnavailable.

        The claim itself makes the session that worker's; one that does not answer is given up all the same, and should
        it live, it finds the session to be another's.
        """
        for _ in range(CLAIMS_MAX if order.size is None else 0):
            worker = self._pool.claim(order.channel_id, order.session_id, zone=order.zone, now=self._clock.now())
            if worker is None:
                break
            if self._is_told(worker, order):
                log.info("idle_worker_claimed", channel=order.channel_id, session=order.session_id, worker=worker.id)
                return
        self._launcher.launch(order)

    def running(self) -> frozenset[str] | None:
        """Give what the launcher knows."""
        return self._launcher.running()

    def kill(self, session_id: str) -> None:
        """End what the launcher knows."""
        self._launcher.kill(session_id)

    def stop(self, deadline_seconds: float) -> None:
        """Close the connections to workers, which live on."""
        del deadline_seconds
        self._http.close()

    def _is_told(self, worker: IdleWorker, order: LaunchOrder) -> bool:
        """Tell a worker whose it is; it needs no token, since its row in state is what it believes."""
        claim = {"channel": order.channel_id, "session": order.session_id}
        try:
            self._http.post(f"{worker.control_url}/claim", json=claim).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.warning("idle_worker_silent", session=order.session_id, worker=worker.id, error=repr(error))
            return False
        return True
