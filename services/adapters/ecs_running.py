"""Asks ECS to run a task: place after place until one has room."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from services.adapters import ecs_errors
from services.adapters.ecs_client import Pace
from services.adapters.ecs_errors import Refusal
from services.adapters.ecs_fleet import STACK_TAG, Fleet, Place
from services.domain.channel import TASK_SIZES
from services.domain.errors import LaunchFailed, OrderSpent

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_ecs.type_defs import RunTaskRequestTypeDef, RunTaskResponseTypeDef, TaskOverrideTypeDef

PLATFORM_VERSION = "1.4.0"
"""Named, so that a later one is tried before it carries a broadcast."""
SHORT_SECONDS = 60.0
"""How long a place that had no room is asked after the others."""


class _NoRoom(Exception):
    """A place has no room: the next may have."""

    def __init__(self, meaning: Refusal, text: str) -> None:
        super().__init__(text)
        self.meaning = meaning


class _Spent(Exception):
    """ECS takes the token for that of an order it has answered, and no task came of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A task to be run; `token` names the order for good, `size` is one of TASK_SIZES, None the definition's."""

    command: Sequence[str]
    token: str
    started_by: str
    tags: Mapping[str, str] = field(default_factory=dict)
    size: str | None = None


@dataclass(slots=True, kw_only=True)
class Running:
    """Runs tasks of a fleet, and remembers which places had no room lately."""

    client: ECSClient
    fleet: Fleet
    pace: Pace
    _short_until: dict[Place, float] = field(default_factory=dict)

    def run(self, wanted: Wanted, places: Iterator[Place]) -> None:
        """Run one task in the first place that has room; raise LaunchFailed, naming what helps."""
        refusals: dict[Place, _NoRoom] = {}
        for place in sorted(places, key=self._is_short):
            if any(_is_same_quota(place, other) for other, why in refusals.items() if why.meaning is Refusal.QUOTA):
                continue
            try:
                self._run_in(place, wanted, number=len(refusals))
            except _NoRoom as why:
                self._short_until[place] = time.monotonic() + SHORT_SECONDS
                refusals[place] = why
            else:
                return
        told = {ecs_errors.remedy(why.meaning, str(why)): None for why in refusals.values()}
        asked = ", ".join(place.name for place in refusals)
        raise LaunchFailed(f"ECS cluster {self.fleet.cluster}, {asked}: {'; '.join(told)}")

    def _is_short(self, place: Place) -> bool:
        return time.monotonic() < self._short_until.get(place, 0.0)

    def _run_in(self, place: Place, wanted: Wanted, *, number: int) -> None:
        """Ask for the task there, under the order's own token, which makes it one order however often it is given.

        An order that ended without a task may have used its token up: then one with a number behind it serves.
        """
        try:
            self._ask(place, wanted, wanted.token)
        except _Spent:
            try:
                self._ask(place, wanted, f"{wanted.token}-{number}")
            except _Spent as error:
                told = f"ECS cluster {self.fleet.cluster}: the order was given before and came to nothing"
                raise OrderSpent(f"{told}; the next is another") from error

    def _ask(self, place: Place, wanted: Wanted, token: str) -> None:
        self.pace.launch()
        with ecs_errors.translated(f"ECS cluster {self.fleet.cluster}"):
            try:
                answer = self.client.run_task(**self._request(place, wanted, token))
            except ClientError as error:
                existing = ecs_errors.existing_tasks(error)
                if existing:  # by an earlier try, in another place perhaps, whose answer was lost
                    return
                if existing is not None:
                    raise _Spent from error
                if (meaning := ecs_errors.refusal_of(error)) in (Refusal.ZONE, Refusal.QUOTA):
                    raise _NoRoom(meaning, str(error)) from error
                raise
        self._check(answer)

    def _check(self, answer: RunTaskResponseTypeDef) -> None:
        for task in answer["tasks"]:
            if task.get("desiredStatus") == "STOPPED":  # what a token of an earlier order gives
                raise _Spent
            return
        reason = next((str(failure.get("reason", "")) for failure in answer["failures"]), "no reason is given")
        meaning = ecs_errors.refusal(reason)
        if meaning in (Refusal.ZONE, Refusal.QUOTA):
            raise _NoRoom(meaning, reason)
        raise LaunchFailed(f"ECS cluster {self.fleet.cluster}: {ecs_errors.remedy(meaning, reason)}")

    def _request(self, place: Place, wanted: Wanted, token: str) -> RunTaskRequestTypeDef:
        fleet, tags = self.fleet, {STACK_TAG: self.fleet.stack, **wanted.tags}
        return {
            "cluster": fleet.cluster,
            "taskDefinition": fleet.task_definition,
            "count": 1,
            "clientToken": token,
            "startedBy": wanted.started_by,
            "capacityProviderStrategy": [
                {"capacityProvider": provider, "weight": weight} for provider, weight in place.capacity
            ],
            "platformVersion": PLATFORM_VERSION,
            "networkConfiguration": {
                "awsvpcConfiguration": {
                    "subnets": list(place.subnets),
                    "securityGroups": list(fleet.security_groups),
                    "assignPublicIp": "ENABLED" if fleet.public_ip else "DISABLED",
                }
            },
            "overrides": _overrides(fleet.container, wanted),
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
            "enableECSManagedTags": True,
            "propagateTags": "TASK_DEFINITION",
        }


def _is_same_quota(place: Place, other: Place) -> bool:
    """Say whether the account's quota counts both alike: it has one for on-demand capacity and one for spare."""
    return place.capacity == other.capacity


def _overrides(container: str, wanted: Wanted) -> TaskOverrideTypeDef:
    overrides: TaskOverrideTypeDef = {"containerOverrides": [{"name": container, "command": list(wanted.command)}]}
    if wanted.size is not None:
        cpu, memory = TASK_SIZES[wanted.size]
        overrides["cpu"], overrides["memory"] = str(cpu), str(memory)
    return overrides
