"""One CloudFormation stack: what it is, and waiting until it is something else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from services.deploy.account import code
from services.deploy.events import Events
from services.deploy.telling import CannotDeploy, Watch, say

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

WITHIN_SECONDS = 75 * 60.0
"""CloudFront takes up to half an hour, and a gateway's drain as long again."""
BEGINS_WITHIN_SECONDS = 120.0
_NEVER_WAS = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
"""States of a stack that never came to be, or is half gone: it can only be deleted."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack by its name, which may not exist."""

    client: CloudFormationClient
    name: str
    _events: list[Events] = field(default_factory=list)

    def described(self) -> StackTypeDef | None:
        """Give what CloudFormation says of it, None if there is none."""
        try:
            (found,) = self.client.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if code(error) == "ValidationError" and "does not exist" in str(error):
                return None
            raise
        return None if found["StackStatus"] == "DELETE_COMPLETE" else found

    def status(self) -> str:
        """Give its state, empty if there is none."""
        found = self.described()
        return found["StackStatus"] if found else ""

    def outputs(self) -> dict[str, str]:
        """Give what it says of what it made."""
        found = self.described()
        return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])} if found else {}

    def parameters(self) -> dict[str, str]:
        """Give the values it has now."""
        found = self.described()
        given = found.get("Parameters", []) if found else []
        return {each["ParameterKey"]: each.get("ParameterValue", "") for each in given}

    def exists(self) -> bool:
        """Say whether it has been made, or is being made; a change set alone makes no stack."""
        return self.status() not in ("", "REVIEW_IN_PROGRESS")

    def settled(self) -> str:
        """Wait until nothing happens to it any more, telling what does; give its state, empty if it is gone."""
        watch = Watch(f"{self.name} is not settled yet", within=WITHIN_SECONDS)
        while True:
            found = self.described()
            status = found["StackStatus"] if found else ""
            if self._follow(found):
                watch.moved()
            if not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
                return status
            watch.wait()

    def follow_from_now(self) -> None:
        """Tell what happens from now on, and nothing of what was."""
        found = self.described()
        self._events[:] = [Events(self.client, found["StackId"])] if found else []
        for events in self._events:
            events.skip()

    def begun(self) -> None:
        """Wait until something has happened since `follow_from_now`: what was asked for is not seen at once."""
        watch = Watch(f"nothing happens to {self.name}", within=BEGINS_WITHIN_SECONDS)
        while (found := self.described()) and not self._follow(found):
            watch.wait()

    def failures(self) -> list[str]:
        """Give what failed since `follow_from_now`, the cause first."""
        return [reason for events in self._events for reason in events.failures()]

    def made_ready(self) -> None:
        """Bring it where a change set can be made for it: settled, and not the remains of a failure."""
        status = self.status()
        if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
            say(f"{self.name} is {status}, from a run before this one: waiting for its end")
            self.follow_from_now()
            status = self.settled()
        if status == "UPDATE_ROLLBACK_FAILED":
            say(f"{self.name} stopped in the middle of going back to what it was: it goes on with that")
            self.follow_from_now()
            self.client.continue_update_rollback(StackName=self.name)
            self.begun()
            status = self.settled()
        if status in _NEVER_WAS:
            say(f"{self.name} is {status}, which can only be deleted: deleting it (table and bucket stay)")
            self.delete()
        elif status.endswith("_FAILED"):
            raise CannotDeploy(f"{self.name} is {status}: {_advice(self.name, self.failures())}")

    def delete(self) -> None:
        """Delete it and wait until it is gone; raise CannotDeploy with the reasons if it does not go."""
        self.follow_from_now()
        self.client.delete_stack(StackName=self.name)
        self.begun()
        if status := self.settled():
            raise CannotDeploy(f"{self.name} is {status}: {_advice(self.name, self.failures())}")

    def _follow(self, found: StackTypeDef | None) -> bool:
        if found and not self._events:
            self._events.append(Events(self.client, found["StackId"]))
        return any([events.tell() for events in self._events])  # noqa: C419 - each is to be told


def _advice(name: str, failures: list[str]) -> str:
    reasons = "".join(f"\n   {reason}" for reason in failures)
    return f"its events in the CloudFormation console say more; run the command again once {name} can go on{reasons}"
