"""Says in the session's state that the store does not answer, and that it does again; capture goes on meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass

from services.domain.clock import Clock
from services.domain.errors import StateUnavailable
from services.domain.session import Reason, Session
from services.runtime.beat import until_beat
from services.worker.delivery.manifest_keeper import ManifestKeeper
from services.worker.delivery.patience import Patience
from services.worker.following import Following

CODE = "store_unavailable"
LOOK_SECONDS = 2.0
PATIENT_SECONDS = 3.0
DETAIL_CHARACTERS = 300


@dataclass(slots=True, kw_only=True)
class StoreWatch:
    """Compares what is known of the store with what state says, again and again: others write there too.

    A store that is away for less than `patient_seconds` is not worth a word.
    """

    patience: Patience
    following: Following
    manifest: ManifestKeeper
    clock: Clock
    patient_seconds: float = PATIENT_SECONDS

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await asyncio.sleep(until_beat(LOOK_SECONDS))
            await self.look()

    async def look(self) -> None:
        """Compare once."""
        if self._must_say() or self._must_take_back():
            with contextlib.suppress(StateUnavailable):  # the next look comes soon
                await self.following.change(self._said)
                self.manifest.follow(self.following.session)

    def _must_say(self) -> bool:
        return self.following.session.state_reason is None and self._is_away()

    def _must_take_back(self) -> bool:
        told = self.following.session.state_reason
        return told is not None and told.code == CODE and not self.patience.is_away

    def _said(self, session: Session) -> Session | None:
        """Say what is so now; what others have said of the session weighs more."""
        told = session.state_reason
        if told is None and self._is_away():
            detail = f"files wait in the spool, capture goes on: {self.patience.trouble}"[:DETAIL_CHARACTERS]
            return session.remarked(Reason(code=CODE, detail=detail, since=self.clock.now()))
        if told is not None and told.code == CODE and not self.patience.is_away:
            return session.remarked(None)
        return None

    def _is_away(self) -> bool:
        since = self.patience.away_since
        return since is not None and time.monotonic() - since >= self.patient_seconds
