"""What this gateway knows of sessions without asking state: so that one that is on air goes on while state is away."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.domain.session import Session

SESSIONS_MAX = 4096


@dataclass(slots=True)
class Memory:
    """The sessions that were met last, each as it was then; any thread may call."""

    sessions_max: int = SESSIONS_MAX
    _sessions: OrderedDict[str, Session] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, session: Session) -> Session:
        """Remember a session, and give it back."""
        self.keep_all((session,))
        return session

    def keep_all(self, sessions: Iterable[Session]) -> None:
        """Remember sessions; those met longest ago are forgotten where there are too many."""
        with self._lock:
            for session in sessions:
                self._sessions[session.id] = session
                self._sessions.move_to_end(session.id)
            while len(self._sessions) > self.sessions_max:
                self._sessions.popitem(last=False)

    def get(self, session_id: str) -> Session | None:
        """Give a session as it was when it was met last."""
        with self._lock:
            return self._sessions.get(session_id)

    def of_channel(self, channel_id: str) -> Sequence[Session]:
        """Give the channel's sessions, each as it was when it was met last, that was met last first."""
        with self._lock:
            return [each for each in reversed(self._sessions.values()) if each.channel_id == channel_id]
