"""Captures what nobody listened to: from the gateway's backlog, before the live pull's own part."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog

from services.domain import times
from services.domain.artifact import Kind
from services.domain.errors import StateUnavailable
from services.domain.manifest import Mark, Part
from services.worker.capture.before import Before, Missed, gaps_before
from services.worker.capture.held import Held
from services.worker.capture.parts import Parts
from services.worker.catching_up import backlog
from services.worker.catching_up.backlog import NoBacklog
from services.worker.catching_up.fetching import FETCH_SECONDS, Fetching
from services.worker.catching_up.passages import Live, NotThere, Passages, Planning
from services.worker.catching_up.passing import Passing
from services.worker.catching_up.stretch import Stretch
from services.worker.delivery.parcel import discard
from services.worker.events import CaptureEvent, ClockSet, FileClosed
from services.worker.following import Following
from services.worker.gateway_address import GatewayAddress

log = structlog.get_logger()

ASK_SECONDS = 1.0
"""How long a run waits for state before it is heard."""
FETCHED_SECONDS = FETCH_SECONDS + 5.0
"""How long it may take to have the gateways' files here, and to have read them."""
RUN_SECONDS = 45.0
"""How long it may take to be captured, at full speed; what is under way then stays as far as it came."""
WORTH_SECONDS = 0.02
SHORT_SECONDS = 0.5
"""What a publisher sends last is on its way for so long."""


@dataclass(slots=True, kw_only=True)
class CatchingUp:
    """Fills, before a run is heard, what is missing before it; `folder` is the session's in the spool.

    `passing` captures it.
    """

    following: Following
    parts: Parts
    gateway: GatewayAddress
    folder: Path
    epoch: int
    _count: int = 0
    _tried: datetime | None = None
    passing: Passing = field(init=False)
    _fetching: Fetching = field(init=False)

    def __post_init__(self) -> None:
        """Make what fetches, and what captures."""
        self._fetching = Fetching(gateway=self.gateway)
        self.passing = Passing(following=self.following, parts=self.parts, folder=self.folder, epoch=self.epoch)

    async def admit(self, held: Held, release: Callable[[ClockSet | None], None]) -> None:
        """Wait until a run has begun, capture what is missing before it, then `release` it by its clock."""
        await held.begun.wait()
        clock, first = held.clock, held.keyframes.first
        if held.is_without_beginning and await self._has_all():
            held.release(self._discard, None, lambda _: True)
            return
        if clock is None or first is None:
            release(clock)
            return
        live = Live(anchor=clock.anchor, first=first)
        # What was sent around a jump of the media's times has times of both sides, which no replay can tell apart.
        if self.parts.has_jumped or not await self._is_missing(clock):
            release(clock)
            return
        done = await self._caught_up(live)
        if done is None or done.live is None:
            release(clock)
            return
        if not self.passing.is_whole:
            self.parts.before = Before.UNKNOWN
        elif done.live_joins:
            self.parts.before = Before.JOINED
        elif done.live_is_first:
            self.parts.before = Before.HEARD
        release(done.live)

    async def _has_all(self) -> bool:
        """Capture from the backlog what a run heard that never had a keyframe; say whether that could be."""
        await self._ask_state()
        if self.following.session.publisher is not None:
            return False  # the next run joins it
        done = await self._caught_up(None)
        return done is not None and bool(done.passages) and self.passing.is_whole

    @staticmethod
    def _discard(event: CaptureEvent) -> None:
        if isinstance(event, FileClosed):
            discard(event)

    async def _is_missing(self, clock: ClockSet) -> bool:
        """Say whether something is that was sent, by what state says now."""
        if self.parts.settling.loose is not None:
            return True
        await self._ask_state()
        part = Part(number=len(self.parts.manifest.head.parts), started_at=times.utc(clock.anchor + clock.first))
        missed = Missed(self.parts.manifest.last_end(), self.parts.missing_cause, self.parts.missed)
        gaps = gaps_before(part, missed, self.following, self.parts.steady)
        sent = [gap for gap in gaps if gap.cause != "publisher_away"]
        return any((gap.ended_at - gap.started_at).total_seconds() > WORTH_SECONDS for gap in sent)

    async def _ask_state(self) -> None:
        """See who publishes by now, and whether that one was heard; while state is away what is known stands."""
        with contextlib.suppress(StateUnavailable, TimeoutError):
            async with asyncio.timeout(ASK_SECONDS):
                await self.following.change(lambda _: None)

    async def without_live(self) -> None:
        """Capture what the publisher who has left sent unheard; nothing happens where that is tried already."""
        session, last = self.following.session, self.parts.manifest.last_end()
        left_at = session.left_at
        if session.publisher is not None or left_at is None or left_at == self._tried:
            return
        since = session.started_at if last is None else last
        left = self.parts.steady.of_wall(left_at, since=session.started_at)
        is_short = (left - since).total_seconds() < SHORT_SECONDS
        self._tried = left_at
        if self.parts.settling.loose is None and is_short:
            return
        await self._caught_up(None)
        self.parts.closed.set()

    async def _caught_up(self, live: Live | None) -> Passages | None:
        """Do all that is to be done before the live pull; None: there is no backlog that could be used."""
        self._count += 1
        folder = self.folder / f"backlog-e{self.epoch:04d}-{self._count:06d}"
        try:
            await asyncio.to_thread(backlog.remove_earlier, self.folder, self.epoch)
            async with asyncio.timeout(FETCHED_SECONDS):
                plan = await self._fetching.planned(
                    self.following.session,
                    folder,
                    since=self._since(),
                    plan=lambda found: self._planning(found, live).planned(),
                )
            await self._capture(plan, folder)
        except (NoBacklog, NotThere, TimeoutError, OSError) as error:
            log.info("backlog_not_used", session=self.following.session.id, error=repr(error))
            return None
        except Exception:  # whatever the backlog does to us, the live pull counts
            log.exception("catching_up_failed")
            return None
        finally:
            await asyncio.to_thread(backlog.remove, folder)
        return plan

    def _since(self) -> float:
        """Give from when on something is missing (epoch s)."""
        loose, last = self.parts.settling.loose, self.parts.manifest.last_end()
        if loose is not None:
            return min(loose.reach.values(), default=loose.began)
        return 0.0 if last is None else last.timestamp()

    def _planning(self, found: Sequence[Stretch], live: Live | None) -> Planning:
        media, last = self.following.plan().media, self.parts.manifest.last_end()
        kinds = [Kind.RECORDING] if media.recording_seconds is not None else []
        kinds += [Kind.SEGMENT] if media.segment_seconds is not None else []
        return Planning(
            stretches=found,
            kinds=kinds or [Kind.SNAPSHOT],
            loose=self.parts.settling.loose,
            reach=None if last is None else last.timestamp(),
            live=live,
            mark=self._mark(),
        )

    def _mark(self) -> Mark | None:
        """Give the newest keyframe of the last part that is known."""
        head, loose = self.parts.manifest.head, self.parts.settling.loose
        if head.mark is not None and head.parts and head.mark.part == head.parts[-1].number:
            return head.mark
        return None if loose is None or loose.part is None else loose.part.mark

    async def _capture(self, plan: Passages, fetched: Path) -> None:
        """Settle the loose end and capture one passage after the other; raise TimeoutError."""
        loose = self.parts.settling.loose
        self.passing.last_picture = None if loose is None else loose.last_picture()
        if loose is not None and plan.begins:
            self.parts.settling.settle(self.parts.missing_cause, plan.cuts, plan.begins)
            self.parts.before = Before.JOINED
        async with asyncio.timeout(RUN_SECONDS):
            await self.passing.capture(plan.passages, fetched)

    def is_wanted(self, event: CaptureEvent, clock: ClockSet | None) -> bool:
        """Say whether the live pull's event counts: a picture does not that comes soon after the backlog's last one."""
        last, is_picture = self.passing.last_picture, isinstance(event, FileClosed) and event.kind is Kind.SNAPSHOT
        if clock is None or last is None or not is_picture:
            return True
        assert isinstance(event, FileClosed)  # noqa: S101 - just looked at
        interval = self.following.plan().images.seconds or 0.0
        if clock.anchor + event.start >= last + interval / 2:
            return True
        discard(event)
        return False
