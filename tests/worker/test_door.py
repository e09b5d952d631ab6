"""Where a worker is reached: its place, and its control port."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from services.worker.door import Door
from services.worker.place import Place
from tests.doubles.ecs_agent import ecs_agent
from tests.worker.a_worker import ROOT

TELL = (
    "from services.worker.place import own_place; place = own_place(address={!r}, zone={!r}); "
    "print(place.address, place.zone, place.task)"
)


def told(address: str = "", zone: str = "", **variables: str) -> list[str]:
    """Give what a process of these variables finds."""
    code = TELL.format(address, zone)
    output = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **variables}, text=True)
    return output.rstrip("\n").split(" ")


def test_on_one_machine_a_worker_is_there_alone() -> None:
    assert told() == ["127.0.0.1", "", ""]


def test_ecs_says_where_a_worker_is_and_what_it_is_called() -> None:
    with ecs_agent("task-1", address="10.0.3.4", zone="eu-central-1b") as agent:
        assert told(**agent.variables) == ["10.0.3.4", "eu-central-1b", "task-1"]


def test_what_is_set_stands_before_what_ecs_says() -> None:
    with ecs_agent("task-1", address="10.0.3.4", zone="eu-central-1b") as agent:
        assert told("worker.example", "here", **agent.variables) == ["worker.example", "here", "task-1"]


def test_the_name_that_holds_leases_begins_with_the_task() -> None:
    assert Place(task="task-1").name.partition(":")[0] == "task-1"
    assert Place().name.partition(":")[0] == socket.gethostname()


@pytest.mark.parametrize(
    ("address", "bound"),
    [("127.0.0.1", "127.0.0.1"), ("127.0.0.2", "127.0.0.2"), ("localhost", "127.0.0.1"), ("192.0.2.1", "0.0.0.0")],  # noqa: S104 - what is asked about
)
def test_the_port_is_open_to_others_only_where_it_is_advertised_to_them(address: str, bound: str) -> None:
    door = Door(Place(address=address), 0)
    with door.opened() as listening:
        host, port = listening.getsockname()

        assert host == bound
        assert door.url() == f"http://{address}:{port}"


def test_a_port_that_is_taken_gives_way_to_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Door(Place(), port).opened() as listening:
            assert listening.getsockname()[1] not in {0, port}
