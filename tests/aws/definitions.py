"""What stands in the environment of each task (cloudformation/*.yaml), as far as it matters on one machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.runtime.storage_settings import storage_variables
from tests.aws.gateway_task import GatewayTask
from tests.e2e.stack import TOKEN
from tests.emulators import CREDENTIALS
from tests.gateway.nginx_process import free_ports

ZONES = {"a": "eu-central-1a", "b": "eu-central-1b"}
POOL_ZONES = len(ZONES)
"""In so many zones workers are started, and stand by."""
INTERNAL_TOKEN = "internal"
SECRETS = "k1:a-secret-of-32-characters-at-least"
STOP_DRAIN_SECONDS = 8


def settings(values: Mapping[str, str]) -> dict[str, str]:
    return {f"STREAMKEEP_{name}": value for name, value in values.items()}


@dataclass(frozen=True, kw_only=True)
class Definitions:
    """State and objects are in files of `data`, or in the table and the bucket `name` at `endpoint`.

    `ecs` are the settings of those who start tasks, for whom `ecs_variables` say where ECS is.
    """

    data: Path
    name: str
    endpoint: str | None
    ecs: Mapping[str, str]
    ecs_variables: Mapping[str, str]

    @property
    def shared(self) -> dict[str, str]:
        """Give what every task has."""
        storage = storage_variables(
            state="sqlite" if self.endpoint is None else "dynamodb",
            state_path=self.data / "state.db",
            table=self.name,
            store="directory" if self.endpoint is None else "s3",
            objects_path=self.data / "objects",
            bucket=self.name,
        )
        endpoint = {} if self.endpoint is None else {"AWS_ENDPOINT_URL": self.endpoint}
        own = {key: value for key, value in storage.items() if not key.startswith("AWS_")}
        return {**own, **CREDENTIALS, **endpoint, **settings({"LOG_FORMAT": "json", "EVENTS": "false"})}

    def gateway(self, name: str) -> dict[str, str]:
        """Give that of the callback app, but for its ports."""
        own = {
            "PUBLISH_SECRETS": SECRETS,
            "INTERNAL_TOKEN": INTERNAL_TOKEN,
            "ZONE": ZONES.get(name, ZONES["a"]),
            "STOP_DRAIN_SECONDS": str(STOP_DRAIN_SECONDS),
        }
        return {**self.shared, **self._of_ecs(), **settings(own)}

    def reconciler(self, *, pool_size: int, queue: str | None) -> dict[str, str]:
        """Give that of a reconciler, which is told of tasks by `queue`."""
        own = {"PORT": str(free_ports(1)[0]), "POOL_SIZE": str(pool_size)}
        own |= {} if queue is None else {"TASK_EVENTS_QUEUE": queue}
        return {**self.shared, **self._of_ecs(), **settings(own)}

    def keeper(self) -> dict[str, str]:
        """Give that of a reconciler that sees to rows and retention alone."""
        return {**self.shared, **settings({"PORT": str(free_ports(1)[0]), "LAUNCHER": "none"})}

    def worker(self, spool: Path, gateway: GatewayTask) -> dict[str, str]:
        """Give that of a worker; its control port is any here."""
        own = {
            "SPOOL_PATH": str(spool),
            "PULL_URL": gateway.nginx.rtmp_url,
            "CALLBACK_URL": gateway.control_url,
            "HAND_OVER_SECONDS": "95",
            "STOP_SECONDS": "20",
            "MIN_FREE_BYTES": "0",
        }
        return {**self.shared, **settings(own)}

    def api(self, port: int, gateway: GatewayTask) -> dict[str, str]:
        """Give that of the metadata service; the gateways that there are it finds by their rows."""
        own = {
            "PORT": str(port),
            "TOKEN": TOKEN,
            "PUBLISH_SECRETS": SECRETS,
            "LINK_SECRETS": SECRETS,
            "PUBLIC_URL": f"http://127.0.0.1:{port}",
            "RTMP_URL": gateway.nginx.rtmp_url,
            "CALLBACK_URL": gateway.control_url,
            "INTERNAL_TOKEN": INTERNAL_TOKEN,
            "MIN_FREE_BYTES": "0",
        }
        return {**self.shared, **settings(own)}

    def _of_ecs(self) -> dict[str, str]:
        subnets = ",".join(self.ecs["SUBNETS"].split(",")[:POOL_ZONES])
        return {**self.ecs_variables, **settings({**self.ecs, "SUBNETS": subnets})}
