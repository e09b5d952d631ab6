"""What the roles of the templates may do, action by action."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.aws.templates import every_resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """One action that a role has on one resource."""

    role: str
    action: str
    resource: str
    condition: dict[str, Any]


def listed(value: object) -> list[Any]:
    """Give a list of what may be one or several."""
    return value if isinstance(value, list) else [value]


def _documents() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, role in every_resource("AWS::IAM::Role"):
        for policy in role["Policies"]:
            yield f"{name}:{policy['PolicyName']}", policy["PolicyDocument"]


DOCUMENTS = dict(_documents())
OWN = {
    name: policy["PolicyDocument"]
    for name, policy in every_resource("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy")
}
"""What resources themselves allow."""
ROLES = dict(every_resource("AWS::IAM::Role"))
ALLOWED = [
    Allowed(role=name.split(":")[0], action=action, resource=resource, condition=statement.get("Condition", {}))
    for name, document in DOCUMENTS.items()
    for statement in document["Statement"]
    for action in listed(statement["Action"])
    for resource in listed(statement["Resource"])
]


def allowed_to(role: str) -> set[tuple[str, str]]:
    """Give the actions of a role with their resources."""
    return {(each.action, each.resource) for each in ALLOWED if each.role == role}
