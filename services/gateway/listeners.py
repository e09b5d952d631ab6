"""Which sessions have a worker pulling right now: what an accepted publisher is held for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping


class Listeners:
    """The players of this gateway by session, and a way to wait for the first of one."""

    def __init__(self) -> None:
        """Start with nobody."""
        self._sessions: dict[str, str] = {}
        self._waiting: dict[str, asyncio.Event] = {}

    def arrived(self, session_id: str, client_id: str) -> None:
        """Note that a session's worker plays as `client_id`, and wake who waits for it."""
        self._sessions[client_id] = session_id
        event = self._waiting.get(session_id)
        if event is not None:
            event.set()

    def left(self, client_id: str) -> None:
        """Note that a player is gone."""
        self._sessions.pop(client_id, None)

    def replace_all(self, sessions: Mapping[str, str]) -> None:
        """Take over what nginx itself says: session by client id."""
        self._sessions = dict(sessions)
        for session_id in set(sessions.values()) & self._waiting.keys():
            self._waiting[session_id].set()

    def is_listening(self, session_id: str) -> bool:
        """Say whether the session's worker pulls now."""
        return session_id in self._sessions.values()

    async def wait(self, session_id: str, seconds: float) -> bool:
        """Wait until the session's worker pulls, at most `seconds`; say whether it does."""
        if self.is_listening(session_id):
            return True
        event = self._waiting.setdefault(session_id, asyncio.Event())
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return self.is_listening(session_id)
        finally:
            if self._waiting.get(session_id) is event:
                del self._waiting[session_id]
        return True
