"""Where workers run as tasks is said by settings, each asked for or refused by its name."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.gateway.settings import GatewaySettings
from tests.doubles.ecs import FakeEcs
from tests.gateway.ecs_variables import variables


@pytest.fixture
def ecs() -> Iterator[FakeEcs]:
    with FakeEcs(start_seconds=3600) as ecs, variables(ecs.variables):
        yield ecs


def settings_of(tmp_path: Path, **given: str) -> GatewaySettings:
    places = {name: str(tmp_path / name) for name in ("state_path", "objects_path")}
    secrets = {"publish_secrets": "one:publish-secret", "internal_token": "internal"}
    return GatewaySettings.model_validate({**places, **secrets, **{name.lower(): each for name, each in given.items()}})


@pytest.mark.parametrize("name", ["CLUSTER", "WORKER_TASK", "SUBNETS", "SECURITY_GROUPS", "TAGS_STACK"])
def test_what_ecs_needs_is_asked_for_by_name(tmp_path: Path, ecs: FakeEcs, name: str) -> None:
    given = {each: value for each, value in ecs.settings.items() if each != name}

    with pytest.raises(ValidationError, match=rf"{name.lower()}[^_]*\n.*STREAMKEEP_LAUNCHER is ecs"):
        settings_of(tmp_path, **given)


@pytest.mark.parametrize(
    "name", ["CLUSTER", "WORKER_TASK", "SUBNETS", "SECURITY_GROUPS", "PUBLIC_IP", "CAPACITY", "TAGS_STACK"]
)
def test_what_ecs_needs_is_refused_on_one_machine(tmp_path: Path, ecs: FakeEcs, name: str) -> None:
    with pytest.raises(ValidationError, match=f"{name.lower()}\n.*remove it"):
        settings_of(tmp_path, SPOOL_PATH=str(tmp_path), **{name: ecs.settings[name]})


def test_workers_of_one_machine_need_a_spool(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"spool_path\n.*folder"):
        settings_of(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SUBNETS", "subnet-a"),
        ("SUBNETS", "zone=subnet,"),
        ("SECURITY_GROUPS", "sg one"),
        ("CAPACITY", "FARGATE"),
        ("CAPACITY", "EC2:1"),
        ("CAPACITY", "FARGATE:0"),
        ("CAPACITY", "FARGATE:1,FARGATE:2"),
        ("CLUSTER", "a b"),
    ],
)
def test_an_impossible_value_is_refused_by_name(tmp_path: Path, ecs: FakeEcs, name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=f"{name.lower()}\n"):
        settings_of(tmp_path, **{**ecs.settings, name: value})


def test_subnets_and_weights_are_read_by_zone_and_provider(tmp_path: Path, ecs: FakeEcs) -> None:
    spelled = {"SUBNETS": "zone-a=subnet-1,zone-b=subnet-2,zone-a=subnet-3", "CAPACITY": "FARGATE_SPOT:3,FARGATE:1"}
    fleet = settings_of(tmp_path, **{**ecs.settings, **spelled}).fleet

    assert fleet["subnets"] == {"zone-a": ("subnet-1", "subnet-3"), "zone-b": ("subnet-2",)}
    assert fleet["capacity"] == {"FARGATE_SPOT": 3, "FARGATE": 1}


def test_without_a_region_the_gateway_says_what_to_set_and_ends(tmp_path: Path, ecs: FakeEcs) -> None:
    own = {"STATE_PATH": str(tmp_path / "state.db"), "OBJECTS_PATH": str(tmp_path), "PORT": "0", **ecs.settings}
    secrets = {"PUBLISH_SECRETS": "one:publish-secret", "INTERNAL_TOKEN": "internal"}
    given = {f"STREAMKEEP_{name}": value for name, value in {**own, **secrets}.items()}
    environment = {"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true", **given}
    ended = subprocess.run(
        [sys.executable, "-m", "services.gateway"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (
        1,
        "ECS: no region is set: set AWS_REGION (You must specify a region.)\n",
    )
