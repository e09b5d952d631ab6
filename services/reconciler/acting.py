"""Does what a sweep decided, one action at a time; what does harm asks first whether it still holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import singledispatchmethod

from services.domain.clock import Clock
from services.domain.errors import ChannelNotFound, SessionNotFound, VersionConflict
from services.domain.gateways import GatewayStore
from services.domain.pool import WorkerPool
from services.domain.ports import ChannelStore, Launcher, LaunchOrder, LeaseStore, SessionStore
from services.domain.session import Close as CloseKind
from services.domain.session import Session
from services.domain.tasks import Tasks
from services.reconciler import publishers
from services.reconciler.actions import (
    Action,
    Close,
    Fail,
    ForgetGateway,
    ForgetIdle,
    FreeLease,
    Launch,
    LaunchIdle,
    LosePublisher,
    OfTask,
    StopHung,
    StopIdle,
    StopOrphan,
)
from services.reconciler.sight import task_of
from services.reconciler.workers import ORPHAN_SECONDS
from services.runtime.giving_up import GivingUp
from services.runtime.launch_claims import LaunchClaims


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Where workers run as tasks."""

    tasks: Tasks
    launcher: Launcher
    claims: LaunchClaims


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """Does one action; every call blocks. Each may be done twice, or half of it and then the whole."""

    sessions: SessionStore
    channels: ChannelStore
    leases: LeaseStore
    gateways: GatewayStore
    pool: WorkerPool
    giving_up: GivingUp
    clock: Clock
    platform: Platform | None

    @singledispatchmethod
    def do(self, action: Action) -> bool:
        """Do it; give False if it does not hold any more. Raise StateUnavailable or LaunchFailed."""
        raise NotImplementedError(action.kind)

    @do.register
    def _lose(self, action: LosePublisher) -> bool:
        session = self._open(action.session_id)
        if session is None or session.publisher != action.publisher:
            return False
        gateway, now = self.gateways.get(action.publisher.gateway), self.clock.now()
        if publishers.why_lost(session, action.publisher, gateway, now) is None:
            return False
        return self._saved(session.lost_publisher(action.since))

    @do.register
    def _close(self, action: Close) -> bool:
        session = self._open(action.session_id)
        if session is None:
            return False
        try:
            channel = self.channels.get(session.channel_id)
        except ChannelNotFound:
            channel = None
        if publishers.objection(channel, self.sessions.air(session.channel_id), self.clock.now()) is None:
            return False
        return self._saved(session.asked_to_close(CloseKind.STOP))

    @do.register
    def _fail(self, action: Fail) -> bool:
        session, lease = self._open(action.session_id), self.leases.get(action.session_id)
        if session is None or not session.closing or (lease is not None and lease.is_valid(self.clock.now())):
            return False
        self.giving_up.give_up(session)
        return True

    @do.register
    def _free(self, action: FreeLease) -> bool:
        """Free the lease only where it is sure that nobody works under it; and any order for that is over as well."""
        lease = self.leases.get(action.session_id)
        if self.platform is None or lease is None or task_of(lease) != action.task_id:
            return False
        if not lease.is_valid(self.clock.now()) or not self.platform.tasks.is_over(action.task_id):
            return False
        self.leases.release(lease)
        return True

    @do.register
    def _launch(self, action: Launch) -> bool:
        if self.platform is None or self._open(action.session_id) is None:
            return False
        order = LaunchOrder(
            channel_id=action.channel_id,
            session_id=action.session_id,
            is_successor=action.is_successor,
            zone=action.zone,
        )
        return self.platform.claims.launched(self.platform.launcher, order)

    @do.register
    def _stop_hung(self, action: StopHung) -> bool:
        lease = self.leases.get(action.session_id)
        is_held = lease is not None and lease.is_valid(self.clock.now())
        if is_held and (task_of(lease) == action.task_id or (lease is not None and lease.leaving)):
            return False
        return self._stopped(action)

    @do.register
    def _stop_orphan(self, action: StopOrphan) -> bool:
        """Stop it once its session has been over for a while, by what is stored: a worker ships to its end and goes."""
        try:
            session = self.sessions.get(action.session_id)
        except SessionNotFound:
            over_since: datetime | None = action.asked_for
        else:
            over_since = session.ended_at
        if over_since is None or self.clock.now() < over_since + timedelta(seconds=ORPHAN_SECONDS):
            return False
        return self._stopped(action)

    @do.register
    def _stop_idle(self, action: StopIdle) -> bool:
        row = self.pool.get(action.task_id)
        if not action.is_surplus and row is not None and row.is_alive(self.clock.now()):
            return False  # it is not as useless as it looked
        try:
            self.pool.remove(action.task_id, unless_claimed=True)  # from now on nobody can claim it
        except VersionConflict:
            return False
        return self._stopped(action)

    @do.register
    def _launch_idle(self, action: LaunchIdle) -> bool:
        if self.platform is None:
            return False
        self.platform.tasks.launch_idle(action.zone, token=action.token)
        return True

    @do.register
    def _forget_gateway(self, action: ForgetGateway) -> bool:
        gateway = self.gateways.get(action.name)
        if gateway is None or gateway.is_alive(self.clock.now()):
            return False
        self.gateways.remove(action.name)
        return True

    @do.register
    def _forget_idle(self, action: ForgetIdle) -> bool:
        self.pool.remove(action.task_id)
        return True

    def _stopped(self, action: OfTask) -> bool:
        if self.platform is None:
            return False
        self.platform.tasks.stop(action.task_id, action.reason)
        return True

    def _open(self, session_id: str) -> Session | None:
        """Give a session as it is stored now, if it is open."""
        try:
            session = self.sessions.get(session_id)
        except SessionNotFound:
            return None
        return session if session.state.is_open else None

    def _saved(self, session: Session) -> bool:
        """Store a session's next version, unless somebody else stored another first: the next sweep looks again."""
        try:
            self.sessions.save(session=session)
        except VersionConflict:
            return False
        return True
