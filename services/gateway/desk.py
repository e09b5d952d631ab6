"""The desk: decides about publishers and players, and records what became of them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ulid import ULID

from services.domain import admission, signing
from services.domain.clock import Clock
from services.domain.errors import ChannelNotFound, PublishRefused, SessionNotFound, VersionConflict
from services.domain.gateways import Connection
from services.domain.ports import ChannelStore, SessionStore
from services.domain.secrets import Secret
from services.domain.session import Air, Publisher, Reason, Session
from services.gateway.callback import Callback
from services.gateway.memory import Memory

_ATTEMPTS = 5  # at a record that others change as well
TOLD_EVERY = timedelta(minutes=1)
"""An encoder that is refused tries again every few seconds: it must not cost a write each time."""


class Contested(PublishRefused):
    """Another connection, `publisher`, is on air: that one has to be gone before this one can be let in.

    `may_take_over` says whether the channel's policy wants that although it may be alive.
    """

    def __init__(self, session: Session, publisher: Publisher, *, may_take_over: bool) -> None:
        """Name who is on air, and in which session."""
        super().__init__("on_air", "another publisher is on air")
        self.channel_id = session.channel_id
        self.session_id = session.id
        self.publisher = publisher
        self.may_take_over = may_take_over

    @property
    def connection(self) -> Connection:
        """The one on air, as its gateway lists it."""
        return Connection(channel_id=self.channel_id, client_id=self.publisher.client_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Decides with what state says; all calls but `remembers` block for as long as state takes."""

    channels: ChannelStore
    sessions: SessionStore
    keyring: signing.Keyring
    clock: Clock
    memory: Memory = field(default_factory=Memory)

    def admit(self, callback: Callback, is_listening: Callable[[str], bool]) -> Session:
        """Let a publisher on air: open a session or resume the one that waits; raise PublishRefused, or Contested.

        The session comes back with this publisher in it, stored; `is_listening` says whether a session's
        worker pulls already.
        """
        now = self.clock.now()
        try:
            channel = self.channels.get(callback.channel_id)
        except ChannelNotFound as error:
            raise PublishRefused("unknown_channel", "no channel has this id") from error
        admission.check_signature(self.keyring, channel, callback.sign, now)
        for _ in range(_ATTEMPTS):
            air = self.sessions.air(channel.id)
            admission.check_standing(channel, air, now)
            current = self._last_session(air)
            admission.check_vacancy(current)
            incumbent = admission.incumbent(current, callback.gateway, callback.client_id)
            if current is not None and incumbent is not None:
                may_take_over = admission.may_take_over(channel, incumbent, now)
                raise Contested(current, incumbent, may_take_over=may_take_over)
            try:
                return self.memory.keep(self._enter(current, air, callback, is_listening))
            except VersionConflict:
                continue
        raise PublishRefused("busy", "the channel's state keeps changing; try again in a moment")

    def _last_session(self, air: Air) -> Session | None:
        if air.session_id is None:
            return None
        try:
            return self.sessions.get(air.session_id)
        except SessionNotFound:  # a session's record may be deleted; its channel goes on
            return None

    def _enter(
        self, current: Session | None, air: Air, callback: Callback, is_listening: Callable[[str], bool]
    ) -> Session:
        now = self.clock.now()
        if current is None or not current.state.is_open:
            return self._open(air, callback, now)
        resumed = current.with_publisher(_publisher(callback, now, is_listening=is_listening(current.id)))
        self.sessions.save(session=resumed)
        return resumed

    def _open(self, air: Air, callback: Callback, now: datetime) -> Session:
        session = Session(
            id=str(ULID.from_datetime(now)).lower(),
            channel_id=callback.channel_id,
            started_at=now,
            pull_token=Secret(secrets.token_urlsafe(24)),
            publisher=_publisher(callback, now, is_listening=False),
            media_sequence=air.media_sequence,
            discontinuity_sequence=air.discontinuity_sequence,
        )
        self.sessions.save(session=session, air=air.opened(session.id))
        return session

    def change(self, session_id: str, change: Callable[[Session], Session | None]) -> Session | None:
        """Apply `change` to what is stored until it is stored first; None, the same, or no such session: nothing."""
        for _ in range(_ATTEMPTS):
            try:
                session = self.sessions.get(session_id)
            except SessionNotFound:
                return None
            changed = change(session)
            if changed is None or changed is session:
                return None
            try:
                self.sessions.save(session=changed)
            except VersionConflict:
                continue
            return changed
        return None

    def heard(self, session: Session) -> Session | None:
        """Record that the worker was pulling before this publisher was let in."""
        admitted = session.publisher
        if admitted is None:
            return None

        def mark(current: Session) -> Session | None:
            publisher = current.publisher
            same = publisher is not None and publisher.is_same_connection(admitted.gateway, admitted.client_id)
            return current.heard() if same else None

        return self.change(session.id, mark)

    def turned_away(self, contested: Contested, address: str) -> Session | None:
        """Record in the session on air that another was refused, for the owner to see: now and then, not each time."""
        now = self.clock.now()
        detail = f"another publisher with this channel's key, at {address}, was refused: one is on air"

        def mark(session: Session) -> Session | None:
            before = session.turned_away
            if session.publisher is None or (before is not None and now - before.since < TOLD_EVERY):
                return None
            return session.turned_another_away(Reason(code="second_publisher", detail=detail, since=now))

        return self.change(contested.session_id, mark)

    def publisher_left(self, callback: Callback) -> Session | None:
        """Record that a publisher's connection is gone; give its session, or None if it was not the one on air."""
        session_id = self.sessions.air(callback.channel_id).session_id
        if session_id is None:
            return None
        return self.lost(session_id, callback.gateway, callback.client_id)

    def lost(self, session_id: str, gateway: str, client_id: str, since: datetime | None = None) -> Session | None:
        """Record that this connection is gone (`since`, or now), if it still is the session's publisher."""

        def mark(session: Session) -> Session | None:
            publisher = session.publisher
            if publisher is None or not publisher.is_same_connection(gateway, client_id) or not session.state.is_open:
                return None
            return session.lost_publisher(since or self.clock.now())

        return self.change(session_id, mark)

    def may_play(self, callback: Callback) -> bool:
        """Say whether a player is the worker of the channel's open session."""
        try:
            session = self.sessions.get(callback.session_id)
        except SessionNotFound:
            return False
        return _is_worker(self.memory.keep(session), callback)

    def remembers(self, callback: Callback) -> bool:
        """Say the same by what was last known of the session, for while state is away; one never seen is not known."""
        session = self.memory.get(callback.session_id)
        return session is not None and _is_worker(session, callback)


def _is_worker(session: Session, callback: Callback) -> bool:
    is_its_channel = session.channel_id == callback.channel_id
    return is_its_channel and session.state.is_open and session.pull_token.matches(callback.token)


def _publisher(callback: Callback, now: datetime, *, is_listening: bool) -> Publisher:
    return Publisher(
        gateway=callback.gateway,
        client_id=callback.client_id,
        address=callback.address,
        accepted_at=now,
        listening=is_listening,
    )
