"""What a sweep may do: each action names one thing, why, and which broadcast it would end if it were wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from services.domain.session import Publisher


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """`kind` is its name in logs and counts, and `most` so many of that kind are done in one sweep."""

    kind: ClassVar[str]
    most: ClassVar[int] = 100
    reason: str

    @property
    def ends(self) -> str | None:
        """Name the session whose broadcast this may end, if it may."""
        return None

    @property
    def subject(self) -> str:
        """Name what it is done to."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class OfSession(Action):
    """An action on a session."""

    session_id: str
    channel_id: str

    @property
    def subject(self) -> str:
        """Name the session."""
        return self.session_id


@dataclass(frozen=True, slots=True, kw_only=True)
class LosePublisher(OfSession):
    """Record that a connection is gone, `since` then."""

    kind: ClassVar[str] = "publisher_lost"
    most: ClassVar[int] = 500
    publisher: Publisher
    since: datetime

    @property
    def ends(self) -> str | None:
        """A publisher that is there after all would be cut."""
        return self.session_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Close(OfSession):
    """Ask a session to end that may no longer be on air."""

    kind: ClassVar[str] = "session_closed"

    @property
    def ends(self) -> str | None:
        """It ends at once."""
        return self.session_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail(OfSession):
    """Record that nothing more can come of a session."""

    kind: ClassVar[str] = "session_failed"

    @property
    def ends(self) -> str | None:
        """It ends at once."""
        return self.session_id


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeLease(OfSession):
    """Free the lease of a worker whose task is over, so that the next need not wait for its end."""

    kind: ClassVar[str] = "lease_freed"
    task_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch(OfSession):
    """Start a worker; `is_successor`: beside the one that is leaving."""

    kind: ClassVar[str] = "worker_launched"
    zone: str
    is_successor: bool = False
    is_closing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OfTask(Action):
    """An action on a task."""

    task_id: str

    @property
    def subject(self) -> str:
        """Name the task."""
        return self.task_id


@dataclass(frozen=True, slots=True, kw_only=True)
class StopHung(OfTask):
    """Stop a task of an open session that does not work for it."""

    kind: ClassVar[str] = "hung_stopped"
    session_id: str

    @property
    def ends(self) -> str | None:
        """A worker that works after all would be stopped."""
        return self.session_id


@dataclass(frozen=True, slots=True, kw_only=True)
class StopOrphan(OfTask):
    """Stop a task whose session is over."""

    kind: ClassVar[str] = "orphan_stopped"
    session_id: str
    asked_for: datetime

    @property
    def ends(self) -> str | None:
        """A worker of a session that is open after all would be stopped."""
        return self.session_id


@dataclass(frozen=True, slots=True, kw_only=True)
class StopIdle(OfTask):
    """Stop a worker of the warm pool, unless it is claimed meanwhile; not `is_surplus`: because it is no use."""

    kind: ClassVar[str] = "idle_stopped"
    is_surplus: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchIdle(Action):
    """Start a worker of the warm pool; one for each token."""

    kind: ClassVar[str] = "idle_launched"
    zone: str
    token: str

    @property
    def subject(self) -> str:
        """Name the order."""
        return self.token


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetGateway(Action):
    """Remove the row of a gateway that is no more."""

    kind: ClassVar[str] = "gateway_forgotten"
    name: str

    @property
    def subject(self) -> str:
        """Name the gateway."""
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetIdle(OfTask):
    """Remove the row of a worker of the warm pool that is no more."""

    kind: ClassVar[str] = "idle_forgotten"
