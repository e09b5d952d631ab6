"""The whole stack, nested templates and all, deployed, changed and taken away on an emulator, as far as that goes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest

from services.adapters.opening import open_state
from tests.aws.clients import client_of
from tests.aws.reduced import all_reduced
from tests.aws.templates import NESTED
from tests.emulators import Emulators
from tests.examples import a_channel
from tests.waiting import eventually

DEADLINE_SECONDS = 60
STACK = "keep"
BUCKET = "keep-templates"
BASE = f"https://s3.amazonaws.com/{BUCKET}"
REGISTRY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/streamkeep"
REQUIRED = {
    "TemplateBase": BASE,
    **{f"{name}Image": f"{REGISTRY}/{name.lower()}:1" for name in ("Gateway", "Services", "Worker")},
}


class Deployed:
    """A stack of the templates, reduced to what the emulator knows."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.cloudformation = client_of("cloudformation", endpoint)
        s3 = client_of("s3", endpoint)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": os.environ["AWS_REGION"]})
        for name, body in all_reduced().items():
            s3.put_object(Bucket=BUCKET, Key=name, Body=body.encode())

    def create(self) -> None:
        self.cloudformation.create_stack(StackName=STACK, **_given({}))
        self._settled("CREATE_COMPLETE")

    def update(self, **parameters: str) -> None:
        self.cloudformation.update_stack(StackName=STACK, **_given(parameters))
        self._settled("UPDATE_COMPLETE")

    def data(self, stack: str, **parameters: str) -> dict[str, str]:
        given = {"Stack": stack, "KmsKeyArn": "", "ExistingTable": "", "ExistingBucket": "", **parameters}
        self.cloudformation.create_stack(
            StackName=stack,
            TemplateURL=f"{BASE}/data.yaml",
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
        )
        self._settled("CREATE_COMPLETE", stack)
        return self.outputs(stack)

    def outputs(self, stack: str = STACK) -> dict[str, str]:
        (described,) = self.cloudformation.describe_stacks(StackName=stack)["Stacks"]
        return {each["OutputKey"]: each["OutputValue"] for each in described["Outputs"]}

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
        return client_of(service, self.endpoint)

    def environment(self, family: str, container: str) -> Mapping[str, str]:
        task = self.client("ecs").describe_task_definition(taskDefinition=family)["taskDefinition"]
        (found,) = [each for each in task["containerDefinitions"] if each["name"] == container]
        return {each["name"]: each["value"] for each in found["environment"]}

    def _settled(self, wanted: str, stack: str = STACK) -> None:
        def status() -> str:
            found: str = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
            return found

        eventually(lambda: not status().endswith("IN_PROGRESS"), within=DEADLINE_SECONDS, what=wanted)
        events = self.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        failed = [each.get("ResourceStatusReason") for each in events if "FAILED" in each["ResourceStatus"]]
        assert (status(), failed) == (wanted, [])


def _given(parameters: Mapping[str, str]) -> Any:  # noqa: ANN401 - arguments of two calls
    given = {**REQUIRED, **parameters}
    return {
        "TemplateURL": f"{BASE}/main.yaml",
        "Capabilities": ["CAPABILITY_IAM"],
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
    }


@pytest.fixture(scope="module")
def deployed(emulators: Emulators) -> Iterator[Deployed]:
    deployed = Deployed(emulators.url("ministack"))
    deployed.create()
    yield deployed
    deployed.cloudformation.delete_stack(StackName=STACK)


def test_the_defaults_deploy_with_every_nested_stack_but_the_budget(deployed: Deployed) -> None:
    stacks = deployed.cloudformation.list_stacks(StackStatusFilter=["CREATE_COMPLETE"])["StackSummaries"]

    names = {each["StackName"].split("-")[1].lower() for each in stacks if each["StackName"].startswith(f"{STACK}-")}
    assert names == {name.replace("grabber", "grabberfunction") for name in NESTED} - {"budget"}


def test_its_outputs_say_where_to_push_and_where_to_look(deployed: Deployed) -> None:
    outputs = deployed.outputs()

    assert outputs["PushUrl"] == f"rtmp://{outputs['PushHost']}:1935/stream"
    assert outputs["PublicUrl"].startswith("https://")
    assert outputs["TableName"]
    assert outputs["BucketName"]


def test_its_table_is_one_that_the_adapters_take(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", deployed.endpoint)
    example = a_channel()

    with closing(open_state(sqlite_path=None, table=deployed.outputs()["TableName"])) as state:
        state.channels.add(example)
        assert [each.id for each in state.channels.page(10)] == [example.id]


def test_what_one_template_makes_reaches_the_containers_of_another(deployed: Deployed) -> None:
    outputs = deployed.outputs()
    api, gateway = deployed.environment("keep-metadata", "metadata"), deployed.environment("keep-gateway", "callback")

    assert api["STREAMKEEP_PUBLIC_URL"] == outputs["PublicUrl"]
    assert api["STREAMKEEP_RTMP_URL"] == outputs["PushUrl"]
    assert api["STREAMKEEP_BUCKET"] == outputs["BucketName"]
    assert gateway["STREAMKEEP_TABLE"] == outputs["TableName"]
    assert ":task-definition/keep-worker:" in gateway["STREAMKEEP_WORKER_TASK"]
    assert gateway["STREAMKEEP_SUBNETS"].count("=subnet-") == 2


def test_a_changed_parameter_reaches_its_container(deployed: Deployed) -> None:
    deployed.update(PoolSize="3")

    assert deployed.environment("keep-reconciler", "reconciler")["STREAMKEEP_POOL_SIZE"] == "3"


def test_a_stack_that_is_gone_leaves_no_service_and_no_cluster(deployed: Deployed) -> None:
    ecs = deployed.client("ecs")
    assert len(ecs.list_services(cluster=STACK)["serviceArns"]) == 4

    deployed.cloudformation.delete_stack(StackName=STACK)

    eventually(
        lambda: not any(arn.endswith(f"/{STACK}") for arn in ecs.list_clusters()["clusterArns"]),
        within=DEADLINE_SECONDS,
        what="the stack is gone",
    )


def test_table_and_bucket_outlive_their_stack_and_the_next_takes_them(emulators: Emulators) -> None:
    """On moto, of the one template: ministack overlooks DeletionPolicy, and moto cannot deploy them all."""
    moto = Deployed(emulators.url("moto"))
    first = moto.data("first")
    moto.cloudformation.delete_stack(StackName="first")
    second = moto.data("second", ExistingTable=first["TableName"], ExistingBucket=first["BucketName"])

    assert second == first
    assert first["TableName"] in moto.client("dynamodb").list_tables()["TableNames"]
    assert first["BucketName"] in [each["Name"] for each in moto.client("s3").list_buckets()["Buckets"]]
