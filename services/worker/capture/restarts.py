"""How long to wait before ffmpeg is started again."""

from __future__ import annotations

from dataclasses import dataclass

GOOD_SECONDS = 10.0
"""A run of this length is a good one."""
PATIENT_SECONDS = 7.0
"""A run that brought nothing and lasted so long waited for a publisher, as it should."""
PAUSES = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
NOBODY_THERE_SECONDS = 1.0
"""The longest pause while nobody publishes: what fails then is the gateway, which may be back any moment."""


@dataclass(slots=True)
class Restarts:
    """At once after the first failure, then ever later, until a run was good or another publisher came."""

    failures: int = 0

    def after(self, *, lasted: float, had_media: bool, is_published: bool) -> float:
        """Give the pause (s) after a run that lasted so long (s)."""
        if lasted >= GOOD_SECONDS or (lasted >= PATIENT_SECONDS and not had_media):
            self.failures = 0
            return 0.0
        pause = PAUSES[min(self.failures, len(PAUSES) - 1)]
        self.failures += 1
        return pause if is_published else min(pause, NOBODY_THERE_SECONDS)

    def begin_anew(self) -> None:
        """Forget what failed: it was another publisher's stream."""
        self.failures = 0
