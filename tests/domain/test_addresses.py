from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.addresses import address, is_forbidden, is_reachable, networks

_INSIDE = """
    127.0.0.1 0.0.0.0 10.1.2.3 172.16.0.1 172.31.255.255 192.168.0.1 169.254.169.254 169.254.170.2 100.64.0.1
    100.100.100.200 168.63.129.16 192.0.0.192 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1
    255.255.255.255 ::1 :: fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254 ff02::1 2001:db8::1 2001::1 3fff::1
    ::ffff:127.0.0.1 ::ffff:169.254.169.254 2002:7f00:1:: 2002:a9fe:a9fe::1 64:ff9b::a00:1 64:ff9b:1::1 ::127.0.0.1
"""
_OUTSIDE = """
    8.8.8.8 1.1.1.1 172.32.0.1 100.128.0.1 2606:4700::1111 2a00:1450::1 ::ffff:8.8.8.8 2002:808:808::1 64:ff9b::808:808
"""


@pytest.mark.parametrize("text", _INSIDE.split())
def test_addresses_that_are_not_public_are_out_of_reach(text: str) -> None:
    assert not is_reachable(address(text), ())


@pytest.mark.parametrize("text", _OUTSIDE.split())
def test_public_addresses_are_in_reach(text: str) -> None:
    assert is_reachable(address(text), ())


@pytest.mark.parametrize("text", ["10.20.3.4", "::ffff:10.20.3.4", "fd12::5"])
def test_a_network_that_is_allowed_is_in_reach_however_it_is_spelled(text: str) -> None:
    allowed = networks("10.20.0.0/16, fd12::/16")

    assert is_reachable(address(text), allowed)
    assert not is_reachable(address("10.21.0.1"), allowed)


@pytest.mark.parametrize(
    ("host", "is_so"),
    [("127.0.0.1", True), ("::1", True), ("10.20.3.4", False), ("8.8.8.8", False), ("localhost", False), ("", False)],
)
def test_a_host_that_is_an_address_is_judged_at_once_and_a_name_is_not(host: str, is_so: bool) -> None:  # noqa: FBT001 - what is expected
    assert is_forbidden(host, networks("10.20.0.0/16")) is is_so


@pytest.mark.parametrize("text", ["10.0.0.1/8", "ten", "10.0.0.0/33"])
def test_a_network_that_is_none_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write networks as"):
        networks(text)


@given(st.ip_addresses(v=4))
def test_what_stands_for_an_ipv4_address_is_judged_as_that(given_address: object) -> None:
    plain = is_reachable(address(str(given_address)), ())

    assert is_reachable(address(f"::ffff:{given_address}"), ()) == plain
