"""Who may do what: every action and resource is named, or stands in a list with its reason."""

from __future__ import annotations

import json
import subprocess
import sys
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import pytest

from tests.aws.rights import ALLOWED, DOCUMENTS, OWN, ROLES, allowed_to, listed
from tests.aws.templates import template

STARS = {
    "ecr:GetAuthorizationToken": "signing in to a registry has no resource",
    "ecs:ListTasks": "its resource is a container instance, which Fargate has not; the condition names the cluster",
}
"""Actions that are allowed on any resource."""
PATTERNS = {
    "log-group:/keep/{}:*": "the streams of one's own group",
    "repository/streamkeep/*": "the images of this deployment",
    "task/keep/*": "ids of tasks are given by ECS; in this cluster only",
    "task-definition/keep-worker:*": "revisions of the worker's definition",
    "table/table/index/*": "the indexes of the one table",
    ":::bucket/{}/*": "keys of one kind of object",
    ":::bucket/sessions/*/head.json": "the heads of manifests",
}
"""Resources that are allowed by pattern."""
MEDIA = ("snapshots", "recordings", "hls", "sessions")


WRONG = {
    name: {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
    for name, action in {"wrong": "s3:FetchObject", "too wide": "s3:GetObject"}.items()
}
_JUDGE = """
import json, sys, parliament
found = {
    name: [[each.issue, each.detail] for each in parliament.analyze_policy_string(json.dumps(document)).findings]
    for name, document in json.load(sys.stdin).items()
}
print(json.dumps(found))
"""


def test_every_service_has_a_role_of_its_own_and_one_to_start_with() -> None:
    assert sorted(ROLES) == [
        "gateway/ExecutionRole",
        "gateway/TaskRole",
        "grabber/Role",
        "metadata/DispatcherExecutionRole",
        "metadata/DispatcherRole",
        "metadata/ExecutionRole",
        "metadata/TaskRole",
        "ping/PingRole",
        "reconciler/ExecutionRole",
        "reconciler/TaskRole",
        "secrets/MakerRole",
        "worker/ExecutionRole",
        "worker/TaskRole",
    ]


@cache
def _findings() -> dict[str, list[list[Any]]]:
    """Give issue and detail of all that parliament finds, by document; in a process: its import leaves files open."""
    told = subprocess.run(
        [sys.executable, "-c", _JUDGE],
        input=json.dumps({**DOCUMENTS, **OWN, **WRONG}),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found: dict[str, list[list[Any]]] = json.loads(told.stdout)
    return found


@pytest.mark.parametrize("name", [*DOCUMENTS, *OWN])
def test_parliament_finds_nothing_wrong_but_the_stars_in_the_list(name: str) -> None:
    wrong = [
        found
        for found in _findings()[name]
        if not (found[0] == "RESOURCE_STAR" and set(listed(found[1])) <= set(STARS))
    ]
    assert wrong == []


def test_parliament_would_find_what_is_wrong() -> None:
    assert [found[0] for found in _findings()["wrong"]] == ["UNKNOWN_ACTION"]
    assert [found[0] for found in _findings()["too wide"]] == ["RESOURCE_STAR"]


def test_no_role_has_an_action_by_pattern_or_a_policy_made_elsewhere() -> None:
    assert len(ALLOWED) > 100
    assert [each for each in ALLOWED if "*" in each.action] == []
    assert [name for name, role in ROLES.items() if "ManagedPolicyArns" in role] == []
    assert {statement["Effect"] for document in DOCUMENTS.values() for statement in document["Statement"]} == {"Allow"}
    assert [s for document in DOCUMENTS.values() for s in document["Statement"] if "NotAction" in s] == []


def test_an_action_on_any_resource_stands_in_the_list_with_its_reason() -> None:
    assert {each.action for each in ALLOWED if each.resource == "*"} == set(STARS)


def test_a_resource_by_pattern_stands_in_the_list_with_its_reason() -> None:
    patterns = [pattern.format("*") for pattern in PATTERNS]
    by_pattern = {each.resource for each in ALLOWED if "*" in each.resource and each.resource != "*"}

    unlisted = [each for each in by_pattern if not any(fnmatchcase(each, f"*{_quoted(p)}") for p in patterns)]
    assert unlisted == []
    unused = [p for p in patterns if not any(fnmatchcase(each, f"*{_quoted(p)}") for each in by_pattern)]
    assert unused == []


def _quoted(pattern: str) -> str:
    return pattern.replace("[", "[[]")


def test_a_worker_may_create_and_compare_but_neither_delete_nor_list_objects() -> None:
    objects = {each for each in allowed_to("worker/TaskRole") if each[0].startswith("s3:")}

    creating = ("s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject")
    assert objects == {(action, f"arn:aws:s3:::bucket/{kind}/*") for action in creating for kind in MEDIA}


def test_a_worker_writes_neither_channels_nor_gateways_rows() -> None:
    writing = [each for each in ALLOWED if each.role == "worker/TaskRole" and each.action == "dynamodb:PutItem"]

    (write,) = writing
    keys = write.condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    assert set(keys) == {"air/*", "session/*", "lease/*", "outbox/*", "event/*", "pool/*"}


def test_only_the_reconciler_deletes_media() -> None:
    deleting = {each.role for each in ALLOWED if each.action.startswith("s3:Delete") and ":::bucket/" in each.resource}

    assert deleting == {"reconciler/TaskRole"}


def test_only_the_reconciler_empties_cloudfronts_caches_and_of_this_distribution() -> None:
    emptying = {(each.role, each.resource) for each in ALLOWED if each.action == "cloudfront:CreateInvalidation"}

    assert emptying == {("reconciler/TaskRole", "arn:aws:cloudfront::123456789012:distribution/E2QWRUHAPOMQZL")}


def test_only_the_worker_the_grabber_and_the_reconciler_write_objects_and_the_last_only_heads() -> None:
    writing = {(each.role, each.resource) for each in ALLOWED if each.action == "s3:PutObject"}
    elsewhere = {(role, resource) for role, resource in writing if not role.startswith(("worker/", "secrets/"))}

    assert elsewhere == {
        ("grabber/Role", "arn:aws:s3:::bucket/snapshots/adhoc/*"),
        ("reconciler/TaskRole", "arn:aws:s3:::bucket/sessions/*/head.json"),
    }


def test_the_grabber_may_put_single_pictures_and_nothing_else_of_ours() -> None:
    actions = {action for action, _ in allowed_to("grabber/Role")}

    assert actions == {"s3:PutObject", "kms:GenerateDataKey", "logs:CreateLogStream", "logs:PutLogEvents"}
    function = template("grabber").of("AWS::Lambda::Function")["Function"]
    assert "VpcConfig" not in function


def test_gateway_and_reconciler_pass_the_workers_roles_to_tasks_and_no_other_role() -> None:
    passing = [each for each in ALLOWED if each.action == "iam:PassRole"]

    assert {each.role for each in passing} == {"gateway/TaskRole", "reconciler/TaskRole"}
    assert {each.resource for each in passing} == {
        "arn:aws:iam::123456789012:role/worker",
        "arn:aws:iam::123456789012:role/worker-start",
    }
    for each in passing:
        assert each.condition == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}


def test_tasks_are_started_in_the_own_cluster_of_the_workers_definition_alone() -> None:
    starting = [each for each in ALLOWED if each.action == "ecs:RunTask"]

    assert {each.role for each in starting} == {"gateway/TaskRole", "reconciler/TaskRole"}
    for each in starting:
        assert each.resource.endswith(":task-definition/keep-worker:*")
        assert each.condition == {"ArnEquals": {"ecs:cluster": "arn:aws:ecs:eu-central-1:123456789012:cluster/keep"}}


def test_tasks_are_tagged_as_they_are_started_and_not_later() -> None:
    for each in ALLOWED:
        if each.action == "ecs:TagResource":
            assert each.condition == {"StringEquals": {"ecs:CreateAction": "RunTask"}}


def test_only_the_reconciler_stops_tasks_and_only_this_stacks_workers() -> None:
    stopping = [each for each in ALLOWED if each.action == "ecs:StopTask"]

    assert [each.role for each in stopping] == ["reconciler/TaskRole"]
    assert stopping[0].condition["StringEquals"] == {
        "aws:ResourceTag/streamkeep:stack": "keep",
        "aws:ResourceTag/streamkeep:part": "worker",
    }
    worker = template("worker").of("AWS::ECS::TaskDefinition")["Task"]
    assert {"Key": "streamkeep:part", "Value": "worker"} in worker["Tags"]


def test_no_running_service_may_read_the_secret_its_start_gives_it_what_is_its_own() -> None:
    reading = {each.role for each in ALLOWED if each.action == "secretsmanager:GetSecretValue"}

    assert reading == {
        "gateway/ExecutionRole",
        "metadata/ExecutionRole",
        "metadata/DispatcherExecutionRole",
        "secrets/MakerRole",
    }


@pytest.mark.parametrize("name", ROLES)
def test_a_role_is_one_services_and_of_this_account(name: str) -> None:
    (statement,) = ROLES[name]["AssumeRolePolicyDocument"]["Statement"]

    assert statement["Action"] == "sts:AssumeRole"
    service = statement["Principal"]["Service"]
    assert service in ("ecs-tasks.amazonaws.com", "lambda.amazonaws.com", "events.amazonaws.com")
    if service == "ecs-tasks.amazonaws.com":
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}
