"""Each container's variables are the settings of what runs in it, no more and no fewer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from services.dispatcher.settings import DispatcherSettings
from services.gateway.settings import GatewaySettings, NginxSettings
from services.grabber.function import FunctionSettings
from services.metadata.settings import MetadataSettings
from services.reconciler.settings import ReconcilerSettings
from services.runtime.settings import PREFIX, Settings
from services.worker.settings import WorkerSettings
from tests.aws.templates import template

SETTINGS: Mapping[str, tuple[str, type[Settings]]] = {
    "nginx": ("gateway", NginxSettings),
    "callback": ("gateway", GatewaySettings),
    "metadata": ("metadata", MetadataSettings),
    "dispatcher": ("metadata", DispatcherSettings),
    "reconciler": ("reconciler", ReconcilerSettings),
    "worker": ("worker", WorkerSettings),
}
SECRETS = {"token", "publish_secrets", "link_secrets", "internal_token", "sinks"}

_EVERYWHERE = {
    "log_level": "info says what an operator needs",
    "log_format": "JSON, as CloudWatch searches it",
    "lifeline_fd": "the one-machine stack's",
    "state_path": "state is in DynamoDB",
    "objects_path": "objects are in S3",
}
_DECIDED_WITH_STATE = "its default follows from where state is"
LEFT_OUT: Mapping[str, Mapping[str, str]] = {
    "nginx": {
        "log_level": "as above",
        "log_format": "as above",
        "lifeline_fd": "as above",
        "rtmp_port": "the port that the load balancer forwards to",
        "nginx_port": "of /stat, on loopback",
        "callback_url": "the other container of the task, on loopback",
    },
    "callback": {
        **_EVERYWHERE,
        "bucket": "it touches no objects",
        "spool_path": "of workers on this machine, of which there are none",
        "gateway_name": "the task's own",
        "port": "the port that the load balancer's health check asks",
        "nginx_url": "the other container of the task, on loopback",
        "pull_url": "where pullers publish: nginx of the same task",
        "hold_seconds": "as on one machine",
        "sweep_seconds": _DECIDED_WITH_STATE,
        "decision_threads": _DECIDED_WITH_STATE,
        "launch_concurrency": "as on one machine",
        "min_free_bytes": "as on one machine",
        "spool_bytes": "of workers on this machine, of which there are none",
        "lease_seconds": _DECIDED_WITH_STATE,
        "events": "they are told",
        "zone": "read from the task's metadata",
        "advertised_host": "read from the task's metadata",
        "worker_container": "worker is what it is called",
        "backlog_seconds": "120 s, which outlasts a cold start",
    },
    "metadata": {
        **_EVERYWHERE,
        "port": "the port in the service's registration",
        "min_free_bytes": "no disk of it matters",
        "events": "they are told",
        "grabs_at_once": "as on one machine",
        "seed_channel": "a stack begins empty",
    },
    "dispatcher": {
        **_EVERYWHERE,
        "bucket": "it reads no objects",
        "host": "nobody asks it but its own health check",
        "port": "nobody asks it but its own health check",
        "link_seconds": "as on one machine",
        "give_up_seconds": "as on one machine",
        "refused_tries": "as on one machine",
        "poll_seconds": _DECIDED_WITH_STATE,
    },
    "reconciler": {
        **_EVERYWHERE,
        "host": "nobody asks it but its own health check",
        "port": "nobody asks it but its own health check",
        "worker_container": "worker is what it is called",
        "sweep_seconds": _DECIDED_WITH_STATE,
        "lease_seconds": _DECIDED_WITH_STATE,
        "events": "they are told",
    },
    "worker": {
        **_EVERYWHERE,
        "advertised_host": "read from the task's metadata",
        "zone": "read from the task's metadata",
        "min_free_bytes": "as on one machine",
        "spool_bytes": "2 GiB of the task's 20",
        "reread_seconds": "as on one machine",
        "lease_seconds": _DECIDED_WITH_STATE,
        "watchdog_seconds": "as on one machine",
        "events": "they are told",
    },
}


def _container(name: str) -> dict[str, Any]:
    found = [
        container
        for task in template(SETTINGS[name][0]).of("AWS::ECS::TaskDefinition").values()
        for container in task["ContainerDefinitions"]
        if container["Name"] == name
    ]
    container: dict[str, Any]
    (container,) = found
    return container


def _given(name: str) -> dict[str, Any]:
    """Give what the task definition sets, by setting; secrets as a sample of their form."""
    container = _container(name)
    forms = {"sinks": "moderation=https://example.com/hook"}
    secrets = {each["Name"]: forms.get(_setting(each["Name"]), "k1:value") for each in container.get("Secrets", [])}
    plain = {each["Name"]: str(each["Value"]) for each in container["Environment"]}
    return {_setting(variable): value for variable, value in (plain | secrets).items()}


def _setting(variable: str) -> str:
    return variable.removeprefix(PREFIX).lower()


def test_every_container_of_the_templates_is_looked_at() -> None:
    names = [
        container["Name"]
        for stack in ("gateway", "metadata", "reconciler", "worker")
        for task in template(stack).of("AWS::ECS::TaskDefinition").values()
        for container in task["ContainerDefinitions"]
    ]
    assert sorted(names) == sorted(SETTINGS)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_task_definition_sets_each_setting_or_leaves_it_out_for_a_reason(name: str) -> None:
    fields, given, left_out = set(SETTINGS[name][1].model_fields), set(_given(name)), set(LEFT_OUT[name])

    assert given - fields == set(), "the service refuses what it does not know"
    assert given & left_out == set()
    assert fields - given - left_out == set(), "set it, or say why not"
    assert left_out - fields == set(), "there is no such setting any more"


@pytest.mark.parametrize("name", SETTINGS)
def test_a_service_takes_what_its_task_definition_sets(name: str) -> None:
    SETTINGS[name][1](**_given(name))


@pytest.mark.parametrize("name", SETTINGS)
def test_secrets_come_by_reference_and_nothing_else_does(name: str) -> None:
    container = _container(name)

    assert {_setting(each["Name"]) for each in container["Environment"]} & SECRETS == set()
    assert {_setting(each["Name"]) for each in container.get("Secrets", [])} <= SECRETS
    for secret in container.get("Secrets", []):
        assert secret["ValueFrom"].startswith("arn:aws:secretsmanager:")


def test_the_grabbers_function_has_the_settings_that_it_reads() -> None:
    given = template("grabber").of("AWS::Lambda::Function")["Function"]["Environment"]["Variables"]
    settings = {_setting(variable): value for variable, value in given.items()}
    left_out = {
        *("log_level", "log_format", "lifeline_fd", "state_path", "objects_path"),
        "table",  # it opens no state
        "allowed_networks",  # it is in no network of ours
    }

    FunctionSettings(**settings)
    assert set(settings) == set(FunctionSettings.model_fields) - left_out


def test_a_worker_hands_over_and_stops_before_ecs_kills_it() -> None:
    settings = WorkerSettings(**_given("worker"))

    assert settings.hand_over_seconds + settings.stop_seconds <= _container("worker")["StopTimeout"] - 5


def test_a_gateway_lets_its_publishers_go_before_ecs_kills_it() -> None:
    callback = _container("callback")

    assert GatewaySettings(**_given("callback")).stop_drain_seconds <= callback["StopTimeout"] - 10
    assert callback["DependsOn"] == [{"ContainerName": "nginx", "Condition": "START"}], "nginx would be stopped first"


def test_gateway_and_reconciler_start_the_same_workers_at_the_same_place() -> None:
    shared = {
        "launcher", "cluster", "worker_task", "subnets", "security_groups", "public_ip", "capacity", "tags_stack",
    }  # fmt: skip
    gateway, reconciler = _given("callback"), _given("reconciler")

    assert {name: gateway[name] for name in shared} == {name: reconciler[name] for name in shared}


def test_nginx_and_the_callback_app_share_the_folder_of_the_backlog() -> None:
    nginx, callback = _container("nginx"), _container("callback")

    assert _given("nginx")["backlog_path"] == _given("callback")["backlog_path"]
    assert nginx["MountPoints"] == callback["MountPoints"]


def test_api_and_dispatcher_make_links_to_the_same_address() -> None:
    assert _given("metadata")["public_url"] == _given("dispatcher")["public_url"]
