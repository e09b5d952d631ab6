"""The roles that services of AWS have in an account: one that has never used a service lacks its, and a stack fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from services.deploy.account import code
from services.deploy.telling import say, step

if TYPE_CHECKING:
    from services.deploy.account import Account

SERVICES = ("ecs.amazonaws.com", "elasticloadbalancing.amazonaws.com", "ecs.application-autoscaling.amazonaws.com")
_THERE = "has been taken in this account"


def make(account: Account) -> None:
    """Make those that are not there; who may not is told, since they may be there all the same."""
    step("Roles of AWS's own services")
    for service in SERVICES:
        try:
            account.iam.create_service_linked_role(AWSServiceName=service)
        except ClientError as error:
            say(f"   {service}: {'stands already' if _is_there(error) else _refused(service, error)}")
        except BotoCoreError as error:
            say(f"   {service}: {_refused(service, error)}")
        else:
            say(f"   {service}: made")


def _is_there(error: ClientError) -> bool:
    return code(error) == "InvalidInput" and _THERE in str(error)


def _refused(service: str, error: Exception) -> str:
    return (
        f"could not be made, which matters only if the account has none ({error}): "
        f"then somebody with iam:CreateServiceLinkedRole makes the service-linked role of {service} in IAM's console"
    )
