"""The news of a session: what of all that happens is an event, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.domain import event as events
from services.domain import times
from services.domain.artifact import Artifact, Kind
from services.domain.channel import Channel
from services.domain.channel_facts import channel_facts
from services.domain.manifest import Gap, Head, Part, entry_record, gap_record
from services.domain.records import reason_record
from services.domain.session import Reason, Session, SessionState
from services.worker.announcing.announcement import Announcement
from services.worker.announcing.feeder import Feeder
from services.worker.announcing.remembered import Newest

_TYPES = {Kind.SNAPSHOT: events.SNAPSHOT_CREATED, Kind.RECORDING: events.RECORDING_CREATED}
_AWAY = "publisher_away"
_NEVER = Newest(0, "")


@dataclass(slots=True, kw_only=True)
class News:
    """Announces what happens to one session; none of its calls waits. Without a `feeder` nobody is told.

    `channel` gives the channel as it is known by now. `is_begun` says that media was there before the journal began,
    on another machine.
    """

    feeder: Feeder | None = None
    channel: Callable[[], Channel | None] = lambda: None
    is_begun: bool = False

    def announce(self, kind: str, at: datetime, data: Mapping[str, Any], event_id: str) -> None:
        """Note an event; one of the same id is noted once."""
        if self.feeder is not None and self.feeder.journal.add(self.announcement(kind, at, data, event_id)):
            self.feeder.notice()

    def announcement(self, kind: str, at: datetime, data: Mapping[str, Any], event_id: str) -> Announcement:
        """Give an event with what all of them say."""
        session_id = "" if self.feeder is None else self.feeder.session_id
        told = {**data, **channel_facts(self.channel())}
        return Announcement(id="/".join(filter(None, (session_id, kind, event_id))), type=kind, at=at, data=told)

    def shipped(self, entry: Artifact) -> None:
        """Tell of a picture or a recording that lies in the store."""
        if entry.kind in _TYPES:
            record: dict[str, Any] = {"flags": [], "phash": None, "sizes": []} if entry.kind is Kind.SNAPSHOT else {}
            record |= {name: value for name, value in entry_record(entry).items() if name != "kind"}
            if entry.kind is Kind.SNAPSHOT:
                del record["seconds"]
            self.announce(_TYPES[entry.kind], entry.captured_at, record, entry.key)

    def gap(self, gap: Gap) -> None:
        """Tell of a gap that was declared."""
        record = gap_record(gap)
        name = f"{record['from']}/{gap.cause}/{'+'.join(gap.outputs)}"
        self.announce(events.GAP_DECLARED, gap.started_at, record, name)

    def followed(self, session: Session) -> None:
        """Tell that the session is interrupted, if it was on air before and is not about to end."""
        reason, is_ending = session.state_reason, session.closing or session.close is not None
        if session.state is not SessionState.INTERRUPTED or reason is None or is_ending or not self._is_on_air():
            return
        if times.text(reason.since) > self._began_at():  # or state has not heard yet of what came after
            self._interrupted(reason)

    def began(self, part: Part) -> None:
        """Tell of media: of the session's first, or of what comes after an interruption."""
        if part.number == 0 and self._newest(events.SESSION_STARTED) is _NEVER:
            self.announce(events.SESSION_STARTED, part.started_at, {"part": 0}, "")
        elif part.number and not self._is_on_air():
            since = self._newest(events.SESSION_INTERRUPTED).at or None
            data = {"part": part.number, "interrupted_at": since}
            self.announce(events.SESSION_RESUMED, part.started_at, data, times.text(part.started_at))

    def missed(self, part: Part, gaps: Iterable[Gap]) -> None:
        """Tell of an interruption before a part that was over before state said so, by the gaps that it made."""
        since = min((gap.started_at for gap in gaps if gap.cause == _AWAY), default=None)
        if since is not None and self._is_on_air() and times.text(since) > self._began_at():
            self._interrupted(Reason(code=_AWAY, detail="the publisher was not connected", since=since))
            self.began(part)

    def took_over(self, head: Head, gaps: Iterable[Gap], *, is_of_another_machine: bool) -> None:
        """Tell what an earlier worker did not come to, and the gaps that its end made."""
        self.is_begun = is_of_another_machine and bool(head.parts)
        if head.parts and not is_of_another_machine:
            self.began(head.parts[0])
        for gap in gaps:
            self.gap(gap)

    def ended(self, head: Head, vod_key: str | None) -> Announcement:
        """Give the end of the session, which its state and the outbox are told of together."""
        at = head.ended_at or head.started_at
        data = {
            "started_at": times.text(head.started_at),
            "ended_at": times.text(at),
            "parts": len(head.parts),
            "gaps": len(head.gaps),
            "counts": dict(head.totals),
            "vod": vod_key,
        }
        return self.announcement(events.SESSION_ENDED, at, data, "")

    def _interrupted(self, reason: Reason) -> None:
        since = times.text(reason.since)
        self.announce(events.SESSION_INTERRUPTED, reason.since, {"reason": reason_record(reason)}, since)

    def _newest(self, kind: str) -> Newest:
        return _NEVER if self.feeder is None else self.feeder.journal.remembered.newest.get(kind, _NEVER)

    def _began(self) -> Newest:
        """Give when media was there again, or first."""
        return max(self._newest(events.SESSION_STARTED), self._newest(events.SESSION_RESUMED))

    def _began_at(self) -> str:
        return self._began().at

    def _is_on_air(self) -> bool:
        began, interrupted = self._began().number, self._newest(events.SESSION_INTERRUPTED).number
        return self.is_begun if began == interrupted == 0 else began > interrupted
