"""The runs of a session's ffmpeg: each by the plan that stands when it begins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import structlog

from services.domain.capture import MediaPlan
from services.domain.secrets import Secret
from services.runtime import metrics
from services.worker.capture.capture_run import CaptureRun
from services.worker.capture.parts import Parts
from services.worker.delivery.playlists import Playlists
from services.worker.following import Following
from services.worker.succession.standby import Standby
from services.worker.succession.tenure import Tenure

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Runs:
    """Begins runs, and says when one must be replaced; `standby` captures already where this worker relieves another.

    `sound_only` is for the next run: the first try of each stream expects video.
    """

    following: Following
    tenure: Tenure
    playlists: Playlists
    parts: Parts
    source: Secret
    folder: Path
    standby: Standby | None
    sound_only: bool = False
    _number: int = 0

    def has_standby(self) -> bool:
        """Say whether a run waits to be adopted: what it has is nobody else's, even if this worker has to end now."""
        return self.standby is not None and not self.tenure.lost.is_set()

    async def begin(self) -> CaptureRun:
        """Give a run that captures: the one that stood by, or a new one; raise OSError if it cannot be started."""
        self.following.replanned.clear()
        self.playlists.adapt(self.following.plan())
        self.parts.outgrown.clear()
        standby, self.standby = self.standby, None
        if standby is not None:
            return standby.adopt(self.parts)
        run = self._new()
        await run.start()
        return run

    def _new(self) -> CaptureRun:
        if self._number:
            metrics.RESTARTS.inc()
        self._number += 1
        log.info("run_began", run=self._number, sound_only=self.sound_only)
        folder = self.folder / f"e{self.tenure.lease.epoch:04d}-r{self._number:06d}"
        return CaptureRun(
            source=self.source,
            media=self._media(),
            image_seconds=self.following.plan().image_seconds,
            sound_only=self.sound_only,
            folder=folder,
            steady=self.parts.steady,
            emit=partial(self.parts.take, folder=folder),
        )

    def is_outgrown(self) -> bool:
        """Say whether the present run cannot give what is wanted of it."""
        if self.parts.outgrown.is_set():
            self.parts.missing_cause = "not_listening"
            return True
        return False

    async def adapt(self, run: CaptureRun) -> bool:
        """Apply a changed plan to the running ffmpeg; say False where it takes a new one."""
        if not self.following.replanned.is_set():
            return True
        self.following.replanned.clear()
        plan, media = self.following.plan(), self._media()
        self.playlists.adapt(plan)
        if replace(media, full_tap=media.full_tap or run.media.full_tap) != run.media:
            self.parts.missing_cause = "not_listening"
            log.info("capture_replanned")
            return False
        if plan.image_seconds != run.image_seconds:
            await run.set_image_seconds(plan.image_seconds)
        return True

    def _media(self) -> MediaPlan:
        """Give the plan as this session can have it: its EXT-X-TARGETDURATION stands."""
        plan = self.following.plan()
        media = plan.media
        longest = self.playlists.target
        seconds = media.segment_seconds
        return replace(
            media,
            segment_seconds=seconds if seconds is None or longest is None else min(seconds, longest / 1.5),
            full_tap=media.full_tap or (self.parts.needs.all_packets and plan.image_seconds is not None),
            cuts_anywhere=self.parts.needs.anywhere,
        )
