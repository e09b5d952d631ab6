"""The values that a stack's parameters shall have: what is asked for, else what they are, else the template's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.deploy.telling import CannotDeploy
from services.deploy.templates import MAIN

if TYPE_CHECKING:
    import argparse

    from services.deploy.account import Account

IMAGES = {"gateway": "GatewayImage", "services": "ServicesImage", "worker": "WorkerImage"}
_OURS = ("TemplateBase", "ImagePrefix")
_IN_ECR = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """The parameters of main.yaml with their defaults, and the nested stacks it makes."""

    defaults: Mapping[str, str]


def declared(account: Account) -> Declared:
    """Read them from the template, by CloudFormation's own parser."""
    summary = account.cloudformation.get_template_summary(TemplateBody=MAIN.read_text())
    return Declared(
        defaults={each["ParameterKey"]: each.get("DefaultValue", "") for each in summary.get("Parameters", [])}
    )


def wished(account: Account, wishes: argparse.Namespace, known: Declared, before: Mapping[str, str]) -> dict[str, str]:
    """Give every parameter's value but images and templates; raise CannotDeploy for one that there is not."""
    given = dict(wishes.parameter)
    if strange := sorted(given.keys() - known.defaults.keys()):
        raise CannotDeploy(f"--parameter {strange[0]}: there is none of this name; docs/aws.md lists them")
    if ours := sorted(given.keys() & {*_OURS, *IMAGES.values()}):
        raise CannotDeploy(f"--parameter {ours[0]}: a deploy sets this itself; --image-… takes an image of yours")
    if wishes.image_worker and not _IN_ECR.match(wishes.image_worker):
        raise CannotDeploy(
            f"--image-worker {wishes.image_worker}: has to be in ECR of this region, since a Lambda function runs it "
            "as well; push it there, or leave the option out and it is built"
        )
    if wishes.spot is not None:
        given["Spot"] = "yes" if wishes.spot else "no"
    if wishes.arm64 is not None:
        given["Cpu"] = "arm64" if wishes.arm64 else "x86"
    kept = {name: value for name, value in before.items() if name in known.defaults}
    values = {**known.defaults, **kept, **given}
    if wishes.certificate_arn is not None:
        values["CertificateArn"] = wishes.certificate_arn
    if values["CertificateArn"] and not values["PublishHost"]:
        values["PublishHost"] = _host(account, values["CertificateArn"])
    values["ImagePrefix"] = wishes.stack_name
    return values


def _host(account: Account, certificate: str) -> str:
    """Give the name that a certificate is for."""
    found = account.acm.describe_certificate(CertificateArn=certificate)["Certificate"]
    if found.get("Status") not in ("ISSUED", None):
        raise CannotDeploy(f"the certificate is {found.get('Status')}: finish its validation in ACM first")
    name = found["DomainName"]
    if name.startswith("*"):
        raise CannotDeploy(f"the certificate is for {name}: say which name with --parameter PublishHost=NAME")
    return name
