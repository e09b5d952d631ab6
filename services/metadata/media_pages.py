"""Pages of a channel's snapshots or recordings, read from the manifests of its sessions, newest first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.domain.artifact import Artifact, Kind
from services.domain.errors import SessionNotFound
from services.domain.ports import ObjectStore, Position, SessionStore
from services.domain.session import Session
from services.metadata.manifests import newest_first, place, read_head
from services.metadata.time_window import TimeWindow

SESSIONS_PER_READ = 50
HEADS_PER_PAGE = 200  # bounds the work for one answer: a page may end early, with a cursor
LOOKS_PER_PAGE = 2_000
"""So many artifacts are looked at for one answer where not all are wanted: more than any page holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPage:
    """Artifacts, and where the list goes on: after a session, or after an artifact in it; nowhere if empty."""

    items: Sequence[Artifact]
    after: tuple[Position, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaShelf:
    """One channel's artifacts of one kind in a window of time (by their begin), with `flags` those that have any."""

    sessions: SessionStore
    objects: ObjectStore
    channel_id: str
    kind: Kind
    window: TimeWindow
    flags: frozenset[str] = frozenset()

    def page(self, limit: int, after: Sequence[Position]) -> MediaPage:
        """Give up to `limit` artifacts after a place, newest first."""
        found: list[Artifact] = []
        end: tuple[Position, ...] = ()  # where the page ends if one more is wanted
        looks = 0
        for number, session in enumerate(self._walk(after), start=1):
            within = after[1] if len(after) > 1 and session.id == after[0].id else None
            for artifact in self._of_session(session, within):
                looks += 1
                is_wanted = not self.flags or not self.flags.isdisjoint(artifact.flags)
                if is_wanted and len(found) == limit:
                    return MediaPage(items=found, after=end)
                if is_wanted:
                    found.append(artifact)
                    end = (_place_of(session), place(artifact))
                if looks == LOOKS_PER_PAGE:
                    return MediaPage(items=found, after=(_place_of(session), place(artifact)))
            if number == HEADS_PER_PAGE:
                return MediaPage(items=found, after=(_place_of(session),))
        return MediaPage(items=found)

    def _walk(self, after: Sequence[Position]) -> Iterator[Session]:
        """Give the sessions that may hold what is asked for, newest first."""
        for session in self._sessions_from(after):
            # A channel's sessions do not overlap: those before one that ended too early ended earlier still.
            if session.ended_at is not None and session.ended_at < self.window.start:
                return
            yield session

    def _sessions_from(self, after: Sequence[Position]) -> Iterator[Session]:
        position = after[0] if after else Position(at=self.window.end, id="")
        if len(after) > 1:
            yield from self._named(position.id)
        while sessions := self.sessions.page(SESSIONS_PER_READ, channel_id=self.channel_id, after=position):
            yield from sessions
            position = _place_of(sessions[-1])

    def _named(self, session_id: str) -> Iterator[Session]:
        """Give the session a cursor stands in, unless it is gone or another channel's."""
        try:
            session = self.sessions.get(session_id)
        except SessionNotFound:
            return
        if session.channel_id == self.channel_id and session.removed_at is None:
            yield session

    def _of_session(self, session: Session, within: Position | None) -> Iterator[Artifact]:
        if f"{self.kind.value}s" in session.expired:
            return
        head = read_head(self.objects, session)
        if head is not None:
            yield from newest_first(self.objects, head, self.kind, self.window, within)


def _place_of(session: Session) -> Position:
    return Position(at=session.started_at, id=session.id)
