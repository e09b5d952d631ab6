"""A worker that captures already while another, which is leaving, still holds the session."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
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
from services.worker.capture.parts import Parts
from services.worker.capture.steady_clock import SteadyClock
from services.worker.delivery.parcel import discard
from services.worker.events import CaptureEvent, ClockSet, FileClosed, KeyframeSeen, MediaSeen
from services.worker.pictures.keyframes import Keyframes
from services.worker.succession.claim import Claim
from services.worker.succession.hand_over import HandedOver

log = structlog.get_logger()

EVENTS_KEPT = 4096
"""How much of what happens before this worker is in charge is remembered."""
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
    keyframes: Keyframes = field(default_factory=Keyframes)
    _run: CaptureRun | None = None
    _clock: ClockSet | None = None
    _events: deque[CaptureEvent] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))
    _sink: Callable[[CaptureEvent], None] | None = None
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

    def _take(self, event: CaptureEvent) -> None:
        if self._sink is not None:
            self._sink(event)
            return
        match event:
            case KeyframeSeen():
                self.keyframes.add(event)
            case ClockSet():
                self._clock = event
            case _:
                if isinstance(event, MediaSeen) and self._events and isinstance(self._events[-1], MediaSeen):
                    self._events.pop()
                self._events.append(event)
        if self._parts is not None:
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
                assert self._clock is not None  # noqa: S101 - it is told before the first keyframe
                # Not when it came: ffmpeg held the first ones back while it probed.
                named = {"pts": keyframe.pts, "at": self._clock.anchor + keyframe.pts, "digest": keyframe.digest}
                try:
                    answer = await http.post(f"{held.control_url}/hand-over", json=named)
                except httpx.HTTPError as error:
                    log.info("not_handed_over", session=session.id, error=repr(error))
                    return
                if answer.is_success:
                    self._handed_over = HandedOver(**answer.json())

    def adopt(self, parts: Parts) -> CaptureRun:
        """Give the run; it opens the session's next part with its first keyframe that the last part has not."""
        assert self._run is not None  # noqa: S101 - it was entered
        parts.keyframes, parts.anchored = self.keyframes, self._run.set_anchor
        self._parts, self._previous_end = parts, parts.manifest.last_end()
        log.info("standby_adopted", handed_over=self._handed_over is not None, folder=self.folder.name)
        self._begin(parts)
        return self._run

    def _begin(self, parts: Parts) -> None:
        """Pass on what has happened, and from now on what happens, once it is known from where on it counts."""
        clock = self._beginning()
        if clock is None:
            return
        self._sink = partial(parts.take, folder=self.folder)
        self._sink(clock)
        while self._events:
            event = self._events.popleft()
            if not self._is_others_picture(event, clock):
                self._sink(event)

    def _beginning(self) -> ClockSet | None:
        """Say from which keyframe on the run counts, and on which clock; None while there is none."""
        clock, first, previous_end = self._clock, self.keyframes.first, self._previous_end
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
