"""A stack's table and bucket, which outlive it: found by their tags, taken over, removed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from services.deploy.account import code
from services.deploy.telling import CannotDeploy, Watch, say

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

    from services.deploy.account import Account

STATE, MEDIA = "state", "media"
OF_STACK, HOLDS = "streamkeep:stack", "streamkeep:holds"
REMOVED_WITHIN_SECONDS = 600.0
SAY_EACH = 100_000  # objects


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Their names; empty where there is none."""

    table: str = ""
    bucket: str = ""


def left_behind(account: Account, stack: str, given: Mapping[str, str] | None = None) -> Data:
    """Give what a stack of this name left that no stack uses now; raise CannotDeploy if there is more than one.

    `given` are parameters that say it themselves, empty where a new one is wanted.
    """
    known, used = given or {}, in_use(account)

    def found(what: str, parameter: str, named: Callable[[Account, str], list[str]]) -> str:
        if parameter in known:
            return known[parameter]
        return _only(what, parameter, [name for name in named(account, stack) if name not in used])

    return Data(table=found("table", "ExistingTable", _tables), bucket=found("bucket", "ExistingBucket", _buckets))


def in_use(account: Account) -> dict[str, str]:
    """Give the tables and buckets that stacks of this region have, each with its stack's name."""
    found = {}
    for page in account.cloudformation.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            if "ParentId" in stack or stack["StackStatus"] == "DELETE_COMPLETE":
                continue
            for output in stack.get("Outputs", []):
                if output["OutputKey"] in ("TableName", "BucketName"):
                    found[output["OutputValue"]] = stack["StackName"]
    return found


def _only(what: str, parameter: str, names: list[str]) -> str:
    if len(names) > 1:
        raise CannotDeploy(
            f"there is more than one {what} of such a stack: {', '.join(names)}. Say which is meant with "
            f"--parameter {parameter}=NAME, or remove the other"
        )
    return names[0] if names else ""


def _tagged(account: Account, stack: str, holds: str, kind: str) -> list[str]:
    filters = [{"Key": OF_STACK, "Values": [stack]}, {"Key": HOLDS, "Values": [holds]}]
    pages = account.tagging.get_paginator("get_resources").paginate(
        TagFilters=filters,  # type: ignore[arg-type] # the same dictionaries by another name
        ResourceTypeFilters=[kind],
    )
    return [each["ResourceARN"] for page in pages for each in page["ResourceTagMappingList"]]


def _tables(account: Account, stack: str) -> list[str]:
    names = [arn.rpartition("/")[2] for arn in _tagged(account, stack, STATE, "dynamodb:table")]
    return [name for name in names if _table_status(account, name) not in ("", "DELETING")]


def _buckets(account: Account, stack: str) -> list[str]:
    names = [arn.rpartition(":")[2] for arn in _tagged(account, stack, MEDIA, "s3")]
    # Tags outlive their bucket for some time, and are those of every region.
    return [name for name in names if _region_of(account, name) == account.region]


def _table_status(account: Account, name: str) -> str:
    try:
        return account.dynamodb.describe_table(TableName=name)["Table"]["TableStatus"]
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":
            return ""
        raise


def _region_of(account: Account, name: str) -> str:
    try:
        found = account.s3.get_bucket_location(Bucket=name)["LocationConstraint"]
    except ClientError as error:
        if code(error) in ("NoSuchBucket", "AccessDenied"):
            return ""
        raise
    return found or "us-east-1"


def remove_table(account: Account, name: str) -> None:
    """Delete a table with what it holds, protected or not; one that is gone is fine."""
    if not _table_status(account, name):
        return
    watch = Watch(f"the table {name} is not gone yet", within=REMOVED_WITHIN_SECONDS)
    account.dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
    while _table_status(account, name) == "UPDATING":
        watch.wait()
    if _table_status(account, name) != "DELETING":
        account.dynamodb.delete_table(TableName=name)
    while _table_status(account, name):
        watch.wait()
    say(f"   the table {name} is deleted")


def remove_bucket(account: Account, name: str) -> None:
    """Delete a bucket with every version of what it holds; one that is gone is fine."""
    try:
        empty(account, name)
        account.s3.delete_bucket(Bucket=name)
    except ClientError as error:
        if code(error) != "NoSuchBucket":
            raise
        return
    say(f"   the bucket {name} is deleted")


def empty(account: Account, name: str) -> None:
    """Remove every object, version, delete marker and unfinished upload of a bucket."""
    count = 0
    for page in account.s3.get_paginator("list_object_versions").paginate(Bucket=name):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        listed: list[ObjectIdentifierTypeDef] = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        if listed:
            answer = account.s3.delete_objects(Bucket=name, Delete={"Objects": listed, "Quiet": True})
            if failed := answer.get("Errors"):
                raise CannotDeploy(f"{name}: {failed[0].get('Key')} cannot be deleted: {failed[0].get('Message')}")
            if count // SAY_EACH != (count + len(listed)) // SAY_EACH:
                say(f"   {name}: {count + len(listed):,} objects deleted so far")
            count += len(listed)
    say(f"   {name}: empty, {count:,} objects deleted")
    for uploads in account.s3.get_paginator("list_multipart_uploads").paginate(Bucket=name):
        for upload in uploads.get("Uploads", []):
            account.s3.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
