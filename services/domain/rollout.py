"""A rollout: the platform that runs this service replaces its tasks by those of a newer deployment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment of a service; the newest `is_primary`, and `running` counts its tasks that run."""

    id: str
    is_primary: bool
    running: int
    has_failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """The deployments of a service, as seen by a task of the deployment `own`."""

    own: str
    deployments: Sequence[Deployment]

    @property
    def replaces_own(self) -> bool:
        """Say whether the task is to make room: for a newer deployment that works, as far as one can see.

        One whose tasks do not even start, or that was given up, replaces nothing.
        """
        newest = next((each for each in self.deployments if each.is_primary), None)
        return newest is not None and newest.id != self.own and newest.running > 0 and not newest.has_failed


class Rollouts(Protocol):
    """Looks at this task's service; it blocks."""

    def seen(self) -> Rollout | None:
        """Give how it stands now, None where this task belongs to no service; raise PlatformUnavailable."""
        ...


class TaskProtection(Protocol):
    """Keeps the platform from ending this task for a rollout or a smaller scale; it blocks.

    Every call may raise PlatformUnavailable.
    """

    def protect(self, minutes: int) -> None:
        """Be protected for so long from now."""
        ...

    def release(self) -> None:
        """Be protected no more."""
        ...
