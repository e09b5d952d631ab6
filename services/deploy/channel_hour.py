"""What an hour of one live channel costs, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import ceil

from services.deploy import footprint, measured, prices
from services.deploy.idle_month import Line
from services.domain.channel import HLS_TIME

BOUND = 0.045
"""Dollars an hour without storage that a channel may cost at 6 Mb/s."""
SPOT_OF_FOUR = 3
SHARING = 50
"""So many channels, on air on average, share the NAT gateways of private subnets."""
OLDER_VCPU, OLDER_GIGABYTES = 2.5, 5.0
"""What the older system runs for one channel at the least: 2 vCPU and 4 GB, and 0.5 vCPU and 1 GB to record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How a channel is run; the defaults are a deploy's."""

    name: str = "defaults"
    is_arm: bool = False
    is_spot: bool = False
    has_address: bool = True
    hls_time: float = HLS_TIME.default
    is_hls: bool = True
    vcpu: float = footprint.WORKER_SIZES[footprint.DEFAULTS["WorkerSize"]][0]
    gigabytes: float = footprint.WORKER_SIZES[footprint.DEFAULTS["WorkerSize"]][1]


CHOICES = (
    Choice(),
    Choice(name="ARM", is_arm=True),
    Choice(name="Spot", is_spot=True),
    Choice(name=f"private subnets, {SHARING} channels", has_address=False),
    Choice(name="hls_time 6 s", hls_time=6),
    Choice(
        name=f"Spot, private subnets, {SHARING} channels, hls_time 6 s", is_spot=True, has_address=False, hls_time=6
    ),
    Choice(
        name=f"ARM, Spot, private subnets, {SHARING} channels, hls_time 6 s",
        is_arm=True,
        is_spot=True,
        has_address=False,
        hls_time=6,
    ),
    Choice(name="no HLS (pictures and MP4)", is_hls=False),
    Choice(name="no HLS, ARM", is_hls=False, is_arm=True),
)


def task(choice: Choice, vcpu: float, gigabytes: float) -> float:
    """Give the dollars of a task's hour."""
    per_vcpu = prices.FARGATE_ARM_VCPU if choice.is_arm else prices.FARGATE_VCPU
    per_gb = prices.FARGATE_ARM_GB if choice.is_arm else prices.FARGATE_GB
    return vcpu * per_vcpu.dollars + gigabytes * per_gb.dollars


def lines(choice: Choice) -> Iterator[Line]:
    """Give each line but storage and delivery."""
    off = 1 - prices.SPOT_OFF * SPOT_OF_FOUR / (SPOT_OF_FOUR + 1) if choice.is_spot else 1.0
    size = f"{choice.vcpu:g} vCPU and {choice.gigabytes:g} GB"
    yield Line("task", off * task(choice, choice.vcpu, choice.gigabytes), size)
    for kind, each in _puts(choice).items():
        yield Line(f"PUTs, {kind}", each * 60 * prices.S3_PUT.dollars, f"{each:.1f} a minute")
    gigabytes = measured.GIGABYTES_PER_HOUR
    yield Line("load balancer, bytes", gigabytes * prices.BALANCER_GB.dollars, f"{gigabytes:.1f} GB")
    yield Line(
        "cross-zone", 0.0, f"pulled in the publisher's zone; elsewhere ${2 * gigabytes * prices.ZONE_GB.dollars:.3f}"
    )
    yield _way_out(choice)
    yield _gateway(choice)
    yield from _records()


def _puts(choice: Choice) -> dict[str, float]:
    puts = measured.puts_per_minute(choice.hls_time)
    return puts if choice.is_hls else {kind: each for kind, each in puts.items() if kind not in measured.OF_HLS}


def _way_out(choice: Choice) -> Line:
    if choice.has_address:
        return Line("public address", prices.PUBLIC_ADDRESS.dollars, "of the task")
    each = prices.NAT_HOUR.dollars + prices.PUBLIC_ADDRESS.dollars
    return Line("NAT", footprint.ZONES * each / SHARING, f"a {SHARING}th of {footprint.ZONES} gateways with addresses")


def _gateway(choice: Choice) -> Line:
    gateway = footprint.standing(footprint.DEFAULTS)[0]
    publishers = int(footprint.DEFAULTS["PublishersEach"])
    hourly = task(choice, gateway.vcpu, gateway.gigabytes) + prices.PUBLIC_ADDRESS.dollars * choice.has_address
    return Line("gateway's share", hourly / publishers, f"a {publishers}th of one")


def _records() -> Iterator[Line]:
    writes, reads = measured.DYNAMODB_WRITES_PER_MINUTE, measured.DYNAMODB_READ_UNITS_PER_MINUTE
    units = writes * prices.DYNAMODB_WRITE.dollars + reads * prices.DYNAMODB_READ.dollars
    yield Line("DynamoDB", 60 * units, f"{writes:.0f} write and {reads:.0f} read units a minute")
    log = measured.LOG_BYTES_PER_HOUR / 1e9 * prices.LOG_GB.dollars
    yield Line("logs and metrics", log, f"about {measured.LOG_BYTES_PER_HOUR / 1e6:g} MB")


def beside() -> Iterator[Line]:
    """Give what is paid by choice and use: what is kept, and what viewers fetch."""
    gigabytes = measured.GIGABYTES_PER_HOUR
    # Recordings and HLS each hold the stream once.
    kept = 2 * gigabytes * prices.S3_GB_MONTH.dollars
    yield Line("storage, each month that the hour is kept", kept, f"{2 * gigabytes:.1f} GB: MP4 and HLS")
    requests = 3600 / HLS_TIME.default * 2
    function = requests * (prices.CLOUDFRONT_REQUEST.dollars + prices.CLOUDFRONT_FUNCTION.dollars)
    viewer = gigabytes * prices.CLOUDFRONT_GB.dollars + function
    yield Line("CloudFront, each viewer who watches all of it", viewer, f"{gigabytes:.1f} GB, {requests:,.0f} requests")


def total(choice: Choice) -> float:
    """Give the dollars of an hour without storage and delivery."""
    return sum(line.dollars for line in lines(choice))


older = partial(task, Choice(), OLDER_VCPU, OLDER_GIGABYTES)
"""Give the dollars of the older system's task alone, an hour."""


def fewest_sharing(choice: Choice) -> int:
    """Give how many channels have to be on air on average for a choice of private subnets to keep to BOUND."""
    gateways = footprint.ZONES * (prices.NAT_HOUR.dollars + prices.PUBLIC_ADDRESS.dollars)
    return ceil(gateways / (BOUND - total(choice) + gateways / SHARING))


def nat_break_even() -> float:
    """Give from how many channel-hours a month on one NAT gateway is cheaper than public addresses."""
    # Media goes past NAT, by the gateway endpoints; what goes through it for each task is too little to tell.
    month = 730 * (prices.NAT_HOUR.dollars + prices.PUBLIC_ADDRESS.dollars)
    return month / prices.PUBLIC_ADDRESS.dollars
