"""A worker that captures already while another, which is leaving, still holds the session."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Self

import structlog

from services.domain.artifact import Kind
from services.domain.capture import CapturePlan
from services.domain.errors import LeaseHeld, StateUnavailable
from services.domain.secrets import Secret
from services.domain.session import Lease, Session
from services.worker.capture.capture_run import CaptureRun
from services.worker.capture.held import Held
from services.worker.capture.parts import Parts
from services.worker.capture.steady_clock import SteadyClock
from services.worker.delivery.parcel import discard
from services.worker.events import CaptureEvent, ClockSet, FileClosed, KeyframeSeen
from services.worker.pictures.keyframes import Keyframes
from services.worker.succession.claim import Claim
from services.worker.succession.hand_over import HandedOver

log = structlog.get_logger()

ASK_SECONDS = 15.0
"""How long the one that leaves may take to find a keyframe and to stop its ffmpeg."""
CLAIM_SECONDS = 0.3
OVERLAP_SECONDS = 120.0
ANSWER_SECONDS = 0.5


@dataclass(slots=True, kw_only=True)
class Standby:
    """One run of ffmpeg of which the events wait for `adopt`; `source` and `plan` are the session's."""

    source: Secret
    plan: CapturePlan
    folder: Path
    held: Held = field(default_factory=Held)
    _run: CaptureRun | None = None
    _named: KeyframeSeen | None = None
    _handed_over: HandedOver | None = None
    _parts: Parts | None = None
    _previous_end: datetime | None = None

    async def __aenter__(self) -> Self:
        """Begin to capture."""
        self._run = CaptureRun(
            source=self.source,
            media=self.plan.media,
            images=self.plan.images,
            session=self.folder.parent.name,
            sound_only=False,
            folder=self.folder,
            steady=SteadyClock.of(self.folder.parent),
            emit=self._take,
        )
        await self._run.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End what runs."""
        await self.end()

    async def end(self) -> None:
        """End ffmpeg and its child, wherever they stand."""
        if self._run is not None:
            await self._run.stop()
            await self._run.wait()

    @property
    def keyframes(self) -> Keyframes:
        """Give what it has seen of the stream so far."""
        return self.held.keyframes

    def _take(self, event: CaptureEvent) -> None:
        self.held.take(event)
        if self._parts is not None and not self.held.is_released:
            self._begin(self._parts)

    async def relieve(self, held: Lease, claim: Claim, stop: asyncio.Event) -> Lease:
        """Relieve the one that leaves and take its lease; raise LeaseHeld when this worker is not wanted any more."""
        asking = asyncio.create_task(self._ask(held, claim.session), name="ask")
        try:
            while not stop.is_set():
                with contextlib.suppress(LeaseHeld, StateUnavailable):
                    lease = await asyncio.to_thread(claim.take)
                    if self._named is not None:  # the answer may be on its way
                        await asyncio.wait([asking], timeout=ANSWER_SECONDS)
                    return lease
                with contextlib.suppress(StateUnavailable):
                    await asyncio.to_thread(claim.check)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CLAIM_SECONDS):
                        await stop.wait()
            raise LeaseHeld
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    async def _ask(self, held: Lease, session: Session) -> None:
        """Name one keyframe after the other to the one that leaves until it hands over at one."""
        import httpx  # noqa: PLC0415 - late, so that ffmpeg pulls first

        token = {"Authorization": f"Bearer {session.pull_token.reveal()}"}
        async with httpx.AsyncClient(timeout=ASK_SECONDS, trust_env=False, headers=token) as http:
            while self._handed_over is None:
                keyframe = self._named = await self.keyframes.after(self._named)
                assert self.held.clock is not None  # noqa: S101 - it is told before the first keyframe
                # Not when it came: ffmpeg held the first ones back while it probed.
                named = {"pts": keyframe.pts, "at": self.held.clock.anchor + keyframe.pts, "digest": keyframe.digest}
                try:
                    answer = await http.post(f"{held.control_url}/hand-over", json=named)
                except httpx.HTTPError as error:
                    log.info("not_handed_over", session=session.id, error=repr(error))
                    return
                if answer.is_success:
                    self._handed_over = HandedOver(**answer.json())

    @property
    def run(self) -> CaptureRun:
        """Give what captures."""
        assert self._run is not None  # noqa: S101 - it was entered
        return self._run

    @property
    def is_handed_over_to(self) -> bool:
        """Say whether the one that left has said where it ends."""
        return self._handed_over is not None

    def adopt(self, parts: Parts) -> None:
        """Let the run open the session's next part with its first keyframe that the last part has not."""
        parts.keyframes, parts.anchored = self.keyframes, self.run.set_anchor
        parts.settle()
        self._parts, self._previous_end = parts, parts.manifest.last_end()
        log.info("standby_adopted", handed_over=self.is_handed_over_to, folder=self.folder.name)
        self._begin(parts)

    def _begin(self, parts: Parts) -> None:
        """Pass on what has happened, and from now on what happens, once it is known from where on it counts."""
        clock = self._beginning()
        if clock is not None:
            self.held.release(
                partial(parts.take, folder=self.folder), clock, lambda event: not self._is_others_picture(event, clock)
            )

    def _beginning(self) -> ClockSet | None:
        """Say from which keyframe on the run counts, and on which clock; None while there is none."""
        clock, first, previous_end = self.held.clock, self.keyframes.first, self._previous_end
        if clock is None or previous_end is None:
            return clock
        if self._handed_over is not None and self._named is not None and first is not None:
            begin = self._named.pts + self._handed_over.after
            return ClockSet(anchor=self._handed_over.at - begin, first=begin, first_keyframe=first.pts)
        if first is None:
            return None
        overlap = previous_end.timestamp() - (clock.anchor + first.pts)
        # The last part cannot reach so far into what runs beside it: another machine's clock was set.
        own = self.keyframes.from_(first.pts + overlap) if overlap < OVERLAP_SECONDS else first
        if own is None:
            return None
        return ClockSet(anchor=clock.anchor, first=own.pts, first_keyframe=first.pts)

    def _is_others_picture(self, event: CaptureEvent, clock: ClockSet) -> bool:
        """Say whether a picture is not needed because the one that left took it, or one shortly before."""
        if not isinstance(event, FileClosed) or event.kind is not Kind.SNAPSHOT:
            return False
        last = None if self._handed_over is None else self._handed_over.last_picture
        interval = self.plan.image_seconds or 0.0
        is_early = last is not None and clock.anchor + event.start < last + interval / 2
        if is_early or event.start < clock.first:
            discard(event)
            return True
        return False
