"""The sessions in this gateway's charge, where it is one of several: those whose publisher is connected to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.domain.session import Publisher, Session
from services.gateway.nginx_client import Census
from services.gateway.survey import Sight, Survey


@dataclass(slots=True, kw_only=True)
class Charges:
    """Reads no more of state than that: the reconciler looks after all others.

    A session is asked for once more after nginx has ceased to list its publisher, so that a departure of which nobody
    was told is found. On one machine (`is_alone`) all sessions are this gateway's.
    """

    is_ours: Callable[[Publisher], bool]
    is_alone: bool
    _channels: frozenset[str] = frozenset()

    def includes(self, session: Session) -> bool:
        """Say whether this gateway sees to the session's worker."""
        return self.is_alone or (session.publisher is not None and self.is_ours(session.publisher))

    def sights(self, survey: Survey, census: Census | None) -> Sequence[Sight]:
        """Give the open ones, each as it was a moment ago; it blocks."""
        if self.is_alone:
            return survey.open_sessions()
        listed = frozenset() if census is None else frozenset(each.channel_id for each in census.connections)
        own = self._own(survey, listed | self._channels)
        self._channels = frozenset(sight.session.channel_id for sight in own)
        return own

    def known(self, survey: Survey) -> Sequence[Sight]:
        """Give those that were found last, or on one machine all; it blocks."""
        return survey.open_sessions() if self.is_alone else self._own(survey, self._channels)

    def _own(self, survey: Survey, channels: frozenset[str]) -> list[Sight]:
        return [sight for sight in survey.of_channels(channels) if self.includes(sight.session)]
