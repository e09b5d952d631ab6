"""Knocking at a port."""

from __future__ import annotations

import asyncio
import gc
import socket
import warnings

import pytest

from services.runtime.knocking import knock


def test_knocking_leaves_nothing_open_in_a_loop_that_ends_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        asyncio.run(knock(*listening.getsockname()))
        gc.collect()

        assert [str(each.message) for each in warned] == []


def test_a_port_where_nothing_listens_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()

    with pytest.raises(ConnectionRefusedError):
        asyncio.run(knock(*address))
