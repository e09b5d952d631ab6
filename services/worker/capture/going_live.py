"""What is to be said when a part begins: that media arrives, and what is missing before it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from services.domain.manifest import Part
from services.worker.capture.before import Missed, gaps_before
from services.worker.capture.steady_clock import SteadyClock
from services.worker.delivery.manifest_keeper import ManifestKeeper
from services.worker.following import Following
from services.worker.succession.ledger import Ledger


@dataclass(slots=True, kw_only=True)
class GoingLive:
    """Says it beside the capture, which does not wait for state."""

    following: Following
    manifest: ManifestKeeper
    ledger: Ledger
    steady: SteadyClock
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def begin(self, part: Part, missed: Missed) -> None:
        """Begin to say it of a part."""
        task = asyncio.create_task(self._say(part, missed), name="went live")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def said(self) -> None:
        """Wait until all is said."""
        await asyncio.gather(*self._tasks)

    async def _say(self, part: Part, missed: Missed) -> None:
        await self.following.went_live()
        self.manifest.follow(self.following.session)
        gaps = gaps_before(part, missed, self.following, self.steady)
        self.following.news.missed(part, gaps)
        for gap in gaps:
            if gap.outputs:
                self.ledger.declared(gap)  # the manifest is written later, and a kill may come first
            self.manifest.declare_gap(gap)
