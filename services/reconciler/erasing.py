"""Removes what sessions stored: what names media before the media itself, a bounded number of objects at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import structlog

from services.domain import keys, manifest, retention
from services.domain.clock import Clock
from services.domain.errors import ObjectChanged, ObjectNotFound, StoreBusy, VersionConflict
from services.domain.ports import ObjectEraser, ObjectStore, SessionStore, ViewersCache
from services.domain.session import Air, Session

log = structlog.get_logger()

CALLS_AT_ONCE = 200
"""So many calls to the store a step makes at most, each for up to OBJECTS_AT_ONCE objects."""
OBJECTS_AT_ONCE = 1_000


class OutOfCalls(Exception):
    """A step has done its share; the next one goes on."""


@dataclass(slots=True, kw_only=True)
class Eraser:
    """Erases kinds of sessions, and whole sessions; every call blocks.

    What it has found empty of a session it remembers until that is done, so that a step goes on where the last stopped.
    """

    sessions: SessionStore
    store: ObjectStore
    objects: ObjectEraser
    clock: Clock
    cache: ViewersCache | None = None
    calls_at_once: int = CALLS_AT_ONCE
    _calls: int = 0
    _empty: dict[str, set[str]] = field(default_factory=dict)

    def begin(self) -> None:
        """Begin another step."""
        self._calls = 0

    def erase(self, session: Session, kinds: frozenset[str]) -> None:
        """Remove these kinds of an ended session and record it; raise OutOfCalls before that is all done."""
        self._declare(session, kinds)
        self._clear_kinds(session, kinds)
        self._done(session)
        self._record(session.with_erased(kinds))
        log.info("session_erased", session=session.id, channel=session.channel_id, kinds=sorted(kinds))

    def remove(self, session: Session) -> None:
        """Remove a session with all that it stored; raise OutOfCalls before that is all done."""
        self._clear_kinds(session, frozenset(retention.KINDS) - session.erased)
        self._clear(session, keys.manifest_folder(session.channel_id, session.id))
        if self.cache is not None:
            self.cache.forget(_cached(session), reference=session.id)
        self._done(session)
        self.sessions.forget(session)
        log.info("session_removed", session=session.id, channel=session.channel_id)

    def _clear_kinds(self, session: Session, kinds: frozenset[str]) -> None:
        self._unname(session, kinds)
        ended_at = session.ended_at or self.clock.now()
        for kind in sorted(kinds):
            for prefix in retention.prefixes(kind, session.channel_id, session.id, session.started_at, ended_at):
                self._clear(session, prefix)

    def _declare(self, session: Session, kinds: frozenset[str]) -> None:
        """Say in the manifest that nothing of these kinds is there, before it is so."""
        key = keys.head(session.channel_id, session.id)
        self._call()
        try:
            stored = self.store.read(key)
        except ObjectNotFound:
            return
        head = manifest.decode_head(stored.body)
        if kinds <= set(head.expired):
            return
        self._call()
        try:
            self.store.replace(key, manifest.encode_head(head.with_expired(kinds)), etag=stored.etag)
        except ObjectChanged as changed:  # nobody but this service changes the manifest of a session that has ended
            raise StoreBusy(f"{key} changed meanwhile") from changed

    def _unname(self, session: Session, kinds: frozenset[str]) -> None:
        """Remove what leads viewers to the media: lists, and what shows the channel's last session as its newest."""
        named = list(_lists_of(session)) if retention.HLS in kinds else []
        air = self.sessions.air(session.channel_id)
        if air.last_session_id == session.id and air.session_id is None:
            named += _lists_of_channel(session, kinds)
        self._call()
        self.objects.remove(named)
        if retention.HLS in kinds and air.last_session_id == session.id:
            self._forget_newest(session, air)

    def _forget_newest(self, session: Session, air: Air) -> None:
        """Let the channel's playback lead to this session no more, unless another has begun meanwhile."""
        try:
            self.sessions.save(air=air.changed(last_session_id=None))
        except VersionConflict:
            log.info("air_changed_meanwhile", channel=session.channel_id)

    def _clear(self, session: Session, prefix: str) -> None:
        empty = self._empty.setdefault(session.id, set())
        while prefix not in empty:
            self._call()
            if self.objects.remove_under(prefix, OBJECTS_AT_ONCE) < OBJECTS_AT_ONCE:
                empty.add(prefix)

    def _call(self) -> None:
        if self._calls == self.calls_at_once:
            raise OutOfCalls
        self._calls += 1

    def _done(self, session: Session) -> None:
        self._empty.pop(session.id, None)

    def _record(self, session: Session) -> None:
        try:
            self.sessions.save(session=session)
        except VersionConflict:  # held, or taken down, meanwhile: the next pass sees that and erases nothing twice
            log.info("session_changed_meanwhile", session=session.id)


def _cached(session: Session) -> list[str]:
    """Give what viewers may have had of a session; of pictures and recordings, whose keys begin with a date, more."""
    dated = [f"{kind}/{session.channel_id}/" for kind in (retention.SNAPSHOTS, retention.RECORDINGS)]
    return [keys.hls_folder(session.channel_id, session.id), *dated]


def _lists_of(session: Session) -> Iterator[str]:
    yield keys.vod_playlist(session.channel_id, session.id)
    yield keys.sprites(session.channel_id, session.id)


def _lists_of_channel(session: Session, kinds: frozenset[str]) -> Iterator[str]:
    """Give what shows the channel's last session while no other is on air."""
    if retention.HLS in kinds:
        yield keys.live_playlist(session.channel_id)
    if retention.SNAPSHOTS in kinds:
        yield keys.latest_snapshot(session.channel_id)
