"""A stack's life as its owner sees it: deployed, deployed again, changed, taken away, taken up again, and all gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.aws.rehearsal import Ended, Rehearsal, rehearsal
from tests.emulators import Emulators

NAME = ("--stack-name", "life")
SECRET = "the-admin-token-itself"


@dataclass
class Life:
    """What was seen after each step."""

    rehearsal: Rehearsal
    dry: Ended
    stacks_after_dry: dict[str, str]
    first: Ended
    made: dict[str, str]
    pushes: list[list[str]]
    again: Ended
    changed: Ended
    after_change: Ended
    pool_size: str
    gateways: int
    destroyed: Ended
    tasks_left: list[str]
    left: tuple[list[str], list[str]]
    stacks_between: dict[str, str]
    nothing: Ended
    adopted: Ended
    taken_over: dict[str, str]
    item: dict[str, Any]
    mistyped: Ended
    stacks_mistyped: dict[str, str]
    all_gone: Ended
    stacks_at_end: dict[str, str]
    left_at_end: tuple[list[str], list[str]]


@pytest.fixture(scope="module")
def life(emulators: Emulators, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """The whole of it, once; each test looks at a part."""
    with rehearsal(emulators.url("ministack"), tmp_path_factory.mktemp("life")) as on:
        on.front.quotas = {"L-3032A538": 6.0}
        yield _lived(on)


def _lived(on: Rehearsal) -> Life:
    seen: dict[str, Any] = {"rehearsal": on}
    seen["dry"] = on.run("deploy", *NAME, "--dry-run")
    seen["stacks_after_dry"] = on.stacks()
    seen["first"] = on.run("deploy", *NAME, typed="yes\n")
    seen["made"] = made = on.outputs("life")
    on.client("secretsmanager").put_secret_value(SecretId=made["SecretArn"], SecretString=SECRET)
    seen["pushes"] = [on.pushes()]
    seen["again"] = on.run("deploy", *NAME, "--yes")
    seen["changed"] = on.run(
        "deploy", *NAME, "--yes", "--parameter", "PoolSize=3", "--parameter", "GatewayLeast=2", IMAGES_VERSION="2"
    )
    seen["after_change"] = on.run("deploy", *NAME, "--yes", IMAGES_VERSION="2")
    seen["pushes"].append(on.pushes())
    seen["pool_size"] = _variable(on, "life-reconciler", "STREAMKEEP_POOL_SIZE")
    (gateway,) = on.client("ecs").describe_services(cluster="life", services=["life-gateway"])["services"]
    seen["gateways"] = gateway["desiredCount"]
    _used(on, made)
    seen["destroyed"] = on.run("destroy", *NAME, "--yes")
    seen["tasks_left"] = _running(on, "life")
    seen["left"], seen["stacks_between"] = _data(on), on.stacks()
    seen["nothing"] = on.run("destroy", *NAME, "--yes")
    seen["adopted"] = on.run("deploy", *NAME, "--yes")
    seen["taken_over"] = on.outputs("life")
    seen["item"] = on.client("dynamodb").get_item(TableName=made["TableName"], Key={"id": {"S": "kept"}})["Item"]
    seen["mistyped"] = on.run("destroy", *NAME, "--yes", "--delete-data", typed="lief\n")
    seen["stacks_mistyped"] = on.stacks()
    seen["all_gone"] = on.run("destroy", *NAME, "--yes", "--delete-data", typed="life\n")
    seen["stacks_at_end"], seen["left_at_end"] = on.stacks(), _data(on)
    return Life(**seen)


def _variable(on: Rehearsal, family: str, name: str) -> str:
    task = on.client("ecs").describe_task_definition(taskDefinition=family)["taskDefinition"]
    variables = {each["name"]: each["value"] for each in task["containerDefinitions"][0]["environment"]}
    return str(variables[name])


def _used(on: Rehearsal, made: dict[str, str]) -> None:
    """Leave something in table and bucket, and have a worker running."""
    on.client("dynamodb").put_item(TableName=made["TableName"], Item={"id": {"S": "kept"}})
    on.client("s3").put_object(Bucket=made["BucketName"], Key="recordings/a/b.mp4", Body=b"media")
    on.client("ecs").run_task(cluster="life", taskDefinition="life-worker", launchType="FARGATE")
    assert _running(on, "life")


def _running(on: Rehearsal, cluster: str) -> list[str]:
    ecs = on.client("ecs")
    if not any(arn.endswith(f"/{cluster}") for arn in ecs.list_clusters()["clusterArns"]):
        return []
    return list(ecs.list_tasks(cluster=cluster, family=f"{cluster}-worker")["taskArns"])


def _data(on: Rehearsal) -> tuple[list[str], list[str]]:
    """Give the tables and the buckets of media that are there."""
    tables = [name for name in on.client("dynamodb").list_tables()["TableNames"] if name.startswith("life-")]
    buckets = [each["Name"] for each in on.client("s3").list_buckets()["Buckets"]]
    return tables, [name for name in buckets if name.startswith("life-data")]


def test_a_dry_run_says_what_it_would_make_and_makes_nothing(life: Life) -> None:
    assert life.dry.code == 0
    assert "Add     Gateway (AWS::CloudFormation::Stack)" in life.dry.said
    assert not any(name.startswith("life") for name in life.stacks_after_dry)


def test_it_says_first_what_an_idle_month_costs_and_how_many_channels_the_quotas_allow(life: Life) -> None:
    before = life.first.said.partition("Go on?")[0]

    assert "together, while nobody publishes" in before
    assert "so 12 at once" in before  # of 6 vCPUs the stack takes 3, each channel a quarter


def test_it_says_at_the_end_where_to_push_where_to_look_and_where_the_token_is(life: Life) -> None:
    assert life.first.code == 0, life.first.said
    assert life.made["PushUrl"] in life.first.said
    assert f"{life.made['PublicUrl']}/console/" in life.first.said
    assert life.made["SecretArn"] in life.first.said


def test_the_first_deploy_of_an_account_makes_the_roles_of_awss_services_before_any_stack(life: Life) -> None:
    roles = ("ecs.amazonaws.com", "elasticloadbalancing.amazonaws.com", "ecs.application-autoscaling.amazonaws.com")
    before = life.first.said.partition("life-bootstrap: repositories and the template bucket")[0]

    assert [f"   {service}: made" for service in roles] == [line for line in before.splitlines() if ": made" in line]
    assert all(f"   {service}: stands already" in life.again.said for service in roles)
    assert ".amazonaws.com: made" not in life.dry.said


def test_no_run_prints_the_token(life: Life) -> None:
    assert SECRET not in "\n".join(life.rehearsal.transcript)


def test_the_engine_gets_the_registrys_password_on_standard_input_only(life: Life) -> None:
    (login, *_) = [words for words in life.rehearsal.calls() if words[0] == "login"]

    assert login[1:4] == ["--username", "AWS", "--password-stdin"]
    assert ["logout", login[4]] in life.rehearsal.calls()


def test_a_second_deploy_of_the_same_changes_and_pushes_nothing(life: Life) -> None:
    assert life.again.code == 0
    assert "life is as it should be: nothing to change" in life.again.said
    assert len(life.pushes[0]) == 3
    assert life.again.said.count("is there already") == 3


def test_changed_images_are_pushed_under_another_name_and_a_changed_parameter_arrives(life: Life) -> None:
    assert life.changed.code == 0
    assert len(set(life.pushes[1])) == 6
    assert life.pool_size == "3"
    assert life.gateways == 2  # the template leaves their number to scaling


def test_what_a_later_deploy_does_not_name_stays_as_it_was(life: Life) -> None:
    assert "life is as it should be: nothing to change" in life.after_change.said


def test_destroy_stops_the_workers_and_leaves_table_and_bucket_alone(life: Life) -> None:
    assert life.destroyed.code == 0, life.destroyed.said
    assert life.tasks_left == []
    assert life.left == ([life.made["TableName"]], [life.made["BucketName"]])
    assert not any(name.startswith("life") for name in life.stacks_between)


def test_a_second_destroy_finds_nothing_to_take_away(life: Life) -> None:
    assert life.nothing.code == 0
    assert "nothing to take away" in life.nothing.said
    assert life.made["TableName"] in life.nothing.said


def test_the_next_deploy_takes_over_what_the_destroyed_stack_left(life: Life) -> None:
    assert life.adopted.code == 0, life.adopted.said
    assert life.taken_over["TableName"] == life.made["TableName"]
    assert life.taken_over["BucketName"] == life.made["BucketName"]
    assert life.item == {"id": {"S": "kept"}}


def test_data_are_not_deleted_unless_the_name_is_typed(life: Life) -> None:
    assert life.mistyped.code == 1
    assert "nothing was changed" in life.mistyped.said
    assert life.stacks_mistyped["life"].endswith("_COMPLETE")


def test_with_the_name_typed_stack_and_data_are_gone(life: Life) -> None:
    assert life.all_gone.code == 0, life.all_gone.said
    assert life.left_at_end == ([], [])
    assert not any(name.startswith("life") for name in life.stacks_at_end)
