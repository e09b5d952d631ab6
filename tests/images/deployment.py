"""All of streamkeep as tasks of its images: the gateway in two containers, metadata, dispatcher, reconciler, workers.

What is no image is a double: ECS, which starts a worker's container for each task, DynamoDB and S3.
"""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from services.runtime import ecs_metadata
from tests.doubles.ecs import FakeEcs
from tests.doubles.ecs_task import FakeTask
from tests.gateway.nginx_process import free_ports
from tests.images.containers import Container, engine
from tests.waiting import eventually

READY_SECONDS = 60.0
READY = {"gateway": "/readyz", "metadata": "/readyz", "dispatcher": "/healthz", "reconciler": "/healthz"}
WORKER_LIMITS = ("--cpus=0.25", "--memory=512m")
SECRETS = {
    "PUBLISH_SECRETS": f"k1:{'s' * 32}",
    "LINK_SECRETS": f"k1:{'l' * 32}",
    "INTERNAL_TOKEN": "an-internal-token-of-the-trial",
    "TOKEN": "an-admin-token-of-the-trial",
}


@dataclass(kw_only=True)
class Deployment:
    """What there is: `services` by name, each at its port, and the containers of `workers`, the newest last."""

    aws: Mapping[str, str]
    folder: Path
    ecs: FakeEcs = field(init=False)
    ports: Mapping[str, int] = field(init=False)
    services: dict[str, Container] = field(default_factory=dict)
    workers: list[Container] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = ("rtmp", "nginx", "gateway", "metadata", "dispatcher", "reconciler")
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        variables = self.of_worker()
        self.ecs = FakeEcs(
            start_seconds=0, program=self._program, environment=lambda _task: {**os.environ, **variables}
        )

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    @property
    def rtmp_url(self) -> str:
        return f"rtmp://127.0.0.1:{self.ports['rtmp']}/stream"

    def api(self) -> httpx.Client:
        return httpx.Client(base_url=self.url("metadata"), headers={"Authorization": f"Bearer {SECRETS['TOKEN']}"})

    def answers(self, service: str, path: str) -> bool:
        try:
            return httpx.get(f"{self.url(service)}{path}").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def wait_for(self, service: str, path: str) -> None:
        eventually(
            lambda: self.answers(service, path),
            within=READY_SECONDS,
            what=f"{service} answers; its log: {self.services[service].log}",
        )

    def end_workers(self) -> None:
        """Leave none behind: ECS's double ends the command that runs a container, not the container."""
        for worker in self.workers:
            worker.kill()

    def of_worker(self) -> dict[str, str]:
        """Give the settings of a worker's task definition."""
        own = {"SPOOL_PATH": "/spool", "PULL_URL": self.rtmp_url, "CALLBACK_URL": self.url("gateway")}
        return {**self.aws, **_settings(own), **_settings({"HAND_OVER_SECONDS": "60"})}

    def _program(self, task: FakeTask) -> list[str]:
        worker = Container(
            image="worker",
            command=tuple(task.command),
            environment=self.of_worker(),
            options=(*WORKER_LIMITS, f"--env={ecs_metadata.VARIABLE}"),  # its value is the double's
            folder=self.folder,
        )
        self.workers.append(worker)
        return worker.logged_argv()

    def containers(self, volume: str) -> Iterator[tuple[str, Container]]:
        """Give the services' containers, not started yet."""
        shared = f"--volume={volume}:/spool"
        gateway = {
            **self.ecs.settings,
            "NGINX_URL": self.url("nginx"),
            "PULL_URL": self.rtmp_url,
            "ZONE": "eu-central-1a",
        }
        metadata = {"RTMP_URL": self.rtmp_url, "CALLBACK_URL": self.url("gateway"), "PUBLIC_URL": self.url("metadata")}
        nginx = {
            "RTMP_PORT": str(self.ports["rtmp"]), "NGINX_PORT": str(self.ports["nginx"]), "RUN_PATH": "/spool/nginx",
            "CALLBACK_URL": self.url("gateway"), "BACKLOG_PATH": "/spool/backlog",
        }  # fmt: skip
        yield "nginx", self._container("gateway", ("services.gateway.nginx",), _settings(nginx), shared)
        yield (
            "gateway",
            self._container(
                "gateway",
                (),
                self._variables(
                    "gateway", "PUBLISH_SECRETS", "INTERNAL_TOKEN", **gateway, BACKLOG_PATH="/spool/backlog"
                ),
                shared,
            ),
        )
        yield "metadata", self._container("services", (), self._variables("metadata", *SECRETS, **metadata))
        yield (
            "dispatcher",
            self._container("services", ("services.dispatcher",), self._variables("dispatcher", "LINK_SECRETS")),
        )
        yield (
            "reconciler",
            self._container(
                "services",
                ("services.reconciler",),
                self._variables("reconciler", **self.ecs.settings),
            ),
        )

    def _variables(self, service: str, *shared: str, **own: str) -> dict[str, str]:
        secret = {name: SECRETS[name] for name in shared}
        settings = _settings({"PORT": str(self.ports[service]), **secret, **own})
        return {**self.aws, **self.ecs.variables, **settings}

    def _container(
        self, image: str, command: tuple[str, ...], variables: Mapping[str, str], *options: str
    ) -> Container:
        return Container(image=image, command=command, environment=variables, options=options, folder=self.folder)


def _settings(own: Mapping[str, str]) -> dict[str, str]:
    return {f"STREAMKEEP_{name}": value for name, value in own.items()}


@contextmanager
def deployment(aws: Mapping[str, str], folder: Path) -> Iterator[Deployment]:
    """Run all of it while the block runs."""
    running, volume = Deployment(aws=aws, folder=folder), f"streamkeep-trial-{secrets.token_hex(4)}"
    with ExitStack() as stack:
        stack.callback(subprocess.run, [*engine(), "volume", "rm", "--force", volume], capture_output=True, check=False)
        stack.callback(running.end_workers)
        stack.enter_context(running.ecs)
        for name, container in running.containers(volume):
            running.services[name] = stack.enter_context(container)
        for name, path in READY.items():
            running.wait_for(name, path)
        yield running
