from __future__ import annotations

import socket

import pytest

from services.local.errors import CannotStart
from services.local.ports import Ports


def test_an_offset_moves_every_port() -> None:
    assert Ports.moved(100) == Ports(rtmp=2035, api=8100, nginx=8101, callback=8102, dispatcher=8103, reconciler=8105)


PARTS = ("rtmp", "api", "nginx", "callback", "dispatcher", "reconciler")


@pytest.mark.parametrize("part", PARTS)
def test_a_taken_port_is_named_with_the_remedy(part: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = Ports(**{**dict.fromkeys(PARTS, 0), part: port})

        with pytest.raises(CannotStart, match=rf"port {port} .*--port-offset"):
            ports.require_free("127.0.0.1")


def test_free_ports_are_taken_by_nobody_afterwards() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    ports = Ports(rtmp=port, api=0, nginx=0, callback=0, dispatcher=0, reconciler=0)

    ports.require_free("127.0.0.1")

    socket.create_server(("127.0.0.1", port)).close()
