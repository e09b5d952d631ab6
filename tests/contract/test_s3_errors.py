"""The table of S3's errors: complete, and saying what to do."""

from __future__ import annotations

import boto3.exceptions
import pytest
from botocore import exceptions as botocore_exceptions
from botocore.exceptions import BotoCoreError, ClientError
from botocore.retries.standard import ThrottledRetryableChecker

from services.adapters import s3_errors
from services.adapters.aws_errors import Kind, kind_of
from services.domain.errors import ObjectChanged, ObjectExists, ObjectNotFound, StoreBusy, StoreUnavailable, Unavailable

BOTOCORE = [
    value for value in vars(botocore_exceptions).values() if isinstance(value, type) and issubclass(value, Exception)
]
TABLES = [s3_errors.CODES, s3_errors.CREATING, s3_errors.REPLACING, s3_errors.READING]

OF_PARTS_THAT_ARE_NOT_USED = {
    # boto3's resources
    "NoVersionFound",
    "ResourceLoadException",
    "ResourceNotExistsError",
    "UnknownAPIVersionError",
    # its transfers
    "InvalidCrtTransferConfigError",
    "RetriesExceededError",
    "S3TransferFailedError",
    "S3UploadFailedError",
    # its conditions for DynamoDB's resource
    "DynamoDBNeedsConditionError",
    "DynamoDBNeedsKeyConditionError",
    "DynamoDBOperationNotSupportedError",
    "DynanmoDBOperationNotSupportedError",
}


def an_error(kind: type[Exception]) -> Exception:
    """Make an error without knowing what its class wants to be told."""
    error = kind.__new__(kind)
    error.args = ("said by the test",)
    return error


def answered(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "-"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item] # as short as an answer may be
        "PutObject",
    )


def translated(error: Exception, codes: s3_errors.Codes = s3_errors.CODES) -> Exception:
    """Give what a caller gets."""
    with pytest.raises(type(error) if kind_of(error) is Kind.PROGRAMMING else Unavailable) as caught:
        raise_through(error, codes)
    return caught.value


def raise_through(error: Exception, codes: s3_errors.Codes) -> None:
    with s3_errors.translated("object x", codes):
        raise error


@pytest.mark.parametrize("kind", [kind for kind in BOTOCORE if issubclass(kind, BotoCoreError)])
def test_every_error_of_botocore_is_ours_or_a_mistake_in_our_call(kind: type[Exception]) -> None:
    error = an_error(kind)

    seen = translated(error)

    assert seen is error if kind_of(error) is Kind.PROGRAMMING else type(seen) is StoreUnavailable
    assert seen is error or seen.__cause__ is error


def test_every_error_of_boto3_itself_is_of_a_part_that_is_not_used() -> None:
    found = {
        name
        for name, value in vars(boto3.exceptions).items()
        if isinstance(value, type) and issubclass(value, Exception) and value.__module__ == "boto3.exceptions"
    }

    # DeprecationWarning's and the root are raised by nobody.
    assert found - {"Boto3Error", "PythonDeprecationWarning"} == OF_PARTS_THAT_ARE_NOT_USED


@pytest.mark.parametrize("code", vars(ThrottledRetryableChecker)["_THROTTLED_ERROR_CODES"])
def test_whatever_boto3_takes_for_throttling_is_a_busy_store(code: str) -> None:
    for table in TABLES:
        assert table[code] is StoreBusy


@pytest.mark.parametrize("code", ["PreconditionFailed", "412"])
def test_a_condition_that_does_not_hold_means_what_was_asked(code: str) -> None:
    assert s3_errors.CREATING[code] is ObjectExists
    assert s3_errors.REPLACING[code] is ObjectChanged
    assert code not in s3_errors.READING


def test_what_is_missing_is_missing_only_where_an_object_is_asked_for() -> None:
    assert s3_errors.READING["NoSuchKey"] is s3_errors.READING["404"] is ObjectNotFound
    assert s3_errors.REPLACING["NoSuchKey"] is ObjectChanged
    assert "NoSuchBucket" not in s3_errors.READING


@pytest.mark.parametrize("code", sorted(s3_errors.REMEDIES))
def test_a_remedy_is_told(code: str) -> None:
    error = answered(code, 400)

    with pytest.raises(StoreUnavailable) as caught:
        raise_through(error, s3_errors.CODES)

    assert str(caught.value).startswith(f"object x: {s3_errors.REMEDIES[code]}")
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("status", [500, 502, 504])
def test_an_answer_of_a_server_in_trouble_is_an_outage_whatever_its_code(status: int) -> None:
    assert type(translated(answered("NobodyKnows", status))) is StoreUnavailable


def test_a_mistake_in_our_call_is_no_outage() -> None:
    error = answered("MalformedXML", 400)

    assert translated(error) is error
