"""The one table of what S3's answers mean to us."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

from botocore.exceptions import ClientError

from services.adapters import aws_endpoint, aws_errors
from services.domain.errors import (
    ObjectChanged,
    ObjectExists,
    ObjectNotFound,
    StoreBusy,
    StoreFull,
    StoreUnavailable,
    StreamkeepError,
)

SERVICE = "S3"

Codes = Mapping[str, type[StreamkeepError]]

# The answer to a HEAD has no body, so that its code is its status.
_BUSY = (
    "429",
    "503",
    "BandwidthLimitExceeded",
    "ConditionalRequestConflict",  # 409: another write to the key is under way
    "EC2ThrottledException",
    "LimitExceededException",
    "OperationAborted",  # 409, of a bucket's settings
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "ServiceUnavailable",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "TooManyRequestsException",
    "TransactionInProgressException",
)
_FULL = ("507", "InsufficientStorage", "QuotaExceeded", "XMinioStorageFull")
# What was sent is not what arrived, or is gone again: sending it once more is right.
_AGAIN = (
    "BadDigest",
    "IncompleteBody",
    "InvalidDigest",
    "InvalidPart",
    "NoSuchUpload",
    "XAmzContentChecksumMismatch",
    "XAmzContentSHA256Mismatch",
)

CODES: Codes = {
    **dict.fromkeys(_BUSY, StoreBusy),
    **dict.fromkeys(_FULL, StoreFull),
    **dict.fromkeys(_AGAIN, StoreUnavailable),
}
CREATING: Codes = {**CODES, "PreconditionFailed": ObjectExists, "412": ObjectExists}
REPLACING: Codes = {
    **CODES,
    "PreconditionFailed": ObjectChanged,
    "412": ObjectChanged,
    "NoSuchKey": ObjectChanged,  # If-Match on nothing
}
READING: Codes = {**CODES, "NoSuchKey": ObjectNotFound, "404": ObjectNotFound}
READING_UNLISTED: Codes = {**READING, "AccessDenied": ObjectNotFound, "403": ObjectNotFound}
"""For one who may not list the bucket: to that one S3 says that what is absent is forbidden."""
CHECKING_UNLISTED: Codes = {**CODES, "403": StoreBusy}
"""For the same one, who asks for the bucket alone: a HEAD of it takes the right to list, and a refusal is an answer."""

_NO_BUCKET = "there is no such bucket: set STREAMKEEP_BUCKET to a bucket of yours, or run `streamkeep prepare`"
_FOREIGN = "access is denied: set STREAMKEEP_BUCKET to a bucket of yours, and check the rights of these credentials"
_CREDENTIALS = "the credentials are refused: correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the machine's role"
_REGION = "the bucket is in another region: correct AWS_REGION"

REMEDIES: Mapping[str, str] = {
    "301": _REGION,
    "400": _CREDENTIALS,
    "401": _CREDENTIALS,
    "403": _FOREIGN,
    "404": _NO_BUCKET,
    "AccessDenied": _FOREIGN,
    "AllAccessDisabled": _FOREIGN,
    "AuthorizationHeaderMalformed": _REGION,
    "BucketAlreadyExists": "the bucket is somebody else's: set STREAMKEEP_BUCKET to another name",
    "ExpiredToken": _CREDENTIALS,
    "IllegalLocationConstraintException": _REGION,
    "InvalidAccessKeyId": _CREDENTIALS,
    "InvalidBucketName": "no bucket can have this name: correct STREAMKEEP_BUCKET",
    "InvalidToken": _CREDENTIALS,
    "NoSuchBucket": _NO_BUCKET,
    "NotImplemented": "the endpoint does not know a call that is needed, such as a conditional write: use another one",
    "PermanentRedirect": _REGION,
    "RequestTimeTooSkewed": "this machine's clock is wrong: correct it",
    "SignatureDoesNotMatch": _CREDENTIALS,
    "TooManyBuckets": "the account has as many buckets as it may: set STREAMKEEP_BUCKET to one of them",
}
"""What to do about an answer that means StoreUnavailable."""


@contextlib.contextmanager
def translated(what: str, codes: Codes = CODES) -> Iterator[None]:
    """Raise ours for any error of botocore's that leaves the block; an error in how we call goes on as it is."""
    with aws_errors.translated(StoreUnavailable, what, codes, service=SERVICE):
        try:
            yield
        except ClientError as error:
            code = aws_errors.code_of(error)
            if code in codes or code not in REMEDIES:
                raise
            variable = aws_endpoint.variable(SERVICE) if aws_errors.is_bare(error) else None
            doubt = "" if variable is None else f", unless {variable} is not the address of S3"
            raise StoreUnavailable(f"{what}: {REMEDIES[code]}{doubt} ({error})") from error
