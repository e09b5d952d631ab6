"""State in this process's memory, for worlds in which time is simulated: quick, and true to the ports.

Several of its views share what is stored: each of an actor of its own, which a test may cut off from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from services.domain.channel import Channel
from services.domain.clock import Clock
from services.domain.errors import (
    AlreadyExists,
    ChannelNotFound,
    LeaseHeld,
    LeaseLost,
    SessionNotFound,
    VersionConflict,
)
from services.domain.event import Event
from services.domain.gateways import Gateway
from services.domain.pool import IdleWorker
from services.domain.ports import Position
from services.domain.session import Air, Lease, Session
from services.domain.standing import Followed, Standing

Gate = Callable[[str], None]
"""Called with its name before each call; what it raises is what the caller meets."""


def _open(_call: str) -> None:
    """Let every call pass."""


@dataclass(slots=True)
class Stored:
    """What all views share."""

    channels: dict[str, Channel] = field(default_factory=dict)
    airs: dict[str, Air] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    open: dict[str, Session] = field(default_factory=dict)
    leases: dict[str, Lease] = field(default_factory=dict)
    gateways: dict[str, Gateway] = field(default_factory=dict)
    pool: dict[str, IdleWorker] = field(default_factory=dict)

    def copied(self) -> Stored:
        """Give all as it is now, for a view that lags behind."""
        return Stored(**{name: dict(getattr(self, name)) for name in self.__slots__})


def _page(records: Iterable[tuple[Position, Session]], limit: int, after: Position | None) -> Sequence[Session]:
    def place(position: Position) -> tuple[datetime, str]:
        return position.at, position.id

    listed = sorted(records, key=lambda pair: place(pair[0]), reverse=True)
    later = [found for at, found in listed if after is None or place(at) < place(after)]
    return later[:limit]


@dataclass(slots=True)
class _View:
    stored: Stored
    clock: Clock
    gate: Gate


class MemoryChannels(_View):
    def add(self, channel: Channel) -> None:
        self.gate("channels.add")
        if channel.id in self.stored.channels:
            raise AlreadyExists
        self.stored.channels[channel.id] = channel

    def get(self, channel_id: str) -> Channel:
        self.gate("channels.get")
        if channel_id not in self.stored.channels:
            raise ChannelNotFound
        return self.stored.channels[channel_id]

    def replace(self, channel: Channel) -> None:
        if self.get(channel.id).version != channel.version - 1:
            raise VersionConflict
        self.stored.channels[channel.id] = channel

    def remove(self, channel_id: str, version: int | None = None) -> None:
        found = self.get(channel_id)
        if version is not None and version != found.version:
            raise VersionConflict
        del self.stored.channels[channel_id]

    def page(self, limit: int, after: Position | None = None) -> Sequence[Channel]:
        raise NotImplementedError


class MemorySessions(_View):
    def air(self, channel_id: str) -> Air:
        self.gate("sessions.air")
        return self.stored.airs.get(channel_id) or Air(channel_id=channel_id)

    def get(self, session_id: str) -> Session:
        self.gate("sessions.get")
        if session_id not in self.stored.sessions:
            raise SessionNotFound
        return self.stored.sessions[session_id]

    def save(self, *, session: Session | None = None, air: Air | None = None, events: Sequence[Event] = ()) -> None:
        self.gate("sessions.save")
        assert not events, "this state has no outbox"
        if session is not None and session.version - 1 != _version(self.stored.sessions.get(session.id)):
            raise VersionConflict
        if air is not None and air.version - 1 != _version(self.stored.airs.get(air.channel_id)):
            raise VersionConflict
        if air is not None:
            self.stored.airs[air.channel_id] = air
        if session is not None:
            self.stored.sessions[session.id] = session
            self.stored.open.pop(session.id, None)
            if session.state.is_open:
                self.stored.open[session.id] = session

    def page(self, limit: int, *, channel_id: str | None = None, after: Position | None = None) -> Sequence[Session]:
        self.gate("sessions.page")
        found = [each for each in self.stored.sessions.values() if channel_id in (None, each.channel_id)]
        return _page([(Position(at=each.started_at, id=each.id), each) for each in found], limit, after)

    def open_sessions(self) -> Sequence[Session]:
        self.gate("sessions.open_sessions")
        return sorted(self.stored.open.values(), key=lambda each: (each.started_at, each.id), reverse=True)

    def removals(self) -> Sequence[Session]:
        raise NotImplementedError

    def forget(self, session: Session) -> None:
        raise NotImplementedError


def _version(record: Session | Air | None) -> int:
    return 0 if record is None else record.version


class MemoryLeases(_View):
    def claim(self, session_id: str, holder: str, *, ttl: timedelta, now: datetime) -> Lease:
        self.gate("leases.claim")
        stored = self._stored(session_id)
        if stored is not None and stored.holder != holder and stored.is_valid(now):
            raise LeaseHeld
        epoch = 1 if stored is None else stored.epoch + 1
        lease = Lease(session_id=session_id, epoch=epoch, holder=holder, expires_at=now + ttl)
        self.stored.leases[session_id] = lease
        return lease

    def renew(self, lease: Lease, *, ttl: timedelta, now: datetime) -> Lease:
        self.gate("leases.renew")
        if not self._is_own(lease):
            raise LeaseLost
        renewed = replace(lease, expires_at=now + ttl)
        self.stored.leases[lease.session_id] = renewed
        return renewed

    def release(self, lease: Lease) -> None:
        self.gate("leases.release")
        if self._is_own(lease):
            self.stored.leases[lease.session_id] = lease.released(self.clock.now())

    def get(self, session_id: str) -> Lease | None:
        self.gate("leases.get")
        return self._stored(session_id)

    def _stored(self, session_id: str) -> Lease | None:
        lease = self.stored.leases.get(session_id)
        return None if lease is None or lease.is_forgotten(self.clock.now()) else lease

    def _is_own(self, lease: Lease) -> bool:
        stored = self.stored.leases.get(lease.session_id)
        return stored is not None and (stored.epoch, stored.holder) == (lease.epoch, lease.holder)


class MemoryOverview(_View):
    def of_channels(self, channel_ids: Sequence[str]) -> Sequence[Standing]:
        self.gate("overview.of_channels")
        return [self._standing(name, self.stored.open.get(self._air(name).session_id or "")) for name in channel_ids]

    def open_sessions(self) -> Sequence[Standing]:
        self.gate("overview.open_sessions")
        listed = sorted(self.stored.open.values(), key=lambda each: (each.started_at, each.id), reverse=True)
        return [self._standing(each.channel_id, each) for each in listed]

    def pulls(self) -> Sequence[Standing]:
        self.gate("overview.pulls")
        return self.of_channels([name for name, air in self.stored.airs.items() if air.pull is not None])

    def follow(self, channel_id: str, session_id: str) -> Followed:
        self.gate("overview.follow")
        session = self.stored.sessions.get(session_id)
        if session is None:
            raise SessionNotFound
        return Followed(
            channel=self.stored.channels.get(channel_id), session=session, lease=self.stored.leases.get(session_id)
        )

    def _air(self, channel_id: str) -> Air:
        return self.stored.airs.get(channel_id) or Air(channel_id=channel_id)

    def _standing(self, channel_id: str, session: Session | None) -> Standing:
        lease = None if session is None else self.stored.leases.get(session.id)
        channel = self.stored.channels.get(channel_id)
        return Standing(channel=channel, air=self._air(channel_id), session=session, lease=lease)


class MemoryGateways(_View):
    def put(self, gateway: Gateway) -> None:
        self.gate("gateways.put")
        self.stored.gateways[gateway.name] = gateway

    def get(self, name: str) -> Gateway | None:
        self.gate("gateways.get")
        found = self.stored.gateways.get(name)
        return None if found is None or found.is_forgotten(self.clock.now()) else found

    def all(self) -> Sequence[Gateway]:
        self.gate("gateways.all")
        now = self.clock.now()
        return [each for _, each in sorted(self.stored.gateways.items()) if not each.is_forgotten(now)]

    def remove(self, name: str) -> None:
        self.gate("gateways.remove")
        self.stored.gateways.pop(name, None)


class MemoryPool(_View):
    def offer(self, worker: IdleWorker) -> None:
        self.gate("pool.offer")
        self._refuse_claimed(worker.id)
        self.stored.pool[worker.id] = worker

    def claim(self, channel_id: str, session_id: str, *, zone: str, now: datetime) -> IdleWorker | None:
        self.gate("pool.claim")
        idle = [each for each in self.stored.pool.values() if not each.is_claimed and each.is_alive(now)]
        if not idle:
            return None
        nearest = min(idle, key=lambda each: (each.zone != zone, each.id))
        claimed = replace(nearest, channel_id=channel_id, session_id=session_id)
        self.stored.pool[claimed.id] = claimed
        return claimed

    def get(self, worker_id: str) -> IdleWorker | None:
        self.gate("pool.get")
        return self.stored.pool.get(worker_id)

    def all(self) -> Sequence[IdleWorker]:
        self.gate("pool.all")
        return [each for _, each in sorted(self.stored.pool.items())]

    def remove(self, worker_id: str, *, unless_claimed: bool = False) -> None:
        self.gate("pool.remove")
        if unless_claimed:
            self._refuse_claimed(worker_id)
        self.stored.pool.pop(worker_id, None)

    def _refuse_claimed(self, worker_id: str) -> None:
        found = self.stored.pool.get(worker_id)
        if found is not None and found.is_claimed:
            raise VersionConflict


class MemoryState:
    """One view of what is stored; `gate` is asked before each call."""

    def __init__(self, clock: Clock, stored: Stored | None = None, gate: Gate = _open) -> None:
        self.stored = Stored() if stored is None else stored
        place = (self.stored, clock, gate)
        self.channels = MemoryChannels(*place)
        self.sessions = MemorySessions(*place)
        self.leases = MemoryLeases(*place)
        self.overview = MemoryOverview(*place)
        self.gateways = MemoryGateways(*place)
        self.pool = MemoryPool(*place)
