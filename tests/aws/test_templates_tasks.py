"""What every task and service of the templates promises."""

from __future__ import annotations

from typing import Any

import pytest

from services.gateway.settings import GatewaySettings
from tests.aws.templates import every_resource, template

STOP_TIMEOUT_MAX = 120  # seconds; ECS takes no more

TASKS = dict(every_resource("AWS::ECS::TaskDefinition"))
SERVICES = dict(every_resource("AWS::ECS::Service"))
CONTAINERS: dict[str, dict[str, Any]] = {
    f"{name}/{container['Name']}": container
    for name, task in TASKS.items()
    for container in task["ContainerDefinitions"]
}


def test_there_are_five_tasks_of_six_containers_and_four_services() -> None:
    assert (len(TASKS), len(CONTAINERS), len(SERVICES)) == (5, 6, 4)


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_can_write_to_nothing_but_the_spool_and_has_no_rights_in_the_kernel(name: str) -> None:
    container = CONTAINERS[name]

    assert container["ReadonlyRootFilesystem"] is True
    assert container["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
    assert not container.get("Privileged")
    assert [mount["ContainerPath"] for mount in container["MountPoints"]] == ["/spool"]


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_is_started_as_one_program_that_gets_the_signals_itself(name: str) -> None:
    container = CONTAINERS[name]

    assert container["EntryPoint"][:2] == ["python", "-m"]
    assert container["LinuxParameters"]["InitProcessEnabled"] is False
    assert 0 < container["StopTimeout"] <= STOP_TIMEOUT_MAX


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_has_a_health_check_of_itself_alone(name: str) -> None:
    check = CONTAINERS[name]["HealthCheck"]

    assert check["Command"][0] == "CMD", "no shell of CMD-SHELL's kind"
    assert "/dev/tcp/127.0.0.1/" in check["Command"][-1]
    assert "readyz" not in check["Command"][-1], "that asks shared services"
    assert check["Timeout"] < check["Interval"]


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_logs_without_waiting_into_a_group_that_forgets(name: str) -> None:
    options = CONTAINERS[name]["LogConfiguration"]["Options"]

    assert options["mode"] == "non-blocking"
    own = template(name.split("/", maxsplit=1)[0]).of("AWS::Logs::LogGroup")
    assert options["awslogs-group"] in {logical.lower() for logical in own}


def test_every_group_of_logs_forgets() -> None:
    groups = dict(every_resource("AWS::Logs::LogGroup"))

    assert len(groups) >= 7
    for group in groups.values():
        assert group["RetentionInDays"]


def test_the_smallest_worker_is_the_smallest_task_there_is() -> None:
    sizes = template("main").body["Mappings"]["Sizes"]

    assert sizes["micro"] == {"Cpu": "256", "Memory": "512"}
    assert template("main").body["Parameters"]["WorkerSize"]["Default"] == "micro"


def test_a_gateway_takes_one_vcpu_at_most() -> None:
    assert int(template("gateway").of("AWS::ECS::TaskDefinition")["Task"]["Cpu"]) <= 1024


def test_a_gateways_disk_holds_its_backlog_and_the_room_that_must_stay_free() -> None:
    task = template("gateway").of("AWS::ECS::TaskDefinition")["Task"]
    (callback,) = [each for each in task["ContainerDefinitions"] if each["Name"] == "callback"]
    kept = {each["Name"]: each["Value"] for each in callback["Environment"]}["STREAMKEEP_BACKLOG_BYTES"]
    free: int = GatewaySettings.model_fields["min_free_bytes"].default

    assert 1.5 * int(kept) + free < task["EphemeralStorage"]["SizeInGiB"] * 2**30


@pytest.mark.parametrize("name", SERVICES)
def test_a_deploy_that_fails_is_taken_back_and_never_leaves_less_than_there_was(name: str) -> None:
    configuration = SERVICES[name]["DeploymentConfiguration"]

    assert configuration["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert (configuration["MinimumHealthyPercent"], configuration["MaximumPercent"]) == (100, 200)


@pytest.mark.parametrize("name", SERVICES)
def test_services_never_run_on_spot(name: str) -> None:
    assert [each["CapacityProvider"] for each in SERVICES[name]["CapacityProviderStrategy"]] == ["FARGATE"]


def test_the_api_has_two_tasks_at_least_and_both_scaled_services_have_bounds() -> None:
    parameters = template("main").body["Parameters"]
    assert parameters["ApiLeast"]["MinValue"] == parameters["ApiLeast"]["Default"] == 2

    scaled = dict(every_resource("AWS::ApplicationAutoScaling::ScalableTarget"))
    assert sorted(scaled) == ["gateway/Scaling", "metadata/Scaling"]


def test_an_update_leaves_the_gateways_that_scaling_has_started() -> None:
    (service,) = template("gateway").of("AWS::ECS::Service").values()

    assert "DesiredCount" not in service


def test_a_gateway_is_scaled_by_publishers_bandwidth_and_cpu() -> None:
    policies = template("gateway").of("AWS::ApplicationAutoScaling::ScalingPolicy")

    assert sorted(policies) == ["BandwidthScaling", "CpuScaling", "PublishersScaling"]


def test_the_load_balancer_keeps_publishers_addresses_and_speaks_no_proxy_protocol() -> None:
    gateway = template("gateway", CertificateArn="arn:aws:acm:eu-central-1:123456789012:certificate/0a")
    targets = gateway.of("AWS::ElasticLoadBalancingV2::TargetGroup")["Targets"]
    attributes = {each["Key"]: each["Value"] for each in targets["TargetGroupAttributes"]}

    assert attributes["preserve_client_ip.enabled"] == "true"
    assert attributes["proxy_protocol_v2.enabled"] == "false"
    assert attributes["target_health_state.unhealthy.connection_termination.enabled"] == "false"
    assert (targets["HealthCheckProtocol"], targets["HealthCheckPort"]) == ("HTTP", "8002")
    assert gateway.of("AWS::ElasticLoadBalancingV2::LoadBalancer")["Balancer"]["SecurityGroups"]
    listeners = gateway.of("AWS::ElasticLoadBalancingV2::Listener")
    assert {each["Port"]: each["Protocol"] for each in listeners.values()} == {1935: "TCP", 443: "TLS"}


def test_the_api_gateway_waits_longer_than_the_service_may_take() -> None:
    assert template("api").of("AWS::ApiGatewayV2::Integration")["Integration"]["TimeoutInMillis"] > 20_000
