"""Where this gateway is: what it is called, and how workers and the other services reach it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from services.gateway.settings import GatewaySettings
from services.runtime.ecs_metadata import EcsTask

_ONE_MACHINE = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`name` is the gateway's in all its lives; `zone` is empty where there are none."""

    name: str
    pull_url: str
    control_url: str
    zone: str = ""


def place_of(settings: GatewaySettings, task: EcsTask | None) -> Place:
    """Say where the gateway is: what the settings leave open, ECS tells of the task (None: this is one machine)."""
    name = settings.gateway_name or (task.id if task else _ONE_MACHINE)
    zone = settings.zone or (task.zone if task else "")
    host = settings.advertised_host or (task.address if task else "")
    if not host:
        return Place(name=name, pull_url=settings.pull_url, control_url=settings.own_url or "", zone=zone)
    url = urlsplit(settings.pull_url)
    return Place(
        name=name,
        pull_url=f"{url.scheme}://{host}:{url.port or 1935}{url.path}",
        control_url=f"http://{host}:{settings.port}",
        zone=zone,
    )
