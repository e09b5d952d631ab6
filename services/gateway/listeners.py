"""Which sessions have a worker pulling right now: what an accepted publisher is held for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

JOINING_SECONDS = 1.0
"""How long after `on_play` a player may be missing from /stat: nginx lets it join once it has our answer."""


@dataclass(frozen=True, slots=True)
class Player:
    """A connection that plays: a client id within one life of a gateway."""

    gateway: str
    client_id: str


@dataclass(frozen=True, slots=True)
class _Pull:
    session_id: str
    since: float  # monotonic seconds


@dataclass(slots=True)
class Listeners:
    """The players of this gateway by session, and a way to wait for the first of one."""

    _pulls: dict[Player, _Pull] = field(default_factory=dict)
    _spent: frozenset[Player] = frozenset()
    _seen: frozenset[Player] = frozenset()
    _waiting: dict[str, set[asyncio.Event]] = field(default_factory=dict)

    def arrived(self, player: Player, session_id: str) -> None:
        """Note that a session's worker plays, and wake who waits for it."""
        self._pulls[player] = _Pull(session_id, time.monotonic())
        for event in self._waiting.get(session_id, ()):
            event.set()

    def left(self, player: Player) -> None:
        """Note that a player is gone."""
        self._pulls.pop(player, None)

    def publisher_left(self, session_id: str) -> None:
        """Count a session's players no longer: nginx tells them of the end, and each ends, the next one pulls anew."""
        spent = {player for player, pull in self._pulls.items() if pull.session_id == session_id}
        self._spent |= spent
        for player in spent:
            del self._pulls[player]

    def reconcile(self, gateway: str, sessions: Mapping[str, str | None], *, asked_at: float) -> None:
        """Correct what is known by what nginx said when asked at `asked_at` (monotonic): session by client id.

        A player whose session is not known (None) stays what it was. A player nobody told of is believed when two
        answers in a row show it: the first may be of one just leaving.
        """
        shown = {Player(gateway, client_id): session_id for client_id, session_id in sessions.items()}
        for player, pull in list(self._pulls.items()):
            if player not in shown and (player.gateway != gateway or pull.since < asked_at - JOINING_SECONDS):
                del self._pulls[player]
        self._spent &= shown.keys()
        for player in (shown.keys() & self._seen) - self._spent - self._pulls.keys():
            session_id = shown[player]
            if session_id is not None:
                self.arrived(player, session_id)
        self._seen = frozenset(shown)

    def is_listening(self, session_id: str, gateway: str | None = None) -> bool:
        """Say whether the session's worker pulls now: from this life of the gateway, or (None) from any."""
        return any(
            pull.session_id == session_id and gateway in (None, player.gateway) for player, pull in self._pulls.items()
        )

    async def wait(self, session_id: str, seconds: float, gateway: str | None = None) -> bool:
        """Wait until the session's worker pulls, at most `seconds`; say whether it does."""
        event = asyncio.Event()
        self._waiting.setdefault(session_id, set()).add(event)
        try:
            async with asyncio.timeout(seconds):
                while not self.is_listening(session_id, gateway):
                    event.clear()
                    await event.wait()
        except TimeoutError:
            return False
        finally:
            waiting = self._waiting[session_id]
            waiting.discard(event)
            if not waiting:
                del self._waiting[session_id]
        return True
