"""Tasks: workers as the platform that runs them lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A worker's task that runs or is about to; `session_id` is None of one of the warm pool that nobody has claimed.

    `id` is the last part of its ARN. `is_running` is false while it is still being started, and `started_at` is when it
    was asked for. One `is_outdated` that runs another version of the program than what is started now.
    """

    id: str
    session_id: str | None
    started_at: datetime
    zone: str = ""
    is_running: bool = True
    is_outdated: bool = False


class Tasks(Protocol):
    """The platform's list of workers. Every call may raise LaunchFailed when the platform does not answer."""

    def all(self) -> Sequence[Task]:
        """Give every worker's task of this deployment that is not stopped or stopping; a new one may be missing."""
        ...

    def is_over(self, task_id: str) -> bool:
        """Say whether a task that ran has stopped, or is forgotten: nothing of it can still be at work.

        Of a name that can be no task's it is not said.
        """
        ...

    def stop(self, task_id: str, reason: str) -> None:
        """Ask a task to end (SIGTERM, SIGKILL after its stop timeout); nothing happens where it is gone."""
        ...

    def launch_idle(self, zone: str, *, token: str) -> None:
        """Start a worker of the warm pool; the same `token` twice starts one. Raise LaunchFailed."""
        ...
