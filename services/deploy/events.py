"""What CloudFormation reports of a stack while it works, nested stacks included where they fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.deploy.telling import say

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef

NESTED = "AWS::CloudFormation::Stack"
DEPTH_MOST = 3
_REMEDIES = {
    "account must be verified": "Until AWS's Support has verified the account, deploy with --parameter CloudFront=no"
}
"""What to do about a reason that names no remedy, by a part of it."""
_CONSEQUENCES = ("Resource creation cancelled", "Resource update cancelled", "The following resource(s) failed")
"""How reasons begin that only repeat that something else failed."""


class Events:
    """The events of one stack, each told once, oldest first."""

    def __init__(self, client: CloudFormationClient, stack_id: str) -> None:
        """`stack_id`, not its name: events of a stack that is gone are asked for by it."""
        self._client = client
        self._stack_id = stack_id
        self._seen: set[str] = set()
        self._new: list[StackEventTypeDef] = []

    def skip(self) -> None:
        """Take what has been as told."""
        self._seen.update(each["EventId"] for each in self._unseen())

    def tell(self) -> bool:
        """Print what is new; say whether anything was."""
        unseen = self._unseen()
        for event in unseen:
            self._seen.add(event["EventId"])
            self._new.append(event)
            say(f"   {line(event)}")
        return bool(unseen)

    def failures(self) -> list[str]:
        """Give the resources that failed in what was told, with their reasons, down into nested stacks."""
        return [line for event in self._new for line in self._causes(event, DEPTH_MOST)]

    def _unseen(self) -> list[StackEventTypeDef]:
        newest_first: list[StackEventTypeDef] = []
        for page in self._client.get_paginator("describe_stack_events").paginate(StackName=self._stack_id):
            unseen = [event for event in page["StackEvents"] if event["EventId"] not in self._seen]
            newest_first += unseen
            if len(unseen) < len(page["StackEvents"]):
                break  # what is older was told before
        return newest_first[::-1]

    def _causes(self, event: StackEventTypeDef, depth: int) -> list[str]:
        if not event.get("ResourceStatus", "").endswith("_FAILED"):
            return []
        nested = event.get("PhysicalResourceId", "")
        if event.get("ResourceType") == NESTED and nested not in ("", event["StackId"]) and depth:
            pages = self._client.get_paginator("describe_stack_events").paginate(StackName=nested)
            within = [each for page in pages for each in page["StackEvents"] if each["StackId"] == nested]
            if causes := [line for each in reversed(within) for line in self._causes(each, depth - 1)]:
                return causes
        return [] if event.get("ResourceStatusReason", "").startswith(_CONSEQUENCES) else [line(event)]


def line(event: StackEventTypeDef) -> str:
    """Say what an event is about and, where it is known, what to do about it."""
    what = f"{event.get('ResourceStatus', '')}  {event.get('LogicalResourceId', '')} ({event.get('ResourceType', '')})"
    reason = event.get("ResourceStatusReason", "")
    remedy = next((f". {each}" for part, each in _REMEDIES.items() if part in reason), "")
    return f"{what}: {reason}{remedy}" if reason else what
