"""A gateway as little as a test needs: it admits, tells of its connections, orders workers, and forgets callbacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ulid import ULID

from services.domain.errors import Conflict, LaunchFailed, NotFound, StateUnavailable
from services.domain.gateways import Connection, Gateway
from services.domain.ports import LaunchOrder
from services.domain.secrets import Secret
from services.domain.session import Publisher, Session
from services.runtime.launch_claims import LaunchClaims
from tests.doubles.memory_state import MemoryState

if TYPE_CHECKING:
    from tests.reconciler.world.world import World

BEAT_SECONDS, WATCH_SECONDS, HELD_SECONDS = 2.0, 5.0, 4.0


@dataclass(slots=True)
class FakeGateway:
    """One life of a gateway; `forgets` lets it never hear that a publisher left, or never order a worker."""

    world: World
    name: str
    zone: str
    state: MemoryState
    claims: LaunchClaims
    is_up: bool = True
    connections: dict[str, str] = field(default_factory=dict)
    to_launch: dict[str, bool] = field(default_factory=dict)
    forgets_orders: bool = False
    cut_off_since: float | None = None
    _beat_at: float = 0.0
    _watch_at: float = 0.0
    _clients: int = 0
    _listed_from: dict[str, float] = field(default_factory=dict)

    def tick(self) -> None:
        if not self.is_up:
            return
        now = self.world.time.seconds
        if now >= self._beat_at:
            self._beat()
        for session_id in list(self.to_launch):
            self._launch(session_id)
        if now >= self._watch_at:
            self._watch_at = now + WATCH_SECONDS
            self._watch()

    def changed(self) -> None:
        self._beat_at = 0.0

    def _beat(self) -> None:
        row = Gateway(
            name=self.name,
            seen_at=self.world.time.now(),
            pull_url="rtmp://gateway/stream",
            control_url="http://gateway",
            zone=self.zone,
            connections=tuple(self._listed()),
        )
        try:
            self.state.gateways.put(row)
        except StateUnavailable:
            if not self.world.is_away():  # it alone: to all others it is dead
                self.cut_off_since = self.cut_off_since or self.world.time.seconds
            self._beat_at = self.world.time.seconds + self.world.chance.uniform(0, BEAT_SECONDS)
            return
        self.cut_off_since = None
        self._beat_at = self.world.time.seconds + BEAT_SECONDS

    def _listed(self) -> Iterator[Connection]:
        """Give the connections that nginx lists: one that is being let in is held first."""
        for channel_id, client_id in self.connections.items():
            if self._listed_from.get(client_id, 0.0) <= self.world.time.seconds:
                yield Connection(channel_id=channel_id, client_id=client_id)

    def admit(self, channel_id: str) -> bool:
        """Let a publisher in if nobody is in its way."""
        self._clients += 1
        client = str(self._clients)
        publisher = Publisher(
            gateway=self.name, client_id=client, address="192.0.2.1", accepted_at=self.world.time.now()
        )
        try:
            session = self._entered(channel_id, publisher)
        except (StateUnavailable, Conflict):
            return False
        if session is None:
            return False
        self.connections[channel_id] = client
        self._listed_from[client] = self.world.time.seconds + self.world.chance.uniform(0, HELD_SECONDS)
        self.changed()
        if not self.forgets_orders:
            self.to_launch[session.id] = False
        return True

    def _entered(self, channel_id: str, publisher: Publisher) -> Session | None:
        sessions = self.state.sessions
        air = sessions.air(channel_id)
        current = None if air.session_id is None else sessions.get(air.session_id)
        if current is None or not current.state.is_open:
            opened = Session(
                id=f"s{len(self.world.stored.sessions) + 1}",
                channel_id=channel_id,
                started_at=self.world.time.now(),
                pull_token=Secret(str(ULID())),
                publisher=publisher,
            )
            sessions.save(session=opened, air=air.opened(opened.id))
            return opened
        if current.closing or current.close is not None:
            return None
        if current.publisher is not None:
            if not self._makes_way(channel_id, current.publisher):
                return None
            current = current.lost_publisher(self.world.time.now())
            sessions.save(session=current)
        resumed = current.with_publisher(publisher)
        sessions.save(session=resumed)
        return resumed

    def _makes_way(self, channel_id: str, incumbent: Publisher) -> bool:
        if incumbent.gateway == self.name:
            return self.connections.get(channel_id) != incumbent.client_id
        row = self.state.gateways.get(incumbent.gateway)
        return row is None or not row.is_alive(self.world.time.now())

    def _launch(self, session_id: str) -> None:
        is_successor = self.to_launch[session_id]
        try:
            session = self.state.sessions.get(session_id)
            order = LaunchOrder(
                channel_id=session.channel_id, session_id=session_id, zone=self.zone, is_successor=is_successor
            )
            self.claims.launched(self.world.launcher, order)
        except NotFound:
            pass
        except (StateUnavailable, LaunchFailed):
            return
        del self.to_launch[session_id]

    def left(self, channel_id: str, *, is_heard: bool) -> None:
        """Take the end of a connection, and record it if the callback came."""
        client = self.connections.pop(channel_id, None)
        self.changed()
        if client is None or not is_heard:
            return
        try:
            air = self.state.sessions.air(channel_id)
            session = None if air.session_id is None else self.state.sessions.get(air.session_id)
            publisher = None if session is None else session.publisher
            if session is not None and publisher is not None and publisher.is_same_connection(self.name, client):
                self.state.sessions.save(session=session.lost_publisher(self.world.time.now()))
        except (StateUnavailable, Conflict, NotFound):
            return

    def _watch(self) -> None:
        """Cut whom state does not know."""
        for channel_id, client in list(self.connections.items()):
            try:
                air = self.state.sessions.air(channel_id)
                session = None if air.session_id is None else self.state.sessions.get(air.session_id)
            except StateUnavailable:
                return
            known = None if session is None or not session.state.is_open else session.publisher
            if known is None or not known.is_same_connection(self.name, client):
                del self.connections[channel_id]
                self.changed()
                self.world.cut(channel_id)


@dataclass(slots=True)
class Encoder:
    """Wants to be on air, or not; it comes back by itself."""

    world: World
    channel_id: str
    wants: bool = False
    at: FakeGateway | None = None
    _next_at: float = 0.0

    def tick(self) -> None:
        if self.at is not None and not self.at.is_up:
            self.at, self._next_at = None, self.world.time.seconds + self.world.chance.uniform(1, 10)
        if not self.wants and self.at is not None:
            is_heard = not self.world.trouble.happens(self.world.trouble.events_lost)
            self.at.left(self.channel_id, is_heard=is_heard)
            self.at = None
        if self.wants and self.at is None and self.world.time.seconds >= self._next_at:
            self._connect()

    def _connect(self) -> None:
        up = [gateway for gateway in self.world.gateways if gateway.is_up]
        if up:
            gateway = self.world.chance.choice(up)
            self.at = gateway if gateway.admit(self.channel_id) else None
        self._next_at = self.world.time.seconds + 3.0

    def cut(self) -> None:
        self.at, self._next_at = None, self.world.time.seconds + 2.0
