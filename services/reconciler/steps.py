"""What is done beside the sweeps: each step a bounded share of something that may take long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from services.domain.errors import Unavailable
from services.reconciler.counts import Counts

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One such thing; `run` blocks and does a share of it."""

    name: str
    run: Callable[[], None]

    def take(self, counts: Counts) -> None:
        """Do a share; what is unavailable is tried again the next time."""
        try:
            self.run()
        except Unavailable as error:
            counts.failed(self.name)
            log.warning("step_failed", step=self.name, error=str(error))
