"""What a stack runs before anybody publishes, and what each channel adds, by the parameters of main.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ZONES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """Tasks of one kind; `vcpu` and `gigabytes` are of each."""

    name: str
    vcpu: float
    gigabytes: float
    count: int


WORKER_SIZES: Mapping[str, tuple[float, float]] = {
    "micro": (0.25, 0.5),
    "small": (0.5, 1.0),
    "medium": (1.0, 2.0),
    "large": (2.0, 4.0),
}
"""vCPU and GB by the parameter WorkerSize."""

DEFAULTS: Mapping[str, str] = {
    "Cpu": "x86",
    "Spot": "no",
    "PoolSize": "1",
    "WorkerSize": "micro",
    "GatewayLeast": "1",
    "PublishersEach": "60",
    "ApiLeast": "2",
    "Nat": "no",
    "CloudFront": "yes",
}
"""Of those parameters of main.yaml that figures are made from."""


def worker(parameters: Mapping[str, str]) -> Tasks:
    """Give what one channel takes."""
    vcpu, gigabytes = WORKER_SIZES[parameters["WorkerSize"]]
    return Tasks(name="worker", vcpu=vcpu, gigabytes=gigabytes, count=1)


def standing(parameters: Mapping[str, str]) -> list[Tasks]:
    """Give what runs all the time."""
    vcpu, gigabytes = WORKER_SIZES[parameters["WorkerSize"]]
    idle = ZONES * int(parameters["PoolSize"])
    return [
        Tasks(name="gateway", vcpu=1.0, gigabytes=2.0, count=int(parameters["GatewayLeast"])),
        Tasks(name="API", vcpu=0.5, gigabytes=1.0, count=int(parameters["ApiLeast"])),
        Tasks(name="dispatcher", vcpu=0.25, gigabytes=0.5, count=1),
        Tasks(name="reconciler", vcpu=0.25, gigabytes=0.5, count=1),
        Tasks(name="idle workers", vcpu=vcpu, gigabytes=gigabytes, count=idle),
    ]
