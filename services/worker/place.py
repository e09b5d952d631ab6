"""Where this worker is: what others call it, and where they reach it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from services.runtime.ecs_metadata import own_task
from services.runtime.process_name import own_name

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A worker's `task` (its id on ECS, empty elsewhere), its `address` for others, and its availability zone."""

    address: str = LOOPBACK
    zone: str = ""
    task: str = ""

    @property
    def name(self) -> str:
        """Name this process among all there ever were; it holds leases by that, which begins with the task's id."""
        return own_name(self.task)

    @property
    def is_private(self) -> bool:
        """Say whether programs of this machine alone reach it."""
        try:
            return ipaddress.ip_address(self.address).is_loopback
        except ValueError:
            return self.address == "localhost"


def own_place(*, address: str, zone: str) -> Place:
    """Give this worker's place; what is empty is asked of ECS. Raise TaskUnknown where ECS does not answer."""
    task = own_task()
    if task is None:
        return Place(address=address or LOOPBACK, zone=zone)
    return Place(address=address or task.address, zone=zone or task.zone, task=task.id)
