"""What bears on a channel or a session, read together."""

from __future__ import annotations

from dataclasses import dataclass

from services.domain.channel import Channel
from services.domain.session import Air, Lease, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A channel's settings, what it is doing, its open session, and who works for that.

    `channel` is None once it is deleted, `session` while none is open, `lease` while nobody has claimed it.
    """

    channel: Channel | None
    air: Air
    session: Session | None
    lease: Lease | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What a session's worker follows: the channel's settings, the session, and whose it is.

    `channel` is None once it is deleted, `lease` while nobody has claimed the session.
    """

    channel: Channel | None
    session: Session
    lease: Lease | None
