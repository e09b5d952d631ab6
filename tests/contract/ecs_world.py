"""A place where workers are started as tasks of ECS: of the double, or of other people's servers."""

from __future__ import annotations

import functools
import json
import os
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3

from services.adapters.ecs_client import ecs_client
from services.adapters.ecs_fleet import Fleet
from services.adapters.ecs_opening import EcsWorkers, workers_of
from services.domain.ports import Launcher
from services.runtime.ecs_settings import FleetSettings
from tests.doubles.ecs import FakeEcs
from tests.emulators import CREDENTIALS, Emulators
from tests.waiting import eventually

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

FLEET: FleetSettings = {
    "cluster": "streamkeep",
    "task_definition": "worker",
    "container": "worker",
    "subnets": {"eu-central-1a": ("subnet-a",), "eu-central-1b": ("subnet-b",), "eu-central-1c": ("subnet-c",)},
    "security_groups": ("sg-worker",),
    "public_ip": True,
    "capacity": {"FARGATE": 1},
    "stack": "test",
}


@contextmanager
def endpoint(url: str) -> Iterator[None]:
    """Let the clients of ECS that are made in the block speak to it."""
    variables = {**CREDENTIALS, "AWS_ENDPOINT_URL_ECS": url}
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def opened(url: str, **changes: Any) -> EcsWorkers:  # noqa: ANN401 - of the fleet's fields
    """Give a fleet there; of one place all share a client, which takes long to make."""
    fleet: FleetSettings = {**FLEET, **changes}  # type: ignore[typeddict-item] # its own fields
    return workers_of(Fleet(**fleet), _client(url))


@functools.cache
def _client(url: str) -> ECSClient:
    with endpoint(url):
        return ecs_client()


class EcsWorld:
    """Launches into one ECS; what it has started is read back from there."""

    def __init__(self, url: str, subnet: str = "subnet-a") -> None:
        self._url = url
        self._subnets = {"eu-central-1a": (subnet,)}
        self._client = _client(url)
        self._seen = {each["taskArn"] for each in self._tasks()}

    def fleet(self) -> EcsWorkers:
        return opened(self._url, subnets=self._subnets)

    def launcher(self) -> Launcher:
        return self.fleet().launcher

    def broken_launcher(self) -> Launcher:
        return opened(self._url, subnets=self._subnets, task_definition="nothing").launcher

    def started_channel_and_session(self) -> tuple[str, str]:
        """Give which worker has started next."""
        new = eventually(
            lambda: [task for task in self._tasks() if task["taskArn"] not in self._seen], what="a task is started"
        )
        self._seen.add(new[0]["taskArn"])
        argv = new[0]["overrides"]["containerOverrides"][0]["command"]
        return argv[argv.index("--channel") + 1], argv[argv.index("--session") + 1]

    def _tasks(self) -> list[Any]:
        arns = self._client.list_tasks(cluster=FLEET["cluster"])["taskArns"]
        return list(self._client.describe_tasks(cluster=FLEET["cluster"], tasks=arns)["tasks"]) if arns else []

    def close(self) -> None:
        """Leave everything to its owner."""


class DoubleWorld(EcsWorld):
    """Launches into the double."""

    def __init__(self, _emulators: Emulators) -> None:
        self._ecs = FakeEcs().__enter__()
        super().__init__(self._ecs.url)

    def close(self) -> None:
        self._ecs.__exit__(None, None, None)


def moto_world(emulators: Emulators) -> EcsWorld:
    """Launch into moto's ECS, whose tasks would die after a few looks at them."""
    url = emulators.url("moto")
    transition = {"model_name": "ecs::task", "transition": {"progression": "manual", "times": 1_000_000}}
    request = urllib.request.Request(  # noqa: S310 - our own server's
        f"{url}/moto-api/state-manager/set-transition",
        data=json.dumps(transition).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request).close()  # noqa: S310 - as above
    ec2 = boto3.client("ec2", region_name=CREDENTIALS["AWS_REGION"], endpoint_url=url)
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ec2.close()
    return _prepared(url, subnet)


def ministack_world(emulators: Emulators) -> EcsWorld:
    """Launch into MiniStack's ECS, which knows no token."""
    return _prepared(emulators.url("ministack"), "subnet-a")


def _prepared(url: str, subnet: str) -> EcsWorld:
    client = _client(url)
    client.create_cluster(clusterName=FLEET["cluster"])
    client.register_task_definition(
        family=FLEET["task_definition"],
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": FLEET["container"], "image": "worker", "memory": 512}],
    )
    return EcsWorld(url, subnet)


ECS_WORLDS: Mapping[str, Callable[[Emulators], EcsWorld]] = {
    "ecs": DoubleWorld,
    "ecs-moto": moto_world,
    "ecs-ministack": ministack_world,
}
