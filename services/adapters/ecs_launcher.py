"""Workers as tasks of ECS."""

from __future__ import annotations

from dataclasses import dataclass

from services.adapters.ecs_fleet import CHANNEL_TAG, SESSION_TAG
from services.adapters.ecs_running import Running, Wanted
from services.domain.ids import require_id
from services.domain.ports import LaunchOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class EcsLauncher:
    """Starts each worker as a task of its own, which lives on when this process ends.

    What runs is not known here, since ECS would have to be asked: who sees to it reads the list of tasks.
    """

    running_tasks: Running

    def launch(self, order: LaunchOrder) -> None:
        """Start one worker and return once ECS has accepted it; raise LaunchFailed.

        Nothing happens if the same order was given before.
        """
        channel_id = require_id("channel_id", order.channel_id)
        session_id = require_id("session_id", order.session_id)
        wanted = Wanted(
            command=("--channel", channel_id, "--session", session_id),
            token=f"{session_id}-{order.epoch}-{order.attempt}",
            started_by=session_id,
            tags={SESSION_TAG: session_id, CHANNEL_TAG: channel_id},
            size=order.size,
        )
        self.running_tasks.run(wanted, self.running_tasks.fleet.places(order.zone))

    def running(self) -> None:
        """Tell nothing."""

    def kill(self, session_id: str) -> None:
        """Do nothing: no worker is known here."""
