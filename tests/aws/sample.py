"""A sample stack: values for the parameters of every template, and for what AWS itself knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ABSENT = object()
"""What AWS::NoValue comes to: the property, or the entry of a list, is not there."""

PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::AccountId": "123456789012",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "keep",
    "AWS::NoValue": ABSENT,
}
_KEY = "arn:aws:kms:eu-central-1:123456789012:key/0a0a0a0a-0a0a-0a0a-0a0a-0a0a0a0a0a0a"
SAMPLE: Mapping[str, Any] = {
    "Stack": "keep",
    "KmsKeyArn": _KEY,
    "TableName": "table",
    "TableArn": "arn:aws:dynamodb:eu-central-1:123456789012:table/table",
    "BucketName": "bucket",
    "BucketArn": "arn:aws:s3:::bucket",
    "SecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:keep-a1b2c3",
    "SinksSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:sinks-a1b2c3",
    "EventQueueArns": ["arn:aws:sqs:eu-central-1:123456789012:events"],
    "ClusterName": "keep",
    "ClusterArn": "arn:aws:ecs:eu-central-1:123456789012:cluster/keep",
    "WorkerFamily": "keep-worker",
    "WorkerTaskArn": "arn:aws:ecs:eu-central-1:123456789012:task-definition/keep-worker:7",
    "WorkerTaskRoleArn": "arn:aws:iam::123456789012:role/worker",
    "WorkerExecutionRoleArn": "arn:aws:iam::123456789012:role/worker-start",
    "WorkerCapacity": "FARGATE_SPOT:3,FARGATE:1",
    "TaskSubnetsByZone": "eu-central-1a=subnet-0a0a0a0a,eu-central-1b=subnet-0b0b0b0b",
    "WorkerGroupId": "sg-0a0a0a0a",
    "GatewayHost": "gateway.keep.internal",
    "PublicUrl": "https://d111111abcdef8.cloudfront.net",
    "PushUrl": "rtmp://keep.elb.eu-central-1.amazonaws.com:1935/stream",
    "PublicIp": "ENABLED",
    "GrabberFunction": "keep-grabber",
    "GrabberArn": "arn:aws:lambda:eu-central-1:123456789012:function:keep-grabber",
    "DistributionId": "E2QWRUHAPOMQZL",
    "DistributionArn": "arn:aws:cloudfront::123456789012:distribution/E2QWRUHAPOMQZL",
    "ImagePrefix": "streamkeep",
    "AllowedNetworks": "10.20.0.0/16",
    "SinkNames": "moderation",
    "DrainSeconds": 600,
    "PoolSize": 1,
    "SafetyStop": "true",
    "Architecture": "ARM64",
}
"""With everything that can be left out given, so that every condition's richer side is looked at."""
