"""Whether whoever is signed in may do what a deploy does, as far as IAM tells beforehand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from services.deploy.account import Account

NEEDED = (
    "cloudformation:CreateChangeSet",
    "cloudformation:ExecuteChangeSet",
    "ec2:CreateVpc",
    "ec2:CreateSecurityGroup",
    "ecr:CreateRepository",
    "ecr:PutImage",
    "ecs:CreateCluster",
    "ecs:CreateService",
    "elasticloadbalancing:CreateLoadBalancer",
    "iam:CreateRole",
    "iam:CreateServiceLinkedRole",
    "iam:PassRole",
    "dynamodb:CreateTable",
    "s3:CreateBucket",
    "secretsmanager:CreateSecret",
    "lambda:CreateFunction",
    "cloudfront:CreateDistribution",
    "apigateway:POST",
    "servicediscovery:CreatePrivateDnsNamespace",
    "logs:CreateLogGroup",
    "events:PutRule",
    "application-autoscaling:RegisterScalableTarget",
)
"""One action of each service that the templates use."""
_ASSUMED = re.compile(r"arn:([\w-]+):sts::(\d{12}):assumed-role/([^/]+)/.*")


def told(account: Account) -> Iterator[str]:
    """Give what is said of them: a denial may come from IAM alone, an organisation's rules are not seen here."""
    match denied(account):
        case None:
            yield "   rights: IAM does not say beforehand; what is missing will be named when it is needed"
        case []:
            yield "   rights: none is missing, as far as IAM says"
        case names:
            yield f"   rights: IAM would deny {', '.join(names)}"


def denied(account: Account) -> list[str] | None:
    """Give the actions that would be denied, None if IAM does not say."""
    source = account.who
    if found := _ASSUMED.fullmatch(source):
        source = f"arn:{found[1]}:iam::{found[2]}:role/{found[3]}"
    if source.endswith(":root"):
        return []
    try:
        answer = account.iam.simulate_principal_policy(PolicySourceArn=source, ActionNames=list(NEEDED))
    except (ClientError, BotoCoreError):
        return None
    return [each["EvalActionName"] for each in answer["EvaluationResults"] if each["EvalDecision"] != "allowed"]
