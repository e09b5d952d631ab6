"""AWS's list prices in us-east-1, in dollars before tax; other regions differ by up to a third.

`as_of` is when the source said so. AWS's own page is the one that counts; it fills in its figures by script, so where
another page was read that copied them, that stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Price:
    """So many dollars for one unit."""

    dollars: float
    unit: str
    source: str
    as_of: str


_FARGATE = "aws.amazon.com/fargate/pricing, as in wring.co/blog/aws-fargate-pricing-guide"
_FARGATE_MORE = (
    "aws.amazon.com/fargate/pricing, as in vantage.sh/blog/fargate-pricing and cloudburn.io/blog/aws-fargate-pricing"
)
_BALANCER = "aws.amazon.com/elasticloadbalancing/pricing, as in clustercost.com/blog/network-load-balancer-pricing-2025"
_VPC = "aws.amazon.com/vpc/pricing"
_S3 = "aws.amazon.com/s3/pricing"
_CLOUDFRONT = "aws.amazon.com/cloudfront/pricing"
_CLOUDFRONT_READ = f"{_CLOUDFRONT}, as in wring.co/blog/aws-cloudfront-pricing-guide"
_DYNAMODB = "aws.amazon.com/dynamodb/pricing, as in airbyte.com/data-engineering-resources/dynamodb-pricing"
_CLOUDWATCH = "aws.amazon.com/cloudwatch/pricing"
_EC2 = "aws.amazon.com/ec2/pricing/on-demand"
_LONG_SINCE = "unchanged for years, not read again"
_UNDATED = "no date on it; read 2026-11-21"

FARGATE_VCPU = Price(0.04048, "vCPU-hour, x86", _FARGATE, "2026-03-10")
FARGATE_GB = Price(0.004445, "GB-hour, x86", _FARGATE, "2026-03-10")
FARGATE_ARM_VCPU = Price(0.03238, "vCPU-hour, ARM", _FARGATE_MORE, "2026-04-01")
FARGATE_ARM_GB = Price(0.00356, "GB-hour, ARM", _FARGATE_MORE, "2026-04-01")
FARGATE_DISK = Price(0.000111, "GB-hour of disk over 20 GB", _FARGATE_MORE, "2026-04-01")
SPOT_OFF = 0.70
"""Fargate Spot: about so much less, by the first of these pages; it moves with demand."""
PUBLIC_ADDRESS = Price(
    0.005,
    "hour of a public IPv4 address",
    f"{_VPC}, as in doit.com/aws-public-ipv4-price-increase-the-complete-guide",
    "2024-02-01",
)
NAT_HOUR = Price(
    0.045, "hour of a NAT gateway", f"{_VPC}, as in cloudburn.io/blog/aws-nat-gateway-pricing", "2026-02-24"
)
BALANCER_HOUR = Price(0.0225, "hour of a network load balancer", _BALANCER, "2025")
BALANCER_GB = Price(0.006, "NLCU-hour, which is 1 GB", _BALANCER, "2025")
ZONE_GB = Price(
    0.01,
    "GB into another zone, and as much out of it",
    f"{_EC2}, as in basavytix.com/blog/aws-nat-gateway-pricing",
    _UNDATED,
)
S3_PUT = Price(0.005 / 1_000, "PUT, POST or LIST", f"{_S3}, as in c3x.dev/blog/s3-request-fees-explained", _UNDATED)
S3_GB_MONTH = Price(
    0.023, "GB-month of the first 50 TB", f"{_S3}, as in cloudburn.io/blog/amazon-s3-pricing", "2026-03-13"
)
CLOUDFRONT_GB = Price(
    0.085, "GB to viewers in North America and Europe, the first 10 TB a month", _CLOUDFRONT_READ, "2026-03-08"
)
CLOUDFRONT_REQUEST = Price(0.01 / 10_000, "HTTPS request", _CLOUDFRONT_READ, "2026-03-08")
CLOUDFRONT_FUNCTION = Price(
    0.10 / 1_000_000,
    "run of a CloudFront function",
    f"{_CLOUDFRONT}, as in cur.vantage.sh/aws/amazoncloudfront",
    _UNDATED,
)
DYNAMODB_WRITE = Price(0.625 / 1_000_000, "write unit on demand", _DYNAMODB, "2025-07-21")
DYNAMODB_READ = Price(0.125 / 1_000_000, "read unit on demand", _DYNAMODB, "2025-07-21")
LOG_GB = Price(
    0.50,
    "GB of logs",
    f"{_CLOUDWATCH}, as in factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards",
    "2026-06-13",
)
METRIC = Price(0.30, "metric-month", f"{_CLOUDWATCH}, as in signoz.io/guides/cloudwatch-pricing", "2026-02-15")
ALARM = Price(0.10, "alarm-month", _CLOUDWATCH, _LONG_SINCE)
SECRET = Price(0.40, "secret-month", "aws.amazon.com/secrets-manager/pricing", _LONG_SINCE)
ZONE_OF_NAMES = Price(0.50, "hosted zone-month", "aws.amazon.com/route53/pricing", _LONG_SINCE)
IMAGE_GB_MONTH = Price(0.10, "GB-month of images", "aws.amazon.com/ecr/pricing", _LONG_SINCE)

ALL = tuple(price for price in vars().copy().values() if isinstance(price, Price))
