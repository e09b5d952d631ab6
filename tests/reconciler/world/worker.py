"""A worker as little as a state machine: it claims, renews, follows its session, hands over and finalises."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING

from services.domain.errors import Conflict, LeaseHeld, LeaseLost, StateUnavailable, VersionConflict
from services.domain.pool import IdleWorker
from services.domain.session import Lease, SessionState
from tests.doubles.memory_state import MemoryState

if TYPE_CHECKING:
    from tests.reconciler.world.fleet import RunningTask
    from tests.reconciler.world.world import World

LEASE = timedelta(seconds=60)
RENEW_SECONDS, READ_SECONDS, BOOT_SECONDS, BEAT_SECONDS = 20.0, 2.0, 3.0, 10.0
HAND_OVER_SECONDS = 95.0
RECONNECT_WINDOW = timedelta(seconds=20)


class Phase(Enum):
    BOOTING = auto()
    IDLE = auto()
    STANDING_BY = auto()
    WORKING = auto()
    CLOSING = auto()
    LEAVING = auto()
    SHIPPING = auto()  # it has handed over, or has nothing to


@dataclass(slots=True)
class Worker:
    """One task's program; `is_hung` it does nothing at all, until it is killed."""

    world: World
    task: RunningTask
    state: MemoryState
    session_id: str | None = None
    channel_id: str | None = None
    phase: Phase = Phase.BOOTING
    lease: Lease | None = None
    is_hung: bool = False
    next_at: float = 0.0
    renew_at: float = 0.0
    leave_at: float = 0.0
    behind_since: float | None = None

    def __post_init__(self) -> None:
        self.next_at = self._now() + BOOT_SECONDS
        if self.task.order is not None:
            self.session_id, self.channel_id = self.task.order.session_id, self.task.order.channel_id

    def _now(self) -> float:
        return self.world.time.seconds

    def is_healthy(self) -> bool:
        """Say whether it holds a session and does its work; of one that could not renew nobody can demand that."""
        return self.phase in (Phase.WORKING, Phase.CLOSING) and not self.is_hung and self.behind_since is None

    def tick(self) -> None:
        if self.is_hung or self._now() < self.next_at:
            return
        self.next_at = self._now() + READ_SECONDS
        act = {
            Phase.BOOTING: self._boot,
            Phase.IDLE: self._idle,
            Phase.STANDING_BY: self._stand_by,
            Phase.WORKING: self._work,
            Phase.CLOSING: self._close,
            Phase.LEAVING: self._leave,
            Phase.SHIPPING: self._gone,
        }[self.phase]
        try:
            act()
        except StateUnavailable:
            if self.phase is Phase.BOOTING:
                self._gone()  # it cannot start
        except LeaseLost:
            self.world.superseded(self)
            self._gone()

    def _boot(self) -> None:
        if self.session_id is None:
            self.phase = Phase.IDLE
            self._idle()
        else:
            self._claim()

    def _idle(self) -> None:
        row = self.state.pool.get(self.task.id)
        if row is not None and row.is_claimed:
            self.session_id, self.channel_id = row.session_id, row.channel_id
            self._claim()
        elif row is None or self._now() >= self.renew_at:
            idle = IdleWorker(
                id=self.task.id, control_url="http://worker", seen_at=self.world.time.now(), zone=self.task.zone
            )
            try:
                self.state.pool.offer(idle)
            except VersionConflict:
                self.next_at = self._now()
            self.renew_at = self._now() + BEAT_SECONDS

    def _claim(self) -> None:
        assert self.session_id is not None
        if not self.state.sessions.get(self.session_id).state.is_open:
            self._gone()
            return
        holder, now = f"{self.task.id}:kernel:1:1", self.world.time.now()
        try:
            self.lease = self.state.leases.claim(self.session_id, holder, ttl=LEASE, now=now)
        except LeaseHeld:
            held = self.state.leases.get(self.session_id)
            if held is not None and held.leaving and held.is_valid(self.world.time.now()):
                self.phase = Phase.STANDING_BY
            else:
                self._gone()
        else:
            self.phase, self.renew_at = Phase.WORKING, self._now() + RENEW_SECONDS
            self.world.seen["worker claimed its session"] += 1

    def _stand_by(self) -> None:
        self.next_at = self._now() + 1.0
        self._claim()

    def _work(self) -> None:
        self._renew()
        self._read()

    def _renew(self) -> None:
        if self._now() < self.renew_at or self.lease is None:
            return
        try:
            self.lease = self.state.leases.renew(self.lease, ttl=LEASE, now=self.world.time.now())
        except StateUnavailable:
            self.behind_since = self.behind_since or self._now()
            raise
        self.renew_at, self.behind_since = self._now() + RENEW_SECONDS, None

    def _read(self) -> None:
        assert self.session_id is not None
        assert self.channel_id is not None
        assert self.lease is not None
        followed = self.state.overview.follow(self.channel_id, self.session_id)
        if followed.lease is not None and followed.lease.epoch > self.lease.epoch:
            raise LeaseLost
        session = followed.session
        try:
            if session.is_due_to_end(self.world.time.now(), RECONNECT_WINDOW):
                if not session.closing:
                    self.state.sessions.save(session=session.began_closing())
                self.phase, self.next_at = Phase.CLOSING, self._now() + self.world.chance.uniform(1, 4)
            elif session.publisher is not None and session.state is not SessionState.LIVE:
                self.state.sessions.save(session=session.went_live())
        except Conflict:
            return
        if not session.state.is_open:
            self._gone()

    def _close(self) -> None:
        assert self.session_id is not None
        assert self.lease is not None
        self._renew()
        session = self.state.sessions.get(self.session_id)
        air = self.state.sessions.air(session.channel_id)
        freed = air.changed(session_id=None if air.session_id == session.id else air.session_id)
        try:
            if session.state.is_open:
                self.state.sessions.save(session=session.ended(self.world.time.now()), air=freed)
        except VersionConflict:
            return
        self.phase, self.next_at = Phase.SHIPPING, self._now() + self.world.chance.uniform(0, 10)

    def terminate(self) -> None:
        """Take SIGTERM."""
        if self.is_hung:
            return
        try:
            if self.phase is Phase.IDLE:
                try:
                    self.state.pool.remove(self.task.id, unless_claimed=True)
                except VersionConflict:
                    self._idle()
                else:
                    self._gone()
            elif self.phase is Phase.WORKING:
                self._begin_to_leave()
            elif self.phase is not Phase.CLOSING:
                self._gone()
        except (StateUnavailable, LeaseLost):
            self.phase, self.next_at = Phase.SHIPPING, self._now() + 2.0

    def _begin_to_leave(self) -> None:
        assert self.session_id is not None
        assert self.lease is not None
        if self.state.sessions.get(self.session_id).publisher is None:
            self._hand_over()
            return
        self.lease = self.state.leases.renew(replace(self.lease, leaving=True), ttl=LEASE, now=self.world.time.now())
        self.phase, self.leave_at = Phase.LEAVING, self._now() + HAND_OVER_SECONDS
        self.world.wants_successor(self.session_id)

    def _leave(self) -> None:
        assert self.session_id is not None
        self._renew()
        if self._now() >= self.leave_at or self.world.stands_by(self.session_id):
            self._hand_over()

    def _hand_over(self) -> None:
        assert self.lease is not None
        self.state.leases.release(self.lease)
        self.phase, self.next_at = Phase.SHIPPING, self._now() + self.world.chance.uniform(1, 5)

    def _gone(self) -> None:
        if self.lease is not None and not self.world.is_away():
            self.state.leases.release(self.lease)
        self.world.fleet.end(self.task)
