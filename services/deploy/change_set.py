"""A stack's change set: made, shown, carried out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.deploy.stack import Stack
from services.deploy.telling import CannotDeploy, Watch, say

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import ChangeTypeDef

MADE_WITHIN_SECONDS = 600.0
_GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_NOTHING = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a stack is to be: a template by its address or its text, values and tags."""

    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    template_url: str = ""
    template_body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """Changes that CloudFormation has worked out and not made yet."""

    stack: Stack
    name: str
    changes: list[ChangeTypeDef]

    def tell(self) -> None:
        """Print what would change, a line each."""
        for each in self.changes:
            change = each.get("ResourceChange", {})
            replaced = "  REPLACED" if change.get("Replacement") == "True" else ""
            said = f"{change.get('Action', ''):7} {change.get('LogicalResourceId', '')}"
            say(f"   {said} ({change.get('ResourceType', '')}){replaced}")

    def carry_out(self) -> None:
        """Make the changes and wait for the end; raise CannotDeploy with the reasons if they do not go through."""
        self.stack.follow_from_now()
        self.stack.client.execute_change_set(StackName=self.stack.name, ChangeSetName=self.name)
        self.stack.begun()
        status = self.stack.settled()
        if status not in _GOOD:
            reasons = "".join(f"\n   {reason}" for reason in self.stack.failures())
            raise CannotDeploy(f"{self.stack.name} could not be changed and is {status or 'gone'}:{reasons}")

    def drop(self) -> None:
        """Take it back; the stack that exists for it alone goes as well."""
        self.stack.client.delete_change_set(StackName=self.stack.name, ChangeSetName=self.name)
        if self.stack.status() == "REVIEW_IN_PROGRESS":
            self.stack.client.delete_stack(StackName=self.stack.name)


def change_set(stack: Stack, wish: Wish) -> ChangeSet | None:
    """Have the changes worked out; give None if there are none, raise CannotDeploy if CloudFormation refuses."""
    name = f"deploy-{time.time_ns()}"
    where = {"TemplateURL": wish.template_url} if wish.template_url else {"TemplateBody": wish.template_body}
    stack.client.create_change_set(
        StackName=stack.name,
        ChangeSetName=name,
        ChangeSetType="UPDATE" if stack.exists() else "CREATE",
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in wish.parameters.items()],
        Tags=[{"Key": key, "Value": value} for key, value in wish.tags.items()],
        **where,  # type: ignore[arg-type] # the stubs see the names of all parameters in it
    )
    made = ChangeSet(stack=stack, name=name, changes=[])
    status, reason = _worked_out(made)
    if status == "CREATE_COMPLETE":
        return made
    made.drop()
    if any(part in reason for part in _NOTHING):
        return None
    raise CannotDeploy(f"CloudFormation cannot change {stack.name}: {reason or status}")


def _worked_out(made: ChangeSet) -> tuple[str, str]:
    """Wait for the changes and collect them; give the change set's state and the reason for it."""
    watch = Watch(f"the change set of {made.stack.name} is not worked out yet", within=MADE_WITHIN_SECONDS)
    while True:
        found = made.stack.client.describe_change_set(StackName=made.stack.name, ChangeSetName=made.name)
        if found["Status"] in ("CREATE_COMPLETE", "FAILED"):
            break
        watch.wait()
    made.changes.extend(found.get("Changes", []))
    while token := found.get("NextToken"):
        found = made.stack.client.describe_change_set(
            StackName=made.stack.name, ChangeSetName=made.name, NextToken=token
        )
        made.changes.extend(found.get("Changes", []))
    return found["Status"], found.get("StatusReason", "")
