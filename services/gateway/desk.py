"""The desk: decides about publishers and players, and records what became of them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ulid import ULID

from services.domain import admission, signing
from services.domain.clock import Clock
from services.domain.errors import ChannelNotFound, PublishRefused, SessionNotFound, VersionConflict
from services.domain.ports import ChannelStore, SessionStore
from services.domain.secrets import Secret
from services.domain.session import Air, Publisher, Session
from services.gateway.callback import Callback

_ATTEMPTS = 5  # at a record that others change as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Decides with what state says; all calls block for as long as state takes.

    `gateway_name` and nginx's boot together name one life of the gateway, within which client ids are unique.
    """

    channels: ChannelStore
    sessions: SessionStore
    keyring: signing.Keyring
    clock: Clock
    gateway_name: str

    def gateway(self, boot: str) -> str:
        """Name one life of this gateway."""
        return f"{self.gateway_name}/{boot}"

    def admit(self, callback: Callback, boot: str, is_listening: Callable[[str], bool]) -> Session:
        """Let a publisher on air: open a session or resume the one that waits; raise PublishRefused.

        The session comes back with this publisher in it, stored; `is_listening` says whether a session's
        worker pulls already.
        """
        try:
            channel = self.channels.get(callback.channel_id)
        except ChannelNotFound as error:
            raise PublishRefused("unknown_channel", "no channel has this id") from error
        now = self.clock.now()
        admission.check_signature(self.keyring, channel, callback.sign, now)
        for _ in range(_ATTEMPTS):
            air = self.sessions.air(channel.id)
            admission.check_standing(channel, air, now)
            current = self.sessions.get(air.session_id) if air.session_id else None
            admission.check_vacancy(current, self.gateway(boot), callback.client_id)
            try:
                return self._take(air, current, callback, boot, is_listening, now)
            except VersionConflict:
                continue
        raise PublishRefused("busy", "the channel's state keeps changing; try again in a moment")

    def _take(  # noqa: PLR0917 - the six facts of one decision
        self,
        air: Air,
        current: Session | None,
        callback: Callback,
        boot: str,
        is_listening: Callable[[str], bool],
        now: datetime,
    ) -> Session:
        resumed = current if current is not None and current.state.is_open else None
        publisher = Publisher(
            gateway=self.gateway(boot),
            client_id=callback.client_id,
            address=callback.address,
            accepted_at=now,
            listening=resumed is not None and is_listening(resumed.id),
        )
        if resumed is not None:
            session = resumed.with_publisher(publisher)
            self.sessions.save(session=session)
            return session
        session = Session(
            id=str(ULID.from_datetime(now)).lower(),
            channel_id=callback.channel_id,
            started_at=now,
            pull_token=Secret(secrets.token_urlsafe(24)),
            publisher=publisher,
            media_sequence=air.media_sequence,
            discontinuity_sequence=air.discontinuity_sequence,
        )
        self.sessions.save(session=session, air=air.changed(session_id=session.id))
        return session

    def change(self, session_id: str, change: Callable[[Session], Session | None]) -> Session | None:
        """Apply `change` to what is stored until it is stored first; None from it, or no such session: nothing."""
        for _ in range(_ATTEMPTS):
            try:
                session = self.sessions.get(session_id)
            except SessionNotFound:
                return None
            changed = change(session)
            if changed is None:
                return None
            try:
                self.sessions.save(session=changed)
            except VersionConflict:
                continue
            return changed
        return None

    def heard(self, session: Session) -> None:
        """Record that the worker was pulling before this publisher was let in."""
        admitted = session.publisher
        if admitted is None:
            return

        def mark(current: Session) -> Session | None:
            publisher = current.publisher
            same = publisher is not None and publisher.is_same_connection(admitted.gateway, admitted.client_id)
            return current.heard() if same else None

        self.change(session.id, mark)

    def publisher_left(self, callback: Callback, boot: str) -> Session | None:
        """Record that a publisher's connection is gone; give its session, or None if it was not the one on air."""
        session_id = self.sessions.air(callback.channel_id).session_id
        if session_id is None:
            return None
        return self.lost(session_id, self.gateway(boot), callback.client_id)

    def lost(self, session_id: str, gateway: str, client_id: str) -> Session | None:
        """Record that this connection is gone, if it still is the session's publisher."""

        def mark(session: Session) -> Session | None:
            publisher = session.publisher
            if publisher is None or not publisher.is_same_connection(gateway, client_id) or not session.state.is_open:
                return None
            return session.lost_publisher(self.clock.now())

        return self.change(session_id, mark)

    def may_play(self, callback: Callback) -> bool:
        """Say whether a player is the worker of the channel's open session."""
        try:
            session = self.sessions.get(callback.session_id)
        except SessionNotFound:
            return False
        is_its_channel = session.channel_id == callback.channel_id
        return is_its_channel and session.state.is_open and session.pull_token.matches(callback.token)
