"""What a month costs in which nobody publishes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.deploy import footprint, prices
from services.runtime.watched import WATCHED

HOURS = 730
GATEWAY_DISK_GB = 10  # of its 30 GB, 20 are free
METRICS = len(WATCHED)  # without a publisher some are not told
ALARMS = 22  # 14 of ours, and two of each policy that scales
IMAGES_GB = 0.5
STANDING_WRITES, STANDING_READS = 1.0, 3.0
"""DynamoDB units a second: rows of gateways, leases, sweeps. One machine without a channel takes 0.7 and 1.4; this has
two of each service."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is paid, and how its price comes about."""

    what: str
    dollars: float
    how: str


def lines(parameters: Mapping[str, str]) -> Iterator[Line]:
    """Give each, for a stack with these parameters."""
    is_arm = parameters["Cpu"] == "arm64"
    yield from (_tasks(each, is_arm=is_arm) for each in footprint.standing(parameters))
    disk = GATEWAY_DISK_GB * int(parameters["GatewayLeast"]) * HOURS * prices.FARGATE_DISK.dollars
    yield Line("gateway's disk", disk, f"{GATEWAY_DISK_GB} GB over the 20 that are free")
    yield Line("load balancer", HOURS * prices.BALANCER_HOUR.dollars, f"{HOURS} h at ${prices.BALANCER_HOUR.dollars}")
    yield from _addresses(parameters)
    yield Line(
        "CloudWatch",
        METRICS * prices.METRIC.dollars + ALARMS * prices.ALARM.dollars,
        f"{METRICS} metrics, {ALARMS} alarms",
    )
    units = STANDING_WRITES * prices.DYNAMODB_WRITE.dollars + STANDING_READS * prices.DYNAMODB_READ.dollars
    yield Line(
        "DynamoDB", HOURS * 3600 * units, f"{STANDING_WRITES:g} write and {STANDING_READS:g} read units a second"
    )
    rest = prices.SECRET.dollars + prices.ZONE_OF_NAMES.dollars + IMAGES_GB * prices.IMAGE_GB_MONTH.dollars
    yield Line("secret, private names, images", rest, "one, one zone, half a GB")


def total(parameters: Mapping[str, str]) -> float:
    """Give all of it together, dollars."""
    return sum(line.dollars for line in lines(parameters))


def _tasks(tasks: footprint.Tasks, *, is_arm: bool) -> Line:
    vcpu = prices.FARGATE_ARM_VCPU if is_arm else prices.FARGATE_VCPU
    memory = prices.FARGATE_ARM_GB if is_arm else prices.FARGATE_GB
    hourly = tasks.count * (tasks.vcpu * vcpu.dollars + tasks.gigabytes * memory.dollars)
    return Line(tasks.name, HOURS * hourly, f"{tasks.count} of {tasks.vcpu:g} vCPU and {tasks.gigabytes:g} GB")


def _addresses(parameters: Mapping[str, str]) -> Iterator[Line]:
    tasks = sum(each.count for each in footprint.standing(parameters))
    count = footprint.ZONES + (footprint.ZONES if parameters["Nat"] == "yes" else tasks)
    yield Line("public addresses", count * HOURS * prices.PUBLIC_ADDRESS.dollars, f"{count} of them")
    if parameters["Nat"] == "yes":
        yield Line("NAT gateways", footprint.ZONES * HOURS * prices.NAT_HOUR.dollars, f"{footprint.ZONES} of them")
