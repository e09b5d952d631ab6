"""Brings a stack's tasks to rest before it is taken away, so that workers ship what they have while they may.

Deleting the stack at once would take the workers' role from them in the middle of an upload, and end in a cluster that
cannot be deleted because tasks run in it that no service owns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from services.deploy.account import code
from services.deploy.telling import Watch, say

if TYPE_CHECKING:
    from services.deploy.account import Account

STOPPED_WITHIN_SECONDS = 300.0
"""A task has 120 s from its SIGTERM on; ECS takes its time besides."""
_LAUNCHERS = ("gateway", "reconciler")
_REASON = "the stack is being taken away"


def live_tasks(account: Account, stack: str) -> int:
    """Count the workers that run, idle ones included; 0 where there is no cluster."""
    return len(_workers(account, stack))


def quiet(account: Account, stack: str) -> None:
    """Let publishers go and workers ship: first who launches, then who was launched."""
    launchers = [f"{stack}-{name}" for name in _LAUNCHERS]
    running = [name for name in launchers if _desired(account, stack, name) is not None]
    for name in running:
        account.ecs.update_service(cluster=stack, service=name, desiredCount=0)
    # A gateway with publishers protects itself from its service; stopped by name it lets them go one by one.
    _gone(account, stack, "gateway and reconciler have not ended", lambda: _of_services(account, stack, running))
    _gone(account, stack, "workers still ship", lambda: _workers(account, stack))


def wake(account: Account, stack: str, parameters: Mapping[str, str]) -> None:
    """Start what an interrupted `quiet` stopped, and as many gateways as there shall be at the least.

    An update of the stack would not: what scaling has set is scaling's.
    """
    wanted = {"gateway": int(parameters["GatewayLeast"]), "reconciler": 1}
    for name, count in wanted.items():
        desired = _desired(account, stack, f"{stack}-{name}")
        if desired is None or desired >= count:
            continue
        if desired == 0:
            say(f"   {stack}-{name} was stopped, by a destroy that did not end: it is started again")
        account.ecs.update_service(cluster=stack, service=f"{stack}-{name}", desiredCount=count)


def _desired(account: Account, stack: str, service: str) -> int | None:
    try:
        found = account.ecs.describe_services(cluster=stack, services=[service])["services"]
    except ClientError as error:
        if code(error) == "ClusterNotFoundException":
            return None
        raise
    return next((each["desiredCount"] for each in found if each["status"] == "ACTIVE"), None)


def _tasks(account: Account, stack: str, **which: str) -> list[str]:
    try:
        pages = account.ecs.get_paginator("list_tasks").paginate(cluster=stack, **which)  # type: ignore[arg-type] # one
        return [arn for page in pages for arn in page["taskArns"]]
    except ClientError as error:
        if code(error) in ("ClusterNotFoundException", "ServiceNotFoundException"):
            return []
        raise


def _workers(account: Account, stack: str) -> list[str]:
    return _tasks(account, stack, family=f"{stack}-worker")


def _of_services(account: Account, stack: str, services: list[str]) -> list[str]:
    return [arn for name in services for arn in _tasks(account, stack, serviceName=name)]


def _stop(account: Account, stack: str, tasks: list[str]) -> None:
    for arn in tasks:
        account.ecs.stop_task(cluster=stack, task=arn, reason=_REASON)


def _gone(account: Account, stack: str, what: str, left: Callable[[], list[str]]) -> None:
    watch = Watch(what, within=STOPPED_WITHIN_SECONDS)
    asked: set[str] = set()
    while running := left():
        _stop(account, stack, [arn for arn in running if arn not in asked])  # what was started in between as well
        asked.update(running)
        watch.wait()
