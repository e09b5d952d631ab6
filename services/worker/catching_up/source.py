"""One gateway that may keep something of a session, read over as many tries as it takes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from services.domain.session import Session
from services.worker.catching_up import backlog
from services.worker.catching_up.backlog import NoBacklog
from services.worker.catching_up.stretch import Listed

TRIES = 3
"""So often a gateway that does not answer is asked although its row is old, and files are read for what must come."""
EARLIER_SECONDS = 15.0
"""So much earlier than what is missing a file may have ended."""


@dataclass(slots=True, kw_only=True)
class Source:
    """Fetches from the gateway at `url` into `folder`; `files` are whole once it `is_read`, oldest first.

    `is_alive` says what its row tells, and `problem` what is in the way. What was fetched by one try the next one has.
    """

    url: str
    folder: Path
    is_alive: bool
    is_read: bool = False
    problem: NoBacklog | None = None
    files: list[tuple[Listed, Path]] = field(default_factory=list)
    _known: dict[str, tuple[Listed, Path]] = field(default_factory=dict)

    async def read(self, session: Session, since: float) -> None:
        """Fetch what there is from `since` on (epoch s), unless that is done, and note what is in the way."""
        if self.is_read:
            return
        try:
            async with backlog.opened(self.url, session.channel_id, session.pull_token) as at_gateway:
                files = [file for file in await at_gateway.files() if file.ended_at > since - EARLIER_SECONDS]
                await asyncio.to_thread(partial(self.folder.mkdir, parents=True, exist_ok=True))
                self.files = await backlog.fetched(at_gateway, files, self.folder, self._known)
            self.is_read, self.problem = True, None
        except NoBacklog as error:
            self.problem = error

    def is_waited_for(self, tries: int) -> bool:
        """Say whether it may give after so many tries what it has not given so far."""
        problem = self.problem
        if self.is_read or problem is None or not problem.is_passing:
            return False
        return self.is_alive or problem.is_answer or tries < TRIES
