"""What the next run of ffmpeg needs that the present one has not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import structlog

from services.worker.events import RunOutgrown

log = structlog.get_logger()

CUTS_ANYWHERE = "cuts-anywhere"
"""The name of an empty file in a session's spool: its stream has no keyframes."""
LATE_STREAMS = 3
"""So often a stream that comes late may cost a new run, for each kind: its packets may lie amid another's for ever."""


@dataclass(slots=True)
class Needs:
    """Files that are cut `anywhere`, which stands for the rest of the session."""

    anywhere: bool = False
    _late: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Give what is known of the session whose spool is `folder`."""
        return cls(anywhere=(folder / CUTS_ANYWHERE).exists())

    def take(self, event: RunOutgrown, folder: Path) -> bool:
        """Note what the run with its files in `folder` has not; say whether it is to be replaced for it."""
        if event.late is not None:
            self._late[event.late] += 1
            if self._late[event.late] > LATE_STREAMS:
                return False
        log.info("run_outgrown", why=event.why)
        if event.anywhere and not self.anywhere:
            self.anywhere = True
            (folder.parent / CUTS_ANYWHERE).touch()  # for the session's next worker here
        return True
