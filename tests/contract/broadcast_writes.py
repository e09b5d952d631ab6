"""All writes of one broadcast, in their order: what a process may be killed between."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from services.adapters.opening import State
from services.domain.session import Lease
from services.domain.standing import Standing
from tests.contract.racing import RACERS
from tests.contract.worlds import STATES
from tests.examples import NOW, a_channel, a_session

TTL = timedelta(seconds=10)


class Broadcast:
    """One worker's and gateway's writes for a channel; each reads first, as whoever comes after a kill must."""

    def __init__(self, state: State, channel_id: str, holder: str, now: datetime = NOW) -> None:
        self.state = state
        self.channel_id = channel_id
        self.session_id = f"session-of-{channel_id}"
        self._holder = holder
        self._now = now

    def standing(self) -> Standing:
        """Give what bears on the channel, with what its lease is."""
        (standing,) = self.state.overview.of_channels([self.channel_id])
        return standing

    def lease(self) -> Lease:
        lease = self.state.leases.get(self.session_id)
        assert lease is not None
        return lease

    def add_channel(self) -> None:
        self.state.channels.add(a_channel(self.channel_id))

    def open_session(self) -> None:
        session = a_session(self.session_id, channel_id=self.channel_id)
        self.state.sessions.save(session=session, air=self.state.sessions.air(self.channel_id).opened(self.session_id))

    def claim(self) -> None:
        self.state.leases.claim(self.session_id, self._holder, ttl=TTL, now=self._now)

    def renew(self) -> None:
        self.state.leases.renew(self.lease(), ttl=TTL, now=self._now)

    def go_live(self) -> None:
        self.state.sessions.save(session=self.state.sessions.get(self.session_id).went_live())

    def begin_closing(self) -> None:
        self.state.sessions.save(session=self.state.sessions.get(self.session_id).began_closing())

    def end(self) -> None:
        session, air = self.state.sessions.get(self.session_id), self.state.sessions.air(self.channel_id)
        self.state.sessions.save(
            session=session.ended(self._now), air=air.changed(session_id=None, media_sequence=air.media_sequence + 1)
        )

    def release(self) -> None:
        self.state.leases.release(self.lease())


WRITES: Sequence[Callable[[Broadcast], None]] = (
    Broadcast.add_channel,
    Broadcast.open_session,
    Broadcast.claim,
    Broadcast.renew,
    Broadcast.go_live,
    Broadcast.begin_closing,
    Broadcast.end,
    Broadcast.release,
)
OPENED, CLAIMED, ENDED, RELEASED = (
    WRITES.index(write) + 1 for write in (Broadcast.open_session, Broadcast.claim, Broadcast.end, Broadcast.release)
)
"""How many writes it takes until that has happened."""


def channel_of(writes: int) -> str:
    """Name the channel whose process is killed after so many writes."""
    return f"killed-after-{writes}"


def killed_each(number: int, world: str, place: Path) -> list[int]:
    """Fork a process for each of one's share of the numbers of writes, and give what ended it."""
    return [_killed_after(writes, world, place) for writes in range(1 + number, len(WRITES) + 1, RACERS)]


def _killed_after(writes: int, world: str, place: Path) -> int:
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        broadcast = Broadcast(STATES[world](place), channel_of(writes), "killed")
        for write in WRITES[:writes]:
            write(broadcast)
        os.kill(os.getpid(), signal.SIGKILL)
    finally:
        os._exit(1)
