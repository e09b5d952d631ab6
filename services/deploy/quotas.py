"""How many channels an account has room for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from services.deploy import footprint
from services.deploy.account import code

if TYPE_CHECKING:
    from services.deploy.account import Account

ON_DEMAND = ("fargate", "L-3032A538")
ON_SPOT = ("fargate", "L-36FBB829")
INTERFACES = ("vpc", "L-DF5E4CA3")
SPOT_SHARE = 0.75  # FARGATE_SPOT:3,FARGATE:1
BALANCER_INTERFACES = footprint.ZONES
LINK_INTERFACES = footprint.ZONES


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """vCPUs on Fargate and network interfaces of a region; None where AWS did not say."""

    on_demand: float | None
    spot: float | None
    interfaces: float | None
    interfaces_used: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One quota's answer: so many channels, None if it could not be read."""

    what: str
    channels: int | None


def read(account: Account) -> Quotas:
    """Ask for them; what may not be asked is None."""
    return Quotas(
        on_demand=_quota(account, *ON_DEMAND),
        spot=_quota(account, *ON_SPOT),
        interfaces=_quota(account, *INTERFACES),
        interfaces_used=_used(account),
    )


def bounds(quotas: Quotas, parameters: Mapping[str, str]) -> list[Bound]:
    """Give how many channels each quota leaves room for, beside what the stack runs anyway."""
    tasks = footprint.standing(parameters)
    each = footprint.worker(parameters).vcpu
    vcpu = sum(one.vcpu * one.count for one in tasks)
    interfaces = sum(one.count for one in tasks) + BALANCER_INTERFACES + LINK_INTERFACES
    on_spot = SPOT_SHARE if parameters["Spot"] == "yes" else 0.0
    found = [
        Bound(
            what=f"Fargate On-Demand vCPUs, {_spelled(quotas.on_demand)}; the stack itself takes {vcpu:g}",
            channels=_room(quotas.on_demand, vcpu, each * (1 - on_spot)),
        ),
        Bound(
            what=f"network interfaces of the region, {_spelled(quotas.interfaces)} of which "
            f"{_spelled(quotas.interfaces_used)} are used; the stack itself takes {interfaces}",
            channels=_room(quotas.interfaces, (quotas.interfaces_used or 0) + interfaces, 1),
        ),
    ]
    if on_spot:
        spot = _room(quotas.spot, 0, each * on_spot)
        found.insert(1, Bound(what=f"Fargate Spot vCPUs, {_spelled(quotas.spot)}", channels=spot))
    return found


def told(found: list[Bound]) -> Iterator[str]:
    """Give what is said of them, the smallest last."""
    for bound in found:
        yield f"   {'unknown' if bound.channels is None else f'{bound.channels:,}':>8} channels: {bound.what}"
    known = [bound.channels for bound in found if bound.channels is not None]
    if known:
        yield f"   so {min(known):,} at once, less what else runs on Fargate here; Service Quotas raises each"


def _room(quota: float | None, taken: float, each: float) -> int | None:
    return None if quota is None else max(0, int((quota - taken) / each + 1e-9))


def _spelled(number: float | None) -> str:
    return "unknown" if number is None else f"{number:,.0f}"


def _quota(account: Account, service: str, name: str) -> float | None:
    try:
        return account.quotas.get_service_quota(ServiceCode=service, QuotaCode=name)["Quota"]["Value"]
    except ClientError as error:
        if code(error) != "NoSuchResourceException":  # of a quota that was never changed there is the default only
            return None
    except BotoCoreError:
        return None
    try:
        return account.quotas.get_aws_default_service_quota(ServiceCode=service, QuotaCode=name)["Quota"]["Value"]
    except (ClientError, BotoCoreError):
        return None


def _used(account: Account) -> int | None:
    try:
        pages = account.ec2.get_paginator("describe_network_interfaces").paginate()
        return sum(len(page["NetworkInterfaces"]) for page in pages)
    except (ClientError, BotoCoreError):
        return None
