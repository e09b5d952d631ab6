"""What is known of the time before a part, and so what of it is missing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from services.domain.gaps import missing_before
from services.domain.manifest import Gap, Part
from services.domain.session import Publisher
from services.worker.capture.steady_clock import SteadyClock
from services.worker.following import Following


class Before(Enum):
    """Which of it is missing."""

    UNKNOWN = "unknown"
    """All since the last part, or since the publisher was let in, by what is known of those."""
    HEARD = "heard"
    """The publisher's first media is in the part: only what is before its connection is missing."""
    JOINED = "joined"
    """Nothing: it goes on where the last part ends, or what is missing is declared already."""
    EARLIER = "earlier"
    """Its publisher, whose first media is in it, has left since."""
    LATE = "late"
    """Its publisher has left since, and nobody has that one's first media any more."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Where the last part ended and why nothing was captured since; `unheard` is why not of who came anew."""

    previous_end: datetime | None
    cause: str
    unheard: str | None = None
    before: Before = Before.UNKNOWN


def gaps_before(part: Part, missed: Missed, following: Following, steady: SteadyClock) -> list[Gap]:
    """Give what is missing before a part, by what the session says now."""
    if missed.before is Before.JOINED:
        return []
    session, outputs = following.session, following.plan().outputs()
    if missed.before is Before.LATE and missed.previous_end is None:
        since = steady.of_wall(session.started_at, since=session.started_at)
        gap = Gap(started_at=since, ended_at=part.started_at, outputs=outputs, cause="not_listening")
        return [gap] if part.started_at > since else []
    left_at = session.left_at and steady.of_wall(session.left_at, since=session.started_at)
    publisher = _publisher(missed.before, following, steady)
    previous_end, cause = missed.previous_end, missed.cause
    if previous_end is None and publisher is not None and left_at is not None and left_at < publisher.accepted_at:
        # Somebody was on air before, and nobody has anything of that.
        previous_end, cause = steady.of_wall(session.started_at, since=session.started_at), "not_listening"
    return missing_before(
        part,
        previous_end,
        publisher,
        outputs,
        cause=cause,
        unheard=None if missed.before is Before.HEARD else missed.unheard,
        left_at=left_at,
    )


def _publisher(before: Before, following: Following, steady: SteadyClock) -> Publisher | None:
    publisher = following.session.publisher
    if publisher is None or before in {Before.EARLIER, Before.LATE}:
        return None
    accepted_at = steady.of_wall(publisher.accepted_at, since=following.session.started_at)
    return replace(publisher, accepted_at=accepted_at, listening=publisher.listening or before is Before.HEARD)
