"""Invalidations, over CloudFront's protocol."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from services.adapters.cloudfront_cache import CloudFrontCache
from services.domain.errors import StoreUnavailable
from tests.emulators import CREDENTIALS, Emulators

ORIGIN = {
    "Id": "media",
    "DomainName": "media.test",
    "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"},
}
DISTRIBUTION = {
    "CallerReference": "one",
    "Comment": "",
    "Enabled": True,
    "Origins": {"Quantity": 1, "Items": [ORIGIN]},
    "DefaultCacheBehavior": {
        "TargetOriginId": "media",
        "ViewerProtocolPolicy": "https-only",
        "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
        "MinTTL": 0,
    },
}


@pytest.fixture
def cloudfront(emulators: Emulators, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ANN401 - botocore's client
    for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": emulators.url("ministack")}.items():
        monkeypatch.setenv(name, value)
    return boto3.client("cloudfront", region_name="us-east-1")


def test_prefixes_are_forgotten_by_order_of_their_reference(cloudfront: Any) -> None:  # noqa: ANN401
    distribution = cloudfront.create_distribution(DistributionConfig=DISTRIBUTION)["Distribution"]["Id"]

    CloudFrontCache(distribution).forget(["hls/camera/session/"], reference="session")

    (made,) = cloudfront.list_invalidations(DistributionId=distribution)["InvalidationList"]["Items"]
    batch = cloudfront.get_invalidation(DistributionId=distribution, Id=made["Id"])["Invalidation"]["InvalidationBatch"]
    assert (batch["Paths"]["Items"], batch["CallerReference"]) == (["/hls/camera/session/*"], "session")


def test_a_distribution_that_is_not_there_is_said(cloudfront: Any) -> None:  # noqa: ANN401
    del cloudfront
    with pytest.raises(StoreUnavailable, match="EDFDVBD6EXAMPLE"):
        CloudFrontCache("EDFDVBD6EXAMPLE").forget(["hls/camera/session/"], reference="session")
