"""The account and the region that a deploy goes to, and the clients that speak to them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from services.deploy.telling import CannotDeploy

if TYPE_CHECKING:
    from mypy_boto3_acm import ACMClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_service_quotas import ServiceQuotasClient

_PATIENT = Config(retries={"mode": "standard", "max_attempts": 8}, connect_timeout=10, read_timeout=60)
_PROMPT = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=5, read_timeout=20)
_WRONG = ("InvalidClientTokenId", "SignatureDoesNotMatch", "AuthFailure", "UnrecognizedClientException")
_OVER = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")


@dataclass(frozen=True)
class Account:
    """Who is signed in and where; clients are made when they are first used."""

    session: boto3.Session
    id: str
    who: str
    region: str

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        """Stacks."""
        return self.session.client("cloudformation", config=_PATIENT)

    @cached_property
    def ecr(self) -> ECRClient:
        """Images."""
        return self.session.client("ecr", config=_PATIENT)

    @cached_property
    def s3(self) -> S3Client:
        """Templates and media."""
        return self.session.client("s3", config=_PATIENT)

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """State."""
        return self.session.client("dynamodb", config=_PATIENT)

    @cached_property
    def ecs(self) -> ECSClient:
        """Tasks."""
        return self.session.client("ecs", config=_PATIENT)

    @cached_property
    def ec2(self) -> EC2Client:
        """Network interfaces."""
        return self.session.client("ec2", config=_PATIENT)

    @cached_property
    def tagging(self) -> ResourceGroupsTaggingAPIClient:
        """What carries a tag."""
        return self.session.client("resourcegroupstaggingapi", config=_PATIENT)

    @cached_property
    def quotas(self) -> ServiceQuotasClient:
        """How much the account may have."""
        return self.session.client("service-quotas", config=_PATIENT)

    @cached_property
    def acm(self) -> ACMClient:
        """Certificates."""
        return self.session.client("acm", config=_PATIENT)

    @cached_property
    def iam(self) -> IAMClient:
        """Rights."""
        return self.session.client("iam", config=_PATIENT)


def code(error: ClientError) -> str:
    """Give AWS's name for an error."""
    return error.response["Error"].get("Code", "")


def open_account(*, profile: str | None, region: str | None) -> Account:
    """Sign in; raise CannotDeploy saying what is missing."""
    try:
        # AWS's other programs take either; boto3 looks at the second alone.
        session = boto3.Session(profile_name=profile, region_name=region or os.environ.get("AWS_REGION") or None)
        if session.region_name is None:
            raise CannotDeploy("no region is set: give --region, for example --region eu-central-1, or AWS_REGION")
        caller = session.client("sts", config=_PROMPT).get_caller_identity()
    except ProfileNotFound as error:
        raise CannotDeploy(f"{error}; `aws configure --profile NAME` makes one, or edit ~/.aws/config") from None
    except NoCredentialsError:
        raise CannotDeploy(
            "no credentials were found: give --profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or sign in with `aws sso login`"
        ) from None
    except (SSOError, TokenRetrievalError) as error:
        named = f" --profile {profile}" if profile else ""
        raise CannotDeploy(f"you are not signed in: run `aws sso login{named}` ({error})") from None
    except EndpointConnectionError as error:
        raise CannotDeploy(
            f"{error}: is {session.region_name} the region's right name, and is this machine online?"
        ) from None
    except ClientError as error:
        raise CannotDeploy(_refused(error)) from None
    except BotoCoreError as error:
        raise CannotDeploy(f"AWS cannot be asked who you are: {error}") from None
    return Account(session, caller["Account"], caller["Arn"], session.region_name)


def _refused(error: ClientError) -> str:
    if code(error) in _OVER:
        return "the credentials have expired: sign in again (`aws sso login`), or set new ones"
    if code(error) in _WRONG:
        return (
            f"AWS refuses the credentials ({code(error)}): check the profile, or the AWS_ variables that are set, and "
            "whether the region is enabled in this account"
        )
    return f"AWS does not say who you are: {code(error)}: {error.response['Error'].get('Message', '')}"
