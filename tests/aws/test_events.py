"""What a deploy says of a stack that fails, by events as CloudFormation words them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from services.deploy.events import Events

ROOT, NESTED = "arn:stack/keep/1", "arn:stack/keep-Network/2"
KIND = "AWS::CloudFormation::Stack"
LIMIT = "The maximum number of VPCs has been reached. (Service: Ec2, Status Code: 400)"


def event(stack: str, name: str, status: str, reason: str = "", *, kind: str = KIND, id: str = "") -> dict[str, str]:  # noqa: A002
    return {
        "StackId": stack,
        "EventId": f"{stack} {name} {status}",
        "LogicalResourceId": name,
        "PhysicalResourceId": id,
        "ResourceType": kind,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


class Recorded:
    """CloudFormation, which gives the events it is told to, newest first, two to a page."""

    def __init__(self) -> None:
        self.of: dict[str, list[dict[str, str]]] = {ROOT: [], NESTED: []}

    def get_paginator(self, _: str) -> Recorded:
        return self

    def paginate(self, StackName: str) -> Iterator[dict[str, list[dict[str, str]]]]:  # noqa: N803 - as boto3 spells it
        newest_first = self.of[StackName][::-1]
        for place in range(0, len(newest_first), 2):
            yield {"StackEvents": newest_first[place : place + 2]}


@pytest.fixture
def cloud() -> Recorded:
    return Recorded()


def of(cloud: Recorded) -> Events:
    return Events(cast("Any", cloud), ROOT)


def test_each_event_is_told_once_oldest_first(cloud: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    events = of(cloud)
    cloud.of[ROOT] += [event(ROOT, "before", "CREATE_COMPLETE")]
    events.skip()
    cloud.of[ROOT] += [event(ROOT, name, "UPDATE_IN_PROGRESS") for name in ("one", "two", "three")]

    assert events.tell()
    assert not events.tell()
    cloud.of[ROOT] += [event(ROOT, "four", "UPDATE_COMPLETE")]
    assert events.tell()

    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["one", "two", "three", "four"]


def test_the_cause_is_found_in_the_nested_stack_and_its_consequences_are_left_out(cloud: Recorded) -> None:
    embedded = (
        f"Embedded stack {NESTED} was not successfully created: The following resource(s) failed to create: [Vpc]."
    )
    cloud.of[NESTED] += [
        event(NESTED, "keep-Network", "CREATE_IN_PROGRESS", id=NESTED),
        event(NESTED, "Vpc", "CREATE_FAILED", LIMIT, kind="AWS::EC2::VPC"),
        event(NESTED, "Gateway", "CREATE_FAILED", "Resource creation cancelled", kind="AWS::EC2::InternetGateway"),
        event(
            NESTED,
            "keep-Network",
            "ROLLBACK_IN_PROGRESS",
            "The following resource(s) failed to create: [Vpc].",
            id=NESTED,
        ),
        event(NESTED, "keep-Network", "CREATE_FAILED", "The following resource(s) failed to create: [Vpc].", id=NESTED),
    ]
    cloud.of[ROOT] += [
        event(ROOT, "Network", "CREATE_FAILED", embedded, id=NESTED),
        event(ROOT, "Data", "CREATE_FAILED", "Resource creation cancelled", id="arn:stack/keep-Data/3"),
    ]
    cloud.of["arn:stack/keep-Data/3"] = []
    events = of(cloud)
    events.tell()

    assert events.failures() == [f"CREATE_FAILED  Vpc (AWS::EC2::VPC): {LIMIT}"]


def test_a_nested_stack_that_says_nothing_is_named_itself(cloud: Recorded) -> None:
    cloud.of[ROOT] += [event(ROOT, "Network", "CREATE_FAILED", "S3 error: Access Denied", id=NESTED)]
    events = of(cloud)
    events.tell()

    assert events.failures() == [f"CREATE_FAILED  Network ({KIND}): S3 error: Access Denied"]
