"""From the start of a worker's container to its pull, with a quarter of a processor."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from tests.doubles.open_gateway import OpenGateway
from tests.images.containers import Container
from tests.images.sessions import on_air

LIMITS = ("--cpus=0.25", "--memory=512m")
START_SECONDS = 4.0
TIMES = 5


def started(number: int, gateway: OpenGateway, aws: Mapping[str, str], folder: Path) -> float:
    """Give the seconds from the start of a worker's container until it pulls."""
    command = on_air(f"start-{number}", aws["STREAMKEEP_TABLE"])
    gateway.listening.clear()
    variables = {**aws, "STREAMKEEP_SPOOL_PATH": "/spool", "STREAMKEEP_PULL_URL": gateway.url}
    with Container(image="worker", command=command, environment=variables, options=LIMITS, folder=folder) as worker:
        assert gateway.listening.wait(30), worker.log
        pulled = time.time()
        return pulled - worker.began()


def test_a_worker_pulls_within_four_seconds_of_its_start(
    gateway: OpenGateway, aws_here: Mapping[str, str], tmp_path: Path
) -> None:
    taken = [started(number, gateway, aws_here, tmp_path) for number in range(TIMES)]

    print("start to pull:", ", ".join(f"{each:.2f}" for each in taken), "s at 0.25 of a processor")
    assert max(taken) <= START_SECONDS
