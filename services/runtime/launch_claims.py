"""Who starts a session's worker, where several may: one of them, and one worker."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ulid import ULID

from services.domain.clock import Clock
from services.domain.errors import ChannelNotFound, LeaseHeld, Unavailable
from services.domain.ids import launch_id
from services.domain.ports import ChannelStore, Launcher, LaunchOrder, LeaseStore
from services.domain.session import Lease
from services.runtime.process_name import is_over

START_TIME = timedelta(seconds=60)
"""How long a task may take from its order until it holds its session: then another is ordered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchClaims:
    """Claims a session's launch in state before a worker is ordered; all calls block and may raise StateUnavailable.

    A claim is the lease `launch-<session>`. Its epoch counts the orders of a session, so that no two orders have the
    same name, whoever gives them. Its holder says for which epoch of the session's own lease it was made: once a worker
    has come to that, the launch is over, however long the claim would last.
    """

    leases: LeaseStore
    channels: ChannelStore
    clock: Clock
    who: str

    def launched(self, launcher: Launcher, order: LaunchOrder) -> bool:
        """Order a worker; False if the session has one, or another one is being started. Raise LaunchFailed."""
        now = self.clock.now()
        lease = self.leases.get(order.session_id)
        if _is_held(lease, now) and not (order.is_successor and lease is not None and lease.leaving):
            return False
        epoch = 1 if lease is None else lease.epoch + 1
        claim = self._claim(order.session_id, epoch, now)
        if claim is None:
            return False
        try:
            launcher.launch(replace(order, epoch=epoch, attempt=claim.epoch, size=self._size(order.channel_id)))
        except Unavailable:
            self.leases.release(claim)  # the next try shall not have to wait
            raise
        return True

    def is_claimed(self, session_id: str, epoch: int) -> bool:
        """Say whether a worker is being started whose lease of the session is to have this epoch, or a later one."""
        claim = self.leases.get(launch_id(session_id))
        return claim is not None and claim.is_valid(self.clock.now()) and _epoch_of(claim) >= epoch

    def over(self, session_id: str) -> None:
        """Let the next order be given at once: what was ordered is known to have ended."""
        claim = self.leases.get(launch_id(session_id))
        if claim is not None:
            self.leases.release(claim)

    def _size(self, channel_id: str) -> str | None:
        try:
            return self.channels.get(channel_id).task_size or None
        except ChannelNotFound:  # its last session is still to be finalised
            return None

    def _claim(self, session_id: str, epoch: int, now: datetime) -> Lease | None:
        name = launch_id(session_id)
        # Of a name of its own for each claim: to one holder a lease is given again and again.
        holder = f"{self.who} {epoch} {ULID()}"
        try:
            return self.leases.claim(name, holder, ttl=START_TIME, now=now)
        except LeaseHeld:
            held = self.leases.get(name)
            if held is None or _epoch_of(held) >= epoch:
                return None
            self.leases.release(held)
        try:
            return self.leases.claim(name, holder, ttl=START_TIME, now=now)
        except LeaseHeld:
            return None


def _is_held(lease: Lease | None, now: datetime) -> bool:
    """Say whether a worker has the session; one of this machine that is over has nothing."""
    return lease is not None and lease.is_valid(now) and not is_over(lease.holder)


def _epoch_of(claim: Lease) -> int:
    """Give the epoch that the worker's lease was to have which was ordered under this claim."""
    epoch = claim.holder.split()[-2:-1]
    return int(epoch[0]) if epoch and epoch[0].isdecimal() else 0
