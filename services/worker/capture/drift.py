"""How far a part's media clock runs from time: in the manifest, as a metric, and in the log where it is much."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from services.runtime import metrics
from services.worker.delivery.manifest_keeper import ManifestKeeper

log = structlog.get_logger()

MUCH_SECONDS = 1.0
NOTED_SECONDS = 0.1
"""The manifest is not written anew for less."""


@dataclass(slots=True)
class Drift:
    """Notes the drift of one part after the other (s)."""

    manifest: ManifestKeeper
    _noted: tuple[int, float] = (-1, 0.0)
    _told: int = -1

    def seen(self, part: int, seconds: float) -> None:
        """Take what was measured of a part just now."""
        metrics.DRIFT_SECONDS.set(seconds)
        if abs(seconds) >= MUCH_SECONDS and self._told != part:
            self._told = part
            log.warning("media_drifts", part=part, seconds=round(seconds, 3))
        known = self._noted[1] if self._noted[0] == part else 0.0
        if abs(seconds - known) >= NOTED_SECONDS:
            self._noted = (part, seconds)
            self.manifest.change_part(part, drift=round(seconds, 3))
