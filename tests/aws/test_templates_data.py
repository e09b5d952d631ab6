"""What the data templates promise: nothing is lost with the stack, and the table is the one the code knows."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any, cast

import pytest

from services.adapters.dynamodb_table import Item, model_of
from services.domain import keys
from services.domain.artifact import Kind
from services.domain.times import utc
from tests.aws.templates import every_resource, template


def _table() -> dict[str, Any]:
    return template("data", ExistingTable="", ExistingBucket="").of("AWS::DynamoDB::Table")["Table"]


def _key(table: dict[str, Any]) -> dict[str, str]:
    return {key["KeyType"]: key["AttributeName"] for key in table["KeySchema"]}


def test_the_table_has_the_keys_indexes_and_attributes_that_the_code_describes() -> None:
    table, described = _table(), cast("Any", model_of("table", None)._get_schema())

    assert table["KeySchema"] == described["key_schema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert table["AttributeDefinitions"] == described["attribute_definitions"]
    assert {index["IndexName"]: (_key(index), index["Projection"]) for index in table["GlobalSecondaryIndexes"]} == {
        index["index_name"]: (
            {key["KeyType"]: key["AttributeName"] for key in index["key_schema"]},
            index["projection"],
        )
        for index in described["global_secondary_indexes"]
    }


def test_the_table_is_paid_by_use_expires_restores_and_cannot_be_deleted_by_mistake() -> None:
    table = _table()

    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["TimeToLiveSpecification"] == {"AttributeName": Item.gone_at.attr_name, "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["DeletionProtectionEnabled"] is True


@pytest.mark.parametrize("name", ["Table", "Bucket"])
def test_state_and_media_outlive_the_stack(name: str) -> None:
    resource = template("data").resources[name]

    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


@pytest.mark.parametrize("name", ["Table", "Bucket"])
def test_a_later_stack_finds_them_by_tag(name: str) -> None:
    found = template("data").of("AWS::DynamoDB::Table", "AWS::S3::Bucket")[name]

    tags = {tag["Key"]: tag["Value"] for tag in found["Tags"]}
    assert tags["streamkeep:stack"] == "keep"
    assert tags["streamkeep:holds"] == {"Table": "state", "Bucket": "media"}[name]


def test_no_bucket_is_public_or_unencrypted_or_takes_requests_without_tls() -> None:
    buckets = dict(every_resource("AWS::S3::Bucket"))
    assert len(buckets) == 3
    for name, bucket in buckets.items():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}, name
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"], name
        assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}, name

    policies = dict(every_resource("AWS::S3::BucketPolicy"))
    assert len(policies) == 3
    for name, policy in policies.items():
        first = policy["PolicyDocument"]["Statement"][0]
        assert (first["Effect"], first["Action"]) == ("Deny", "s3:*"), name
        assert first["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}, name


def test_unfinished_uploads_and_single_pictures_go_after_a_day() -> None:
    rules = template("data").of("AWS::S3::Bucket")["Bucket"]["LifecycleConfiguration"]["Rules"]

    assert {"DaysAfterInitiation": 1} in [rule.get("AbortIncompleteMultipartUpload") for rule in rules]
    assert [rule["Prefix"] for rule in rules if rule.get("ExpirationInDays") == 1] == ["snapshots/adhoc/"]


def _is_in_place(key: str) -> bool:
    statements = template("access").of("AWS::S3::BucketPolicy")["BucketPolicy"]["PolicyDocument"]["Statement"]
    (media,) = [each for each in statements if each["Sid"] == "MediaIsCreatedOnce"]
    return any(fnmatchcase(f"arn:aws:s3:::bucket/{key}", pattern) for pattern in media["NotResource"])


def test_media_is_created_once_and_what_changes_in_place_over_a_known_content() -> None:
    at = utc(1_795_000_000)
    in_place = [
        keys.latest_snapshot("demo"),
        keys.live_playlist("demo"),
        keys.vod_playlist("demo", "s"),
        keys.sprites("demo", "s"),
        keys.sprites("demo", "s", "sprite-0001.jpg"),
        keys.head("demo", "s"),
    ]
    once = [
        keys.dated(Kind.SNAPSHOT, "demo", "s", at),
        keys.resized(keys.dated(Kind.SNAPSHOT, "demo", "s", at), 320),
        keys.dated(Kind.RECORDING, "demo", "s", at),
        keys.segment("demo", "s", 7),
        keys.chunk("demo", "s", 1),
        "snapshots/adhoc/x.jpg",
    ]

    assert [key for key in in_place if not _is_in_place(key)] == []
    assert [key for key in once if _is_in_place(key)] == []


def test_every_write_to_the_bucket_has_a_condition_but_the_parts_of_an_upload() -> None:
    statements = template("access").of("AWS::S3::BucketPolicy")["BucketPolicy"]["PolicyDocument"]["Statement"]
    found = {each["Sid"]: each for each in statements}

    creating = {"s3:ObjectCreationOperation": "true"}
    assert found["MediaIsCreatedOnce"]["Condition"] == {"Null": {"s3:if-none-match": "true"}, "Bool": creating}
    unseen = found["NothingIsOverwrittenUnseen"]
    assert unseen["Condition"] == {"Null": {"s3:if-none-match": "true", "s3:if-match": "true"}, "Bool": creating}
    for each in (found["MediaIsCreatedOnce"], unseen):
        assert (each["Effect"], each["Principal"], each["Action"]) == ("Deny", "*", "s3:PutObject")


def test_the_bucket_lets_in_only_the_one_distribution() -> None:
    statements = template("access").of("AWS::S3::BucketPolicy")["BucketPolicy"]["PolicyDocument"]["Statement"]
    allowed = [each for each in statements if each["Effect"] == "Allow"]

    assert {each["Action"] for each in allowed} == {"s3:GetObject", "s3:ListBucket"}
    for each in allowed:
        assert each["Principal"] == {"Service": "cloudfront.amazonaws.com"}
        assert each["Condition"]["StringEquals"]["aws:SourceArn"].endswith(":distribution/E2QWRUHAPOMQZL")


def test_without_cloudfront_the_bucket_lets_nobody_in_by_its_policy() -> None:
    bare = template("access", DistributionArn="").of("AWS::S3::BucketPolicy")["BucketPolicy"]

    assert {each["Effect"] for each in bare["PolicyDocument"]["Statement"]} == {"Deny"}


def test_playlists_are_cached_for_a_second_media_for_a_year_and_absence_for_a_second() -> None:
    delivery = template("delivery")
    lives = {
        name: policy["CachePolicyConfig"]["MinTTL"]
        for name, policy in delivery.of("AWS::CloudFront::CachePolicy").items()
    }
    assert lives == {"ChangingCache": 1, "MediaCache": 31_536_000}

    distribution = delivery.of("AWS::CloudFront::Distribution")["Distribution"]["DistributionConfig"]
    patterns = {each["PathPattern"]: each["CachePolicyId"] for each in distribution["CacheBehaviors"]}
    assert patterns.pop("/p/*") == "mediacache"
    assert set(patterns.values()) == {"changingcache"}
    absent = {each["ErrorCode"]: each["ErrorCachingMinTTL"] for each in distribution["CustomErrorResponses"]}
    assert (absent[403], absent[404]) == (1, 1)


@pytest.mark.parametrize(
    "key", ["hls/demo/live.m3u8", "hls/demo/s/vod.m3u8", "snapshots/demo/latest.jpg", "hls/demo/s/sprites.vtt",
            "hls/demo/s/sprite-0001.jpg", "sessions/demo/s/head.json"],
)  # fmt: skip
def test_what_the_code_says_is_not_to_be_cached_cloudfront_keeps_for_a_second(key: str) -> None:
    distribution = template("delivery").of("AWS::CloudFront::Distribution")["Distribution"]["DistributionConfig"]
    (first, *_) = [
        each["CachePolicyId"]
        for each in distribution["CacheBehaviors"]
        if fnmatchcase(f"/p/1795000000-0a0a/{key}", each["PathPattern"])
    ]
    assert keys.cache_control(key) == "no-cache"
    assert first == "changingcache"


def test_a_pages_preflight_reaches_the_bucket_as_the_page_asked_it() -> None:
    delivery = template("delivery")
    distribution = delivery.of("AWS::CloudFront::Distribution")["Distribution"]["DistributionConfig"]
    forwarding = delivery.of("AWS::CloudFront::OriginRequestPolicy")
    bucket = template("data").of("AWS::S3::Bucket")["Bucket"]

    for each in distribution["CacheBehaviors"]:
        assert "OPTIONS" in each["AllowedMethods"]
        assert "OPTIONS" not in each.get("CachedMethods", []), "one page's answer would be another's"
        assert each["OriginRequestPolicyId"] == "mediaasked"
    config = forwarding["MediaAsked"]["OriginRequestPolicyConfig"]
    assert set(config["HeadersConfig"]["Headers"]) == {
        "Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers",
    }  # fmt: skip
    assert config["QueryStringsConfig"]["QueryStrings"] == ["response-content-disposition"]
    assert config["CookiesConfig"] == {"CookieBehavior": "none"}
    (rule,) = bucket["CorsConfiguration"]["CorsRules"]
    assert (rule["AllowedOrigins"], rule["AllowedHeaders"]) == (["*"], ["*"])


def test_every_link_is_judged_and_nothing_of_the_bucket_is_reached_past_that() -> None:
    distribution = template("delivery").of("AWS::CloudFront::Distribution")["Distribution"]["DistributionConfig"]
    behaviors = [distribution["DefaultCacheBehavior"], *distribution["CacheBehaviors"]]

    for each in behaviors:
        if each["TargetOriginId"] == "media":
            assert [one["EventType"] for one in each["FunctionAssociations"]] == ["viewer-request"]
            assert "PUT" not in each["AllowedMethods"]
        assert each["ViewerProtocolPolicy"] == "redirect-to-https"
    assert distribution["DefaultCacheBehavior"]["TargetOriginId"] == "api"
