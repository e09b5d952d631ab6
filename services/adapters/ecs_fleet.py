"""Where and how workers run as tasks of ECS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

ON_DEMAND = "FARGATE"

STACK_TAG, SESSION_TAG, CHANNEL_TAG = "streamkeep:stack", "streamkeep:session", "streamkeep:channel"
POOL = "pool"
"""By whom a worker of the warm pool is started, in place of a session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One way to ask for a task: a zone's subnets, and the weights of the capacity providers."""

    zone: str
    subnets: tuple[str, ...]
    capacity: tuple[tuple[str, int], ...]

    @property
    def name(self) -> str:
        """Name it to people."""
        return f"{'/'.join(provider for provider, _ in self.capacity)} in {self.zone}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The task definition and the network of workers; `subnets` are by availability zone."""

    cluster: str
    task_definition: str
    container: str
    subnets: Mapping[str, tuple[str, ...]]
    security_groups: tuple[str, ...]
    public_ip: bool
    capacity: Mapping[str, int]
    stack: str

    @property
    def family(self) -> str:
        """The task definition's name without its revision."""
        return _name(self.task_definition).partition(":")[0]

    def is_outdated(self, task_definition: str) -> bool:
        """Say whether a task of this definition runs another revision than is started now, where that one is named."""
        now = _name(self.task_definition)
        return ":" in now and _name(task_definition) != now

    def places(self, zone: str, *, elsewhere: bool = True) -> Iterator[Place]:
        """Give the ways to ask for a task, the best first: in `zone`, then in the other zones if it may be `elsewhere`.

        In each zone on-demand capacity comes before another zone's spare one, where both are in use: what a stream
        costs on its way between zones is more than spare capacity saves.
        """
        weights = tuple(self.capacity.items())
        others = [each for each in self.subnets if each != zone] if elsewhere or zone not in self.subnets else []
        for each in [zone, *others] if zone in self.subnets else others:
            yield Place(zone=each, subnets=self.subnets[each], capacity=weights)
            if ON_DEMAND in self.capacity and len(weights) > 1:
                yield Place(zone=each, subnets=self.subnets[each], capacity=((ON_DEMAND, 1),))


def _name(task_definition: str) -> str:
    """Give `family` or `family:revision`, of an ARN too."""
    return task_definition.rpartition("/")[2]
