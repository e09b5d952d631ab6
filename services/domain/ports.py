"""The ports: what the services ask of the outside, in the domain's words.

All calls block; a service that must not block makes them in a thread. Every call may raise
StateUnavailable or StoreUnavailable besides what it names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, runtime_checkable

from services.domain.channel import Channel
from services.domain.event import Event
from services.domain.session import Air, Lease, Session
from services.domain.standing import Followed, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The place after which a page of a list begins, newest first: an entry's time and id."""

    at: datetime
    id: str


class ChannelStore(Protocol):
    """Keeps channels' settings."""

    def add(self, channel: Channel) -> None:
        """Store a new channel; raise AlreadyExists if its id is taken, InvalidInput if it is too large to keep."""
        ...

    def get(self, channel_id: str) -> Channel:
        """Give a channel; raise ChannelNotFound."""
        ...

    def replace(self, channel: Channel) -> None:
        """Store the next version; raise VersionConflict unless `channel.version - 1` is stored, or ChannelNotFound.

        Raise InvalidInput if it is too large to keep.
        """
        ...

    def remove(self, channel_id: str, version: int | None = None) -> None:
        """Forget a channel; raise ChannelNotFound, or VersionConflict if a `version` is given and is not stored."""
        ...

    def page(self, limit: int, after: Position | None = None) -> Sequence[Channel]:
        """Give up to `limit` channels by `created_at`, newest first; one just added may be missing."""
        ...


class SessionStore(Protocol):
    """Keeps sessions, and for each channel what it is doing."""

    def air(self, channel_id: str) -> Air:
        """Give what a channel is doing; a channel never seen gives an Air of version 0."""
        ...

    def get(self, session_id: str) -> Session:
        """Give a session; raise SessionNotFound."""
        ...

    def save(self, *, session: Session | None = None, air: Air | None = None, events: Sequence[Event] = ()) -> None:
        """Store the next version of either or of both in one transaction; all or nothing.

        The `events` that tell of it, of one stream, go into the outbox in the same transaction. Raise VersionConflict
        unless the version before is what is stored and the events' numbers are free; a session of version 1 and an
        air of version 1 must not exist yet.
        """
        ...

    def page(self, limit: int, *, channel_id: str | None = None, after: Position | None = None) -> Sequence[Session]:
        """Give up to `limit` sessions by `started_at`, newest first; one just opened may be missing."""
        ...

    def open_sessions(self) -> Sequence[Session]:
        """Give every session that has not ended or failed, newest first; one just opened may be missing."""
        ...

    def removals(self) -> Sequence[Session]:
        """Give every session that was taken down and is still stored, newest first; no page has them."""
        ...

    def forget(self, session: Session) -> None:
        """Forget a session for good; raise VersionConflict unless this version is stored."""
        ...


class LeaseStore(Protocol):
    """Keeps the one lease of each session."""

    def claim(self, session_id: str, holder: str, *, ttl: timedelta, now: datetime) -> Lease:
        """Take the lease with the next epoch (from 1); raise LeaseHeld while another holder's is valid."""
        ...

    def renew(self, lease: Lease, *, ttl: timedelta, now: datetime) -> Lease:
        """Extend one's own lease and store what it says besides; raise LeaseLost once a newer epoch is recorded."""
        ...

    def release(self, lease: Lease) -> None:
        """Let one's own lease expire now; nothing happens if a newer epoch is recorded."""
        ...

    def get(self, session_id: str) -> Lease | None:
        """Give the lease of a session, valid or not, or None if nobody ever claimed it or it is forgotten."""
        ...


class Overview(Protocol):
    """Reads channels, sessions and leases together, cheaply; each record may lag behind its last change by seconds.

    Whoever would do harm by what it says asks the other stores first: they give what was stored last.
    """

    def of_channels(self, channel_ids: Sequence[str]) -> Sequence[Standing]:
        """Give what bears on each of the channels, in their order."""
        ...

    def open_sessions(self) -> Sequence[Standing]:
        """Give what bears on every session that has not ended or failed, newest first; a new one may be missing."""
        ...

    def follow(self, channel_id: str, session_id: str) -> Followed:
        """Give what a session's worker follows; raise SessionNotFound."""
        ...

    def pulls(self) -> Sequence[Standing]:
        """Give what bears on every channel whose source is to be fetched; one just started may be missing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object's whole content and its tag; the tag changes with the content."""

    body: bytes
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFile:
    """Where an object lies on this machine."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteUrl:
    """An address that serves an object of so many bytes for a while, to GET alone."""

    url: str
    bytes: int


class ObjectStore(Protocol):
    """Keeps objects by key; a key is visible only when its bytes are whole."""

    def create(self, key: str, source: Path, *, sha256: str, metadata: Mapping[str, str] | None = None) -> None:
        """Store the file `source` under a new key; the source stays where it is.

        Raise ObjectExists if the key holds other content; the same content (one's own retry) is success.
        `sha256` is the hex digest of the source. Raise StoreFull when there is no room.
        A store whose objects have `metadata` (names in lower case, values in ASCII) keeps it for their readers.
        """
        ...

    def replace(self, key: str, body: bytes, *, etag: str | None, metadata: Mapping[str, str] | None = None) -> str:
        """Store `body` if the key's tag is still `etag` (None: if there is no object) and give the new tag.

        Raise ObjectChanged otherwise. `metadata` is as for `create`.
        """
        ...

    def read(self, key: str) -> StoredObject:
        """Give a small object; raise ObjectNotFound."""
        ...

    def locate(self, key: str, *, seconds: int, saved_as: str | None = None) -> LocalFile | RemoteUrl:
        """Say where a viewer's request for an object is served from, for `seconds`; raise ObjectNotFound.

        With `saved_as` a RemoteUrl makes a browser save the object under that name instead of showing it.
        """
        ...

    def origin(self) -> str | None:
        """Give the scheme, host and port of every RemoteUrl, or None where there are none."""
        ...

    def check(self) -> None:
        """Raise StoreUnavailable or StoreFull if nothing could be stored now."""
        ...

    def close(self) -> None:
        """Let go of what is held open."""
        ...


@runtime_checkable
class ObjectEraser(Protocol):
    """Removes objects: a port of its own, so that only who has to can."""

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects, as far as they are there; some may be gone where it fails, and to ask again is harmless."""
        ...

    def remove_under(self, prefix: str, limit: int) -> int:
        """Remove objects whose keys begin with `prefix`, which ends with a slash; give how many there were.

        At most `limit` go; so many may not have been all.
        """
        ...


class ViewersCache(Protocol):
    """What stands between viewers and the store, and keeps objects of its own."""

    def forget(self, prefixes: Sequence[str], *, reference: str) -> None:
        """Let it forget objects whose keys begin so, soon; the same `reference` twice is one order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchOrder:
    """Which worker to start: ids only, it reads the rest from state.

    With `is_successor` it is started although the session has a worker: that one is leaving, and hands over to it.
    `epoch` is the one that its lease will have, and `attempt` counts the orders for that: together with the session
    they name an order for good, so that one that is given twice starts one worker. `zone` is where it is wanted first,
    and `size` what it needs (None: the smallest).
    """

    channel_id: str
    session_id: str
    is_successor: bool = False
    epoch: int = 1
    attempt: int = 1
    zone: str = ""
    size: str | None = None


class Launcher(Protocol):
    """Starts workers."""

    def launch(self, order: LaunchOrder) -> None:
        """Start one worker and return at once; raise LaunchFailed if it cannot be started."""
        ...

    def running(self) -> frozenset[str] | None:
        """Give the sessions whose worker is known to run here, or None where that cannot be told cheaply."""
        ...

    def kill(self, session_id: str) -> None:
        """End a session's workers now, without asking; nothing happens where none is known to run."""
        ...


class Function(Protocol):
    """A program elsewhere that answers one call."""

    def call(self, order: bytes) -> bytes:
        """Give the answer to `order`, both JSON; raise TooBusy, or Unavailable where it does not come."""
        ...
