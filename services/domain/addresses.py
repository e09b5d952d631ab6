"""Which IP addresses a stranger may send this service to.

    allowed = networks("10.20.0.0/16, 127.0.0.1")
    is_reachable(address("203.0.114.9"), allowed)

An address is judged by where packets for it end: an IPv6 address that stands for an IPv4 one is judged as that.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

NOT_PUBLIC = (
    "its host has no public address; for one inside, the operator names its network in the setting "
    "STREAMKEEP_ALLOWED_NETWORKS (for example 10.20.0.0/16)"
)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_V4_RESERVED = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",  # this host
            "10.0.0.0/8",
            "100.64.0.0/10",  # carriers' NAT; Alibaba's metadata service
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's platform service, in public space
            "169.254.0.0/16",  # link-local: metadata services of most clouds, task credentials of ECS
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",  # 6to4 relays, withdrawn
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",  # multicast, reserved, broadcast
        ),
    )
)
_V6_PUBLIC = ipaddress.IPv6Network("2000::/3")  # all else is private, link-local, multicast or not given out
_V6_RESERVED = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # Teredo, ORCHID, benchmarking: protocols, no hosts
            "2001:db8::/32",
            "3fff::/20",  # documentation
        ),
    )
)
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_6TO4 = ipaddress.IPv6Network("2002::/16")
_6TO4_SHIFT = 80  # bits after the embedded IPv4 address
_32_BITS = 0xFFFFFFFF


def address(text: str) -> Address:
    """Read an address, with or without the scope that names an interface; raise ValueError."""
    return ipaddress.ip_address(text.partition("%")[0])


def networks(text: str) -> tuple[Network, ...]:
    """Read networks in CIDR notation, divided by commas; raise ValueError that names the first bad one."""
    return tuple(_network(each.strip()) for each in text.split(",") if each.strip())


def is_reachable(target: Address, allowed: Sequence[Network]) -> bool:
    """Say whether a stranger may send us there: it is public, or in one of the `allowed` networks."""
    meant = {target, _end(target)}
    if any(each.version == network.version and each in network for network in allowed for each in meant):
        return True
    return _is_public(_end(target))


def is_forbidden(host: str, allowed: Sequence[Network]) -> bool:
    """Say whether a host is an address itself, and one that is not reachable; a name is judged when it is resolved."""
    try:
        return not is_reachable(address(host), allowed)
    except ValueError:
        return False


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}; write networks as 10.20.0.0/16, divided by commas") from None


def _end(target: Address) -> Address:
    """Give the IPv4 address that an IPv6 address stands for, else itself."""
    if target.version == 4:  # noqa: PLR2004 - as the library tells them apart
        return target
    if target in _MAPPED or target in _NAT64:
        return ipaddress.IPv4Address(int(target) & _32_BITS)
    if target in _6TO4:
        return ipaddress.IPv4Address(int(target) >> _6TO4_SHIFT & _32_BITS)
    return target


def _is_public(target: Address) -> bool:
    if target.version == 4:  # noqa: PLR2004 - as the library tells them apart
        return not any(target in network for network in _V4_RESERVED)
    return target in _V6_PUBLIC and not any(target in network for network in _V6_RESERVED)
