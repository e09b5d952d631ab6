"""A broadcast through all of the images at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.images.containers import Container
from tests.images.deployment import Deployment, deployment
from tests.images.stream import make_clip, publishing
from tests.waiting import eventually

STOP_SECONDS = 30.0


@pytest.fixture
def running(aws: Mapping[str, str], tmp_path: Path) -> Iterator[Deployment]:
    with deployment(aws, tmp_path) as all_of_it:
        yield all_of_it


def items(running: Deployment, path: str) -> list[dict[str, Any]]:
    with running.api() as api:
        found: list[dict[str, Any]] = api.get(path).json()["items"]
    return found


def worker_number(running: Deployment, number: int) -> Container:
    eventually(lambda: len(running.workers) > number, within=30, what=running.services["gateway"].log)
    return running.workers[number]


@pytest.mark.timeout(300)
def test_a_publisher_is_captured_by_a_task_and_a_stopped_task_hands_over(running: Deployment, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.flv")
    with running.api() as api:
        channel = api.post("/channels", json={"name": "trial", "image_time": 1}).json()
    with publishing(clip, channel["publish"]["url"]):
        first = worker_number(running, 0)
        eventually(
            lambda: items(running, f"/channels/{channel['id']}/snapshots"), within=60, what=f"a picture; {first.log}"
        )
        first.terminate()
        second = worker_number(running, 1)
        eventually(lambda: not first.inspected(".State.Pid"), within=STOP_SECONDS, what=f"the first ends; {first.log}")
        before = len(items(running, f"/channels/{channel['id']}/snapshots"))
        eventually(
            lambda: len(items(running, f"/channels/{channel['id']}/snapshots")) > before + 1,
            within=30,
            what=f"more pictures; {second.log}",
        )
    (session,) = items(running, f"/channels/{channel['id']}/sessions")

    assert first.log.count('"event": "stop_asked"') == 1
    assert session["gaps"] == []


def test_every_service_ends_at_one_signal(running: Deployment) -> None:
    for container in running.services.values():
        container.terminate()
    codes = {name: container.wait(STOP_SECONDS) for name, container in running.services.items()}

    assert codes == dict.fromkeys(running.services, 0), {name: each.log for name, each in running.services.items()}
