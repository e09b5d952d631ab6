"""What is said of an event of CloudFormation's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from services.deploy.events import line

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef


def event(reason: str) -> StackEventTypeDef:
    return {
        "StackId": "stack",
        "EventId": "1",
        "StackName": "keep",
        "Timestamp": datetime(2026, 11, 20, tzinfo=UTC),
        "ResourceStatus": "CREATE_FAILED",
        "LogicalResourceId": "Distribution",
        "ResourceType": "AWS::CloudFront::Distribution",
        "ResourceStatusReason": reason,
    }


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        (
            "Your account must be verified before you can add new CloudFront resources. (Status Code: 403)",
            "--parameter CloudFront=no",
        ),
        ("Resource limit exceeded", ""),
    ],
)
def test_a_failure_is_told_with_its_reason_and_with_a_remedy_where_one_is_known(reason: str, remedy: str) -> None:
    said = line(event(reason))

    assert said.startswith(f"CREATE_FAILED  Distribution (AWS::CloudFront::Distribution): {reason}")
    assert said.endswith(remedy or reason)
    assert ("CloudFront=no" in said) == bool(remedy)
