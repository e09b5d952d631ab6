"""A stack's table and bucket with what they hold, taken before the emulator deletes them and put back after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.aws.templates import template

Clients = Callable[[str], Any]
KINDS = {"Table": "AWS::DynamoDB::Table", "Bucket": "AWS::S3::Bucket"}
_OF_A_TABLE = ("TableName", "AttributeDefinitions", "KeySchema")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """What one stack made under `DeletionPolicy: Retain`; parts that it took over are not among it."""

    table: dict[str, Any] | None
    items: list[dict[str, Any]]
    bucket: str
    objects: dict[str, bytes]
    tags: dict[str, list[dict[str, str]]]
    """Of the table and the bucket, as data.yaml gives them: the emulator gives a bucket none."""

    @classmethod
    def of(cls, client: Clients, stack: str) -> Retained | None:
        """Take it, None if the stack has neither."""
        found = [each for each in client("cloudformation").describe_stacks()["Stacks"] if each["StackName"] == stack]
        outputs = {each["OutputKey"]: each["OutputValue"] for one in found for each in one.get("Outputs", [])}
        given = {each["ParameterKey"]: each["ParameterValue"] for one in found for each in one.get("Parameters", [])}
        if "TableName" not in outputs or given.get("ExistingTable"):
            return None
        dynamodb, s3, bucket = client("dynamodb"), client("s3"), outputs["BucketName"]
        made = template("data", Stack=stack, ExistingTable="", ExistingBucket="")
        listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        return cls(
            table=dynamodb.describe_table(TableName=outputs["TableName"])["Table"],
            items=dynamodb.scan(TableName=outputs["TableName"])["Items"],
            bucket=bucket,
            objects={each["Key"]: s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed},
            tags={name: made.of(kind)[name]["Tags"] for name, kind in KINDS.items()},
        )

    def put_back(self, client: Clients) -> None:
        """Make table and bucket again, as they were."""
        dynamodb, s3 = client("dynamodb"), client("s3")
        if self.table is not None:
            indexes = [
                {name: index[name] for name in ("IndexName", "KeySchema", "Projection")}
                for index in self.table["GlobalSecondaryIndexes"]
            ]
            dynamodb.create_table(
                **{name: self.table[name] for name in _OF_A_TABLE},
                GlobalSecondaryIndexes=indexes,
                BillingMode="PAY_PER_REQUEST",
                DeletionProtectionEnabled=True,
                Tags=self.tags["Table"],
            )
            for item in self.items:
                dynamodb.put_item(TableName=self.table["TableName"], Item=item)
        s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
        s3.put_bucket_tagging(Bucket=self.bucket, Tagging={"TagSet": self.tags["Bucket"]})
        for key, body in self.objects.items():
            s3.put_object(Bucket=self.bucket, Key=key, Body=body)
