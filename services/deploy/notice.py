"""What a deploy says before it begins and when it is done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from services.deploy import idle_month, quotas, rights
from services.deploy.telling import say, step
from services.deploy.wishes import BOOTSTRAP

if TYPE_CHECKING:
    from services.deploy.account import Account
    from services.deploy.stack import Stack


def before(account: Account, main: Stack, values: Mapping[str, str]) -> None:
    """Say what will be made and what that means."""
    verb = "change" if main.exists() else "make"
    say(f"This will {verb} the stack {main.name} in {account.region}, account {account.id}")
    say(f"   as {account.who}")
    for known in rights.told(account):
        say(known)
    say(f"   first {main.name}{BOOTSTRAP}: repositories for three images, a bucket for templates")
    say(f"   then {main.name}: {_made_of(values)}")
    kept = [name for name in (values["ExistingTable"], values["ExistingBucket"]) if name]
    if kept and not main.exists():
        say(f"   it takes over {' and '.join(kept)}, with all that is in there")
    step("What runs all the time, a month on list prices of us-east-1")
    for line in idle_month.lines(values):
        say(f"   ${line.dollars:8.2f}  {line.what}: {line.how}")
    together = idle_month.total(values)
    say(f"   ${together:8.2f}  together, while nobody publishes; docs/aws.md#costs has the rest")
    step("How many channels the account's quotas allow")
    for told in quotas.told(quotas.bounds(quotas.read(account), values)):
        say(told)


def after(account: Account, main: Stack, values: Mapping[str, str]) -> None:
    """Say where everything is, and where the token is to be read."""
    made = main.outputs()
    step(f"{main.name} runs")
    say(f"   push to   {made['PushUrl']}   (each channel's stream key: POST /channels, or the console)")
    if values["CertificateArn"]:
        say(f"             make {values['PublishHost']} a CNAME of {made['PushHost']}")
    say(f"   API       {made['PublicUrl']}   (its pages: /docs)")
    say(f"   console   {made['PublicUrl']}/console/   (asks for the token)")
    say(f"   token     in Secrets Manager, the key `token` of {made['SecretArn']}")
    say(f"             in AWS's console: Secrets Manager, {made['SecretArn'].rpartition(':')[2]}")
    say("             or on the command line, which needs the aws command, unlike all else here:")
    say(f"                 aws secretsmanager get-secret-value --region {account.region} --query SecretString")
    say(f"                 --output text --secret-id {made['SecretArn']}")
    say(f"   media     in the bucket {made['BucketName']}, state in the table {made['TableName']}")


def _made_of(values: Mapping[str, str]) -> str:
    """Name what the main stack holds with these parameters, in one line."""
    network = "your VPC" if values["ExistingVpcId"] else "a VPC over two zones"
    parts = [
        network,
        "a network load balancer",
        "an ECS cluster with four services and the worker's task",
        "an HTTP API",
    ]
    parts += ["CloudFront"] if values["CloudFront"] == "yes" else []
    parts += ["a table" if not values["ExistingTable"] else "the table that is there"]
    parts += ["a bucket" if not values["ExistingBucket"] else "the bucket that is there"]
    return ", ".join([*parts, "a secret, functions, a role for each service, alarms and a dashboard"])
