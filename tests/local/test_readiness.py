from __future__ import annotations

import asyncio
import socket

import pytest

from services.local.errors import CannotStart
from services.local.ports import Ports
from services.local.readiness import wait_until_ready


def test_a_stack_that_is_not_ready_in_time_says_which_parts_are_missing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nginx, socket.create_server(("127.0.0.1", 0)) as probe:
        rtmp, unused = nginx.getsockname()[1], probe.getsockname()[1]
        probe.close()

        with pytest.raises(CannotStart) as refusal:
            asyncio.run(wait_until_ready(Ports(rtmp=rtmp, api=unused, nginx=unused, callback=unused), 0.2))

    assert "not ready after 0.2 s" in str(refusal.value)
    assert f"the callback app does not answer on port {unused}" in str(refusal.value)
    assert f"the metadata service does not answer on port {unused}" in str(refusal.value)
    assert "nginx" not in str(refusal.value)
