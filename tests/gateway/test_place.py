from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from services.gateway.place import Place, place_of
from services.gateway.settings import GatewaySettings
from services.runtime.ecs_metadata import EcsTask

TASK = EcsTask(arn="arn:aws:ecs:r:1:task/c/0123abc", cluster="c", address="10.0.3.4", zone="eu-central-1b")


def settings(**changes: str) -> GatewaySettings:
    needed = {"state_path": Path("s.db"), "objects_path": Path("o"), "spool_path": Path("p")}
    secrets = {"publish_secrets": SecretStr("one:secret"), "internal_token": SecretStr("token")}
    return GatewaySettings.model_validate({**needed, **secrets, **changes})


@pytest.mark.parametrize(
    ("changes", "task", "place"),
    [
        ({}, None, Place(name="local", pull_url="rtmp://127.0.0.1:1935/stream", control_url="http://127.0.0.1:8002")),
        (
            {},
            TASK,
            Place(
                name="0123abc",
                pull_url="rtmp://10.0.3.4:1935/stream",
                control_url="http://10.0.3.4:8002",
                zone="eu-central-1b",
            ),
        ),
        (
            {"gateway_name": "left", "advertised_host": "left.example", "zone": "rack-1", "port": "9"},
            TASK,
            Place(
                name="left",
                pull_url="rtmp://left.example:1935/stream",
                control_url="http://left.example:9",
                zone="rack-1",
            ),
        ),
    ],
    ids=["one machine", "a task of ECS", "as the settings say"],
)
def test_a_gateway_says_where_it_is_reached(changes: dict[str, str], task: EcsTask | None, place: Place) -> None:
    assert place_of(settings(**changes), task) == place
