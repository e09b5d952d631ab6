"""Tells a channel's owner why nothing comes from its source."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import structlog

from services.domain.clock import Clock
from services.domain.errors import Unavailable, VersionConflict
from services.domain.ports import SessionStore
from services.domain.session import Air, Reason

log = structlog.get_logger()

UNAVAILABLE, UNSUPPORTED, ENDED = "source_unavailable", "source_unsupported", "source_ended"
EVERY_SECONDS = 10.0
"""A source that fails in one way and then in another is told of no more often."""
_ATTEMPTS = 5


@dataclass(slots=True, kw_only=True)
class Trouble:
    """Writes it into what the channel is doing, when it changes, unless state is away; all calls block."""

    channel_id: str
    sessions: SessionStore
    clock: Clock
    _told: tuple[str, str] | None = None
    _told_at: float | None = None

    def recorded(self) -> str | None:
        """Give the code of what was told last, by an earlier life of this program as well; None while state is away."""
        try:
            pull = self.sessions.air(self.channel_id).pull
        except Unavailable:
            return None
        return None if pull is None or pull.trouble is None else pull.trouble.code

    def tell(self, code: str, detail: str) -> None:
        """Say why; `since` stays while the code does."""
        is_early = self._told_at is not None and time.monotonic() - self._told_at < EVERY_SECONDS
        is_same_kind = self._told is not None and self._told[0] == code
        if self._told != (code, detail) and not (is_same_kind and is_early):
            self._record(Reason(code=code, detail=detail, since=self.clock.now()))

    def over(self) -> None:
        """Say that media comes."""
        if self._told is not None or self._told_at is None:  # what an earlier life of this program told, too
            self._record(None)

    def _record(self, trouble: Reason | None) -> None:
        try:
            for _ in range(_ATTEMPTS):
                try:
                    self._save(self.sessions.air(self.channel_id), trouble)
                except VersionConflict:
                    continue
                break
        except Unavailable as error:
            log.warning("trouble_not_told", error=str(error))
            return
        self._told = None if trouble is None else (trouble.code, trouble.detail)
        self._told_at = time.monotonic()

    def _save(self, air: Air, trouble: Reason | None) -> None:
        pull = air.pull
        if pull is None or (trouble is None and pull.trouble is None):
            return
        if trouble is not None and pull.trouble is not None and pull.trouble.code == trouble.code:
            trouble = replace(trouble, since=pull.trouble.since)
        self.sessions.save(air=air.changed(pull=replace(pull, trouble=trouble)))
