"""What CloudFront keeps of a bucket's objects at its edges, to be forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.adapters import aws_client, aws_errors
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
        how = aws_client.config(connect_seconds=CONNECT_SECONDS, read_seconds=READ_SECONDS)
        self._client = aws_client.LateClient[Any](
            # There is one CloudFront for all regions of a partition.
            lambda: aws_client.made("CloudFront", how, StoreUnavailable, region="us-east-1")
        )

    def forget(self, prefixes: Sequence[str], *, reference: str) -> None:
        """Let every edge forget objects whose keys begin so; the same `reference` twice is one order.

        Return once it is ordered, which CloudFront carries out within a minute or so; raise StoreUnavailable.
        """
        paths = [f"/{prefix}*" for prefix in prefixes]
        batch = {"Paths": {"Quantity": len(paths), "Items": paths}, "CallerReference": reference}
        with aws_errors.translated(StoreUnavailable, f"distribution {self._distribution}", _CODES, service=SERVICE):
            self._client.api.create_invalidation(DistributionId=self._distribution, InvalidationBatch=batch)
