"""What CloudFront keeps of a bucket's objects at its edges, to be forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from boto3.session import Session
from botocore.config import Config

from services.adapters import aws_endpoint, aws_errors
from services.domain.errors import StoreBusy, StoreUnavailable

SERVICE = "CLOUDFRONT"
CONNECT_SECONDS = 2.0
READ_SECONDS = 10.0
_BUSY = ("TooManyInvalidationsInProgress", "Throttling", "ThrottlingException", "ServiceUnavailable")
# Whoever runs the deployment mends that; until then what was taken down is not forgotten.
_WRONG = ("NoSuchDistribution", "AccessDenied", "InvalidArgument")
_CODES = {**dict.fromkeys(_BUSY, StoreBusy), **dict.fromkeys(_WRONG, StoreUnavailable)}


class CloudFrontCache:
    """One distribution; asks nothing until it is called."""

    def __init__(self, distribution: str) -> None:
        """`distribution` is its id."""
        self._distribution = distribution

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - botocore makes its methods at run time
        with aws_endpoint.making_client(StoreUnavailable, "CloudFront", SERVICE):
            return Session(region_name="us-east-1").client(  # there is one CloudFront for all regions of a partition
                "cloudfront",
                config=Config(
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                    retries={"total_max_attempts": 1, "mode": "standard"},  # the next step asks again
                ),
            )

    def forget(self, prefixes: Sequence[str], *, reference: str) -> None:
        """Let every edge forget objects whose keys begin so; the same `reference` twice is one order.

        Return once it is ordered, which CloudFront carries out within a minute or so; raise StoreUnavailable.
        """
        paths = [f"/{prefix}*" for prefix in prefixes]
        batch = {"Paths": {"Quantity": len(paths), "Items": paths}, "CallerReference": reference}
        with aws_errors.translated(StoreUnavailable, f"distribution {self._distribution}", _CODES, service=SERVICE):
            self._client.create_invalidation(DistributionId=self._distribution, InvalidationBatch=batch)
