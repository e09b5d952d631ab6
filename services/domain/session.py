"""The session: one broadcast, kept across reconnects inside the channel's window.

`starting → live ⇄ interrupted → ended | failed`. A session is a record under a version; every change gives
the next version and is stored only if nobody stored another first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from services.domain.secrets import Secret


class SessionState(StrEnum):
    """Where a session stands."""

    STARTING = "starting"
    LIVE = "live"
    INTERRUPTED = "interrupted"
    ENDED = "ended"
    FAILED = "failed"

    @property
    def is_open(self) -> bool:
        """Say whether the broadcast may still go on."""
        return self not in (SessionState.ENDED, SessionState.FAILED)


class Close(StrEnum):
    """How a session was asked to end."""

    COMPLETE = "complete"  # as soon as no publisher is connected
    STOP = "stop"  # now, whoever is connected


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a state is as it is; `code` is one of those listed in docs/states.md."""

    code: str
    detail: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """The connection that publishes, as its gateway knows it.

    `gateway` is `<name>/<life>`, one life of one gateway, and `client_id` counts from 1 in each: only the pair
    is unique.
    `listening` is true when the worker was pulling before the publisher was let in, so that nothing was missed.
    """

    gateway: str
    client_id: str
    address: str
    accepted_at: datetime
    listening: bool = False

    def is_same_connection(self, gateway: str, client_id: str) -> bool:
        """Say whether a callback speaks of this connection."""
        return (self.gateway, self.client_id) == (gateway, client_id)

    def was_cut_by_restart(self, gateway: str) -> bool:
        """Say whether `gateway` is a later life of the gateway that this connection was on."""
        name, _, life = self.gateway.rpartition("/")
        new_name, _, new_life = gateway.rpartition("/")
        return name == new_name and life != new_life


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One broadcast of one channel; a change that its state does not allow gives the session itself.

    `publisher` is None while nobody is connected, and `absent_since` says from when; `left_at`, when the last one
    left, stays when another comes. `turned_away` tells of the last
    second publisher that was refused. `closing` is set by the worker
    that begins to finalise: from then on no publisher may resume it, and none may open another until it has ended.
    `media_sequence` and `discontinuity_sequence` are where the channel's live playlist goes on from.

    Of one that has ended, `expired` names the kinds (snapshots, recordings, hls) that are shown no more because their
    time is over, and `erased` those of them that lie in the store no more; a `hold` keeps all of it, and with
    `removed_at` it is as if it had never been, and about to be so in the store.
    """

    id: str
    channel_id: str
    started_at: datetime
    pull_token: Secret
    state: SessionState = SessionState.STARTING
    state_reason: Reason | None = None
    turned_away: Reason | None = None
    ended_at: datetime | None = None
    publisher: Publisher | None = None
    absent_since: datetime | None = None
    left_at: datetime | None = None
    close: Close | None = None
    closing: bool = False
    media_sequence: int = 0
    discontinuity_sequence: int = 0
    hold: Reason | None = None
    expired: frozenset[str] = frozenset()
    erased: frozenset[str] = frozenset()
    removed_at: datetime | None = None
    version: int = 1

    def _afterwards(self, **changes: object) -> Self:
        if self.state.is_open or self.removed_at is not None:
            return self
        return replace(self, **changes, version=self.version + 1)  # type: ignore[arg-type] # fields of this class

    def held(self, hold: Reason | None) -> Self:
        """Keep all that an ended session stored, whatever its channel's retention says; None: no longer."""
        return self if self.hold == hold else self._afterwards(hold=hold)

    def with_expired(self, kinds: frozenset[str]) -> Self:
        """Record that these kinds are shown no more, unless the session is held."""
        if self.hold is not None or kinds <= self.expired:
            return self
        return self._afterwards(expired=self.expired | kinds)

    def with_erased(self, kinds: frozenset[str]) -> Self:
        """Record that these kinds lie in the store no more."""
        return self if kinds <= self.erased else self._afterwards(erased=self.erased | kinds)

    def taken_down(self, at: datetime) -> Self:
        """Record that nothing of an ended session shall be left, unless it is held."""
        return self if self.hold is not None else self._afterwards(removed_at=at)

    def _next(self, **changes: object) -> Self:
        if not self.state.is_open:
            return self
        return replace(self, **changes, version=self.version + 1)  # type: ignore[arg-type] # fields of this class

    def with_publisher(self, publisher: Publisher) -> Self:
        """Let a publisher in, at the first publish and at each reconnect, unless the session is being finalised."""
        if self.closing:
            return self
        return self._next(publisher=publisher, absent_since=None)

    def heard(self) -> Self:
        """Record that the worker was pulling when the publisher was let in."""
        if self.publisher is None:
            return self
        return self._next(publisher=replace(self.publisher, listening=True))

    def went_live(self) -> Self:
        """Record that media arrives; what arrives after the publisher's departure was on its way."""
        if self.publisher is None:
            return self
        return self._next(state=SessionState.LIVE, state_reason=None)

    def lost_publisher(self, at: datetime) -> Self:
        """Record that the publisher's connection is gone."""
        if self.publisher is None:
            return self
        return self._next(
            publisher=None,
            absent_since=at,
            left_at=at,
            state=SessionState.INTERRUPTED,
            state_reason=Reason(code="publisher_away", detail="the publisher is not connected", since=at),
        )

    def troubled(self, reason: Reason) -> Self:
        """Record why no media is captured although a publisher may be connected."""
        return self._next(state=SessionState.INTERRUPTED, state_reason=reason)

    def turned_another_away(self, reason: Reason) -> Self:
        """Record that a second publisher was refused; the first goes on."""
        return self._next(turned_away=reason)

    def remarked(self, reason: Reason | None) -> Self:
        """Record trouble that does not keep media from being captured, or (None) that it is over."""
        return self._next(state_reason=reason)

    def asked_to_close(self, close: Close) -> Self:
        """Record that the session shall end; a stop outranks a completion."""
        return self._next(close=Close.STOP if self.close is Close.STOP else close)

    def began_closing(self) -> Self:
        """Shut the door: the worker finalises and no publisher may resume."""
        return self._next(closing=True)

    def ended(self, at: datetime) -> Self:
        """Record the end of the broadcast."""
        return self._next(state=SessionState.ENDED, ended_at=at, publisher=None, state_reason=None)

    def failed(self, at: datetime, reason: Reason) -> Self:
        """Record that nothing more can come of this session."""
        return self._next(state=SessionState.FAILED, ended_at=at, publisher=None, state_reason=reason)

    def is_due_to_end(self, now: datetime, reconnect_window: timedelta) -> bool:
        """Say whether the session should be finalised now."""
        if self.close is Close.STOP or self.closing:
            return True
        if self.publisher is not None:
            return False
        if self.close is Close.COMPLETE:
            return True
        return self.absent_since is not None and now >= self.absent_since + reconnect_window


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A ban: nobody publishes to the channel until then (`until` None: until it is lifted)."""

    until: datetime | None
    reason: str
    since: datetime

    def holds(self, now: datetime) -> bool:
        """Say whether the ban is in force."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """The wish that the channel's source be fetched, and why nothing comes from it (None: nothing is known)."""

    since: datetime
    trouble: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Air:
    """What a channel is doing, apart from its settings: its open session, its ban, its playlist's counters.

    `last_session_id` stays when the session has ended. `pull` is there from `start` until `stop` or `complete`.
    """

    channel_id: str
    session_id: str | None = None
    last_session_id: str | None = None
    block: Block | None = None
    pull: Pull | None = None
    media_sequence: int = 0
    discontinuity_sequence: int = 0
    version: int = 0

    def changed(self, **changes: object) -> Self:
        """Give the next version with `changes`."""
        return replace(self, **changes, version=self.version + 1)  # type: ignore[arg-type] # fields of this class

    def opened(self, session_id: str) -> Self:
        """Record the session that is open from now on."""
        return self.changed(session_id=session_id, last_session_id=session_id)

    def blocked(self, now: datetime) -> Block | None:
        """Give the ban that is in force, if any."""
        return self.block if self.block is not None and self.block.holds(now) else None


LEASE_KEPT = timedelta(days=1)
"""How long past its end a lease is remembered: after that it is as if nobody had ever claimed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to write for a session; only a newer epoch takes it away.

    `control_url` is where the holder answers private calls, empty until it listens; `leaving` says that it goes as soon
    as a successor stands by, and until then works on.
    """

    session_id: str
    epoch: int
    holder: str
    expires_at: datetime
    control_url: str = ""
    leaving: bool = False

    def is_valid(self, now: datetime) -> bool:
        """Say whether the holder has renewed it in time."""
        return now < self.expires_at

    def is_forgotten(self, now: datetime) -> bool:
        """Say whether it ended so long ago that it counts no more."""
        return now >= self.expires_at + LEASE_KEPT

    def released(self, now: datetime) -> Self:
        """Give it back: over for every clock that is less than half a day off, and not forgotten yet."""
        return replace(self, expires_at=now - LEASE_KEPT / 2, control_url="", leaving=False)


def channel_state(air: Air, session: Session | None, now: datetime) -> str:
    """Give a channel's state: `idle, starting, live, interrupted, blocked`."""
    if air.blocked(now):
        return "blocked"
    if session is None or not session.state.is_open:
        return "idle"
    return session.state.value
