"""What bears on a channel, read together."""

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
