"""The gateway's door: shut from when it drains, so that publishers go to another."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from services.domain.errors import PublishRefused


@dataclass(slots=True)
class Door:
    """Whether publishers are let in; used in the event loop alone."""

    shut_since: datetime | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_shut(self) -> bool:
        """Say whether nobody is let in."""
        return self.shut_since is not None

    def shut(self, now: datetime) -> None:
        """Let nobody in any more."""
        if self.shut_since is None:
            self._turn(now)

    def open(self) -> None:
        """Let publishers in again."""
        if self.shut_since is not None:
            self._turn(None)

    def _turn(self, shut_since: datetime | None) -> None:
        self.shut_since = shut_since
        self._changed.set()
        self._changed = asyncio.Event()

    async def turned(self) -> None:
        """Wait until it is shut, or opened, the next time."""
        await self._changed.wait()

    def check(self) -> None:
        """Raise PublishRefused while it is shut."""
        if self.is_shut:
            raise PublishRefused("draining", "this gateway is about to go; try again, another takes the publisher")
