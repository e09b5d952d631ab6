"""Tells a session's worker to read its state again, so that it need not wait for its next reading."""

from __future__ import annotations

import asyncio

import httpx
import structlog

from services.domain.ports import LeaseStore
from services.domain.session import Session

log = structlog.get_logger()
TIMEOUT_SECONDS = 1.0


class Workers:
    """The private calls to workers; a call that is lost is made up for by the worker's own reading every 2 s."""

    def __init__(self, leases: LeaseStore) -> None:
        """Find workers by their leases."""
        self._leases = leases
        self._http = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)

    async def refresh(self, session: Session) -> None:
        """Tell the worker, if it answers anywhere."""
        lease = await asyncio.to_thread(self._leases.get, session.id)
        if lease is None or not lease.control_url:
            return
        try:
            answer = await self._http.post(
                f"{lease.control_url}/refresh", headers={"Authorization": f"Bearer {session.pull_token.reveal()}"}
            )
            answer.raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.info("worker_not_told", session=session.id, error=repr(error))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()
