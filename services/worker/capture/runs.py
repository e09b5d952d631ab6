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

    `sound_only` and `has_ring` are for the next run: the first try of each stream expects video, in H.264. `current` is
    the run that captures, or the last one that did.
    """

    following: Following
    tenure: Tenure
    playlists: Playlists
    parts: Parts
    source: Secret
    folder: Path
    standby: Standby | None
    sound_only: bool = False
    has_ring: bool = True
    current: CaptureRun | None = None
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
            self.current = standby.adopt(self.parts)
            self.current.set_images(self.following.plan().images)  # they may have changed while it stood by
            return self.current
        run = self._new()
        self.parts.anchored = run.set_anchor
        await run.start()
        self.current = run
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
            images=self.following.plan().images,
            session=self.following.session.id,
            sound_only=self.sound_only,
            has_ring=self.has_ring,
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

    def adapt(self, run: CaptureRun) -> bool:
        """Apply a changed plan to the running ffmpeg; say False where it takes a new one."""
        if not self.following.replanned.is_set():
            return True
        self.following.replanned.clear()
        plan, media = self.following.plan(), self._media()
        self.playlists.adapt(plan)
        if media != run.media:
            self.parts.missing_cause = "not_listening"
            log.info("capture_replanned")
            return False
        if plan.images != run.images:
            log.info("images_changed", seconds=plan.images.seconds, quality=plan.images.quality)
            run.set_images(plan.images)
            self.parts.manifest.set(images=None)  # until there are pictures at the new pace
        return True

    def _media(self) -> MediaPlan:
        """Give the plan as this session can have it: its EXT-X-TARGETDURATION stands."""
        media = self.following.plan().media
        longest = self.playlists.target
        seconds = media.segment_seconds
        return replace(
            media,
            segment_seconds=seconds if seconds is None or longest is None else min(seconds, longest / 1.5),
            cuts_anywhere=self.parts.needs.anywhere,
        )
