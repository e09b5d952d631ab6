"""The one table of what ECS's answers mean to us."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from botocore.exceptions import ClientError

from services.adapters import aws_errors
from services.domain.errors import LaunchFailed

SERVICE = "ECS"


class Refusal(StrEnum):
    """Why a task is not started, by what helps."""

    ZONE = "zone"  # another zone, or another capacity provider
    QUOTA = "quota"  # another capacity provider, whose quota is another; no other zone
    BUSY = "busy"  # to ask again later
    OTHER = "other"  # neither


# The texts in `failures` and in the messages of errors. AWS promises none of them, so each is a part that says it.
_TEXTS: Sequence[tuple[Refusal, re.Pattern[str]]] = (
    # Before the zone's: a subnet that could not be looked at because of a throttle tells of both.
    (Refusal.BUSY, re.compile(r"rate exceeded|throttl|request ?limit ?exceeded|provisioning", re.IGNORECASE)),
    (Refusal.QUOTA, re.compile(r"reached the limit on the number of|configuration is above your limit", re.IGNORECASE)),
    (Refusal.ZONE, re.compile(r"capacity is unavailable|^RESOURCE:|InsufficientFreeAddresses|free addresses|no capacity"
                              r"|unable to assume the .*capacity|capacity provider .*empty", re.IGNORECASE)),
)  # fmt: skip

_REMEDIES: Mapping[Refusal, str] = {
    Refusal.ZONE: "AWS has no capacity now; it is tried again, and more zones, or FARGATE beside FARGATE_SPOT, help",
    Refusal.QUOTA: "the account runs as many vCPUs as it may: ask for more at Service Quotas, AWS Fargate",
    Refusal.BUSY: "AWS asks to be asked less often; it is tried again",
}
_CODES: Mapping[str, str] = {
    "AccessDeniedException": "the role of this service lacks a right; to run tasks takes ecs:RunTask, ecs:TagResource,"
    " and iam:PassRole on the roles of the task definition",
    "BlockedException": "AWS has blocked the account: ask AWS Support",
    "ClusterNotFoundException": "there is no such cluster in this region: correct STREAMKEEP_CLUSTER",
    "PlatformTaskDefinitionIncompatibilityException": "the task definition does not fit the platform version",
    "PlatformUnknownException": "the region has no such platform version",
    "UnsupportedFeatureException": "the region does not offer this kind of task",
}
_WRONG = (
    "the order is refused: correct STREAMKEEP_WORKER_TASK, STREAMKEEP_SUBNETS, STREAMKEEP_SECURITY_GROUPS or"
    " STREAMKEEP_CAPACITY"
)

_GONE = re.compile(r"task was not found", re.IGNORECASE)


def refusal(text: str) -> Refusal:
    """Say what a failure's reason, or an error's message, means."""
    return next((meaning for meaning, pattern in _TEXTS if pattern.search(text)), Refusal.OTHER)


def refusal_of(error: ClientError) -> Refusal:
    """Say what an error means that RunTask answered."""
    if aws_errors.code_of(error) in aws_errors.UNAVAILABLE_CODES:
        return Refusal.BUSY
    is_about_a_task = aws_errors.code_of(error) in ("ClientException", "InvalidParameterException")
    return refusal(_message(error)) if is_about_a_task else Refusal.OTHER


def remedy(meaning: Refusal, text: str) -> str:
    """Say what was refused and what to do about it."""
    return f"{_REMEDIES.get(meaning, _WRONG)} ({text})"


def existing_tasks(error: ClientError) -> Sequence[str] | None:
    """Give the tasks that an order's token has started before, None of another error: they are what was wanted."""
    if aws_errors.code_of(error) != "ConflictException":
        return None
    found: Sequence[str] = error.response.get("resourceIds") or ()  # type: ignore[assignment] # of this error alone
    return found


def is_gone(error: ClientError) -> bool:
    """Say whether the task that was named is none, or none any more."""
    return aws_errors.code_of(error) == "InvalidParameterException" and _GONE.search(_message(error)) is not None


def _message(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Raise LaunchFailed for whatever ECS or the way to it answers; an error in how we call goes on as it is."""
    with aws_errors.translated(LaunchFailed, what, {}, service=SERVICE):
        try:
            yield
        except ClientError as error:
            meaning, code = refusal_of(error), aws_errors.code_of(error)
            if meaning is Refusal.OTHER and (
                aws_errors.is_bare(error) or code in aws_errors.MISCONFIGURED_CODES - _CODES.keys()
            ):
                raise
            if meaning is Refusal.OTHER and aws_errors.status_of(error) >= 500:  # noqa: PLR2004 - a server's error
                raise LaunchFailed(f"{what}: it does not answer now ({error})") from error
            told = _REMEDIES.get(meaning) or _CODES.get(code, _WRONG)
            raise LaunchFailed(f"{what}: {told} ({error})") from error
