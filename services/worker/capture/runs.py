"""The runs of a session's ffmpeg: each by the plan that stands when it begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import structlog

from services.domain.capture import MediaPlan
from services.domain.secrets import Secret
from services.runtime import metrics
from services.worker.capture.capture_run import CaptureRun
from services.worker.capture.held import Held
from services.worker.capture.parts import Parts
from services.worker.delivery.playlists import Playlists
from services.worker.events import CaptureEvent, ClockSet
from services.worker.following import Following
from services.worker.gateway_address import GatewayAddress
from services.worker.succession.standby import Standby
from services.worker.succession.tenure import Tenure

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Runs:
    """Begins runs, and says when one must be replaced; `standby` captures already where this worker relieves another.

    `sound_only` and `has_ring` are for the next run: the first try of each stream expects video, in H.264. `current`
    is the run that captures, or the last one that did. `held` has what a run tells that nobody hears yet, and
    `relieving` is the standby whose run that is.
    """

    following: Following
    tenure: Tenure
    playlists: Playlists
    parts: Parts
    gateway: GatewayAddress
    folder: Path
    standby: Standby | None
    sound_only: bool = False
    has_ring: bool = True
    current: CaptureRun | None = None
    held: Held | None = None
    relieving: Standby | None = None
    _source: Secret | None = None
    _number: int = 0

    def has_standby(self) -> bool:
        """Say whether a run waits to be adopted: what it has is nobody else's, even if this worker has to end now."""
        return self.standby is not None and not self.tenure.lost.is_set()

    async def begin(self) -> CaptureRun:
        """Give a run that captures: the one that stood by, or a new one; raise OSError if it cannot be started."""
        self.following.replanned.clear()
        self.playlists.adapt(self.following.plan())
        self.parts.outgrown.clear()
        standby, self.standby, self.held, self.relieving = self.standby, None, None, None
        if standby is not None:
            return self._relieve(standby)
        self.current = None  # nobody may ask it for pictures before it is known of which part they are
        self._source = await self.gateway.source(self.following.session)
        self.held = Held(has_keyframes=not self.sound_only and not self.parts.needs.anywhere)
        run = self._new(self._source, self.held)
        await run.start()
        return run

    def _relieve(self, standby: Standby) -> CaptureRun:
        """Go on with the run that stood by; where its part begins is to be seen, unless it was handed over to."""
        run = standby.run
        run.set_images(self.following.plan().images)  # they may have changed while it stood by
        if standby.is_handed_over_to:
            standby.adopt(self.parts)
            self.current = run
        else:
            self.current, self.held, self.relieving = None, standby.held, standby
        return run

    def release(self, run: CaptureRun, clock: ClockSet | None, is_wanted: Callable[[CaptureEvent], bool]) -> None:
        """Let the run's events be heard, what it has told before first, by this clock."""
        assert self.held is not None  # noqa: S101 - it was begun
        self.current = run
        if self.relieving is not None and clock is self.held.clock:
            self.relieving.adopt(self.parts)  # the times alone tell where its part begins
            return
        self.parts.anchored, self.parts.keyframes = run.set_anchor, self.held.keyframes
        self.held.release(partial(self.parts.take, folder=run.folder), clock, is_wanted)

    @property
    def hears_media(self) -> bool:
        """Say whether media arrives, be it that nobody hears it yet."""
        return self.parts.hears_media or (self.held is not None and self.held.hears_media)

    async def is_elsewhere(self) -> bool:
        """Say whether the publisher has come to another gateway than the present run pulls from."""
        session = self.following.session
        if session.publisher is None or self._source is None:
            return False
        source = await self.gateway.source(session)
        return source.reveal() != self._source.reveal()

    def _new(self, source: Secret, held: Held) -> CaptureRun:
        if self._number:
            metrics.RESTARTS.inc()
        self._number += 1
        log.info("run_began", run=self._number, sound_only=self.sound_only)
        return CaptureRun(
            source=source,
            media=self._media(),
            images=self.following.plan().images,
            session=self.following.session.id,
            sound_only=self.sound_only,
            has_ring=self.has_ring,
            folder=self.folder / f"e{self.tenure.lease.epoch:04d}-r{self._number:06d}",
            steady=self.parts.steady,
            emit=held.take,
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
