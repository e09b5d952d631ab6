"""That all of pynamodb's errors are told apart."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from pynamodb import exceptions
from pynamodb.exceptions import PutError, PynamoDBException, TableDoesNotExist, VerboseClientError

from services.adapters import dynamodb_errors
from services.adapters.dynamodb_errors import Meaning, translated
from services.domain.errors import StateUnavailable

CLASSES = {
    value
    for value in vars(exceptions).values()
    if isinstance(value, type) and issubclass(value, Exception) and value.__module__ == exceptions.__name__
}
WITH_CAUSE = sorted(
    (
        kind
        for kind, meaning in dynamodb_errors.ERRORS.items()
        if meaning is Meaning.CAUSE and issubclass(kind, PynamoDBException)
    ),
    key=lambda kind: kind.__name__,
)


def a_verbose_answer(code: str, status: int) -> VerboseClientError:
    """Give botocore's error in pynamodb's clothes, as its connection raises it: without the status."""
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error = VerboseClientError({"Error": {"Code": code}}, "PutItem")
    error.__cause__ = ClientError(response, "PutItem")
    return error


def test_every_error_class_of_pynamodb_has_its_place() -> None:
    assert set(dynamodb_errors.ERRORS) == CLASSES


@pytest.mark.parametrize("kind", WITH_CAUSE)
def test_an_outage_underneath_is_an_outage(kind: type[PynamoDBException]) -> None:
    error = kind("failed", ReadTimeoutError(endpoint_url="http://there"))

    with pytest.raises(StateUnavailable, match="DynamoDB table t: it does not answer now") as caught, translated("t"):
        raise error

    assert caught.value.__cause__ is error


@pytest.mark.parametrize(("code", "status"), [("ThrottlingException", 400), ("Unheard", 500)])
def test_an_answer_underneath_is_told_by_code_and_status(code: str, status: int) -> None:
    with pytest.raises(StateUnavailable, match=f"it does not answer now .*{code}"), translated("t"):
        raise PutError("failed", a_verbose_answer(code, status))


def test_a_wrong_right_underneath_is_named_with_its_remedy() -> None:
    with (
        pytest.raises(StateUnavailable, match=r"check the AWS .* and rights"),
        translated("t"),
    ):
        raise PutError("failed", a_verbose_answer("AccessDeniedException", 400))


@pytest.mark.parametrize(
    "error", [TableDoesNotExist("t"), PutError("failed", a_verbose_answer("ResourceNotFoundException", 400))]
)
def test_a_missing_table_is_named_with_the_command_that_makes_it(error: PynamoDBException) -> None:
    with (
        pytest.raises(StateUnavailable, match="t does not exist: `streamkeep prepare` makes it"),
        translated("t"),
    ):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        exceptions.AttributeDeserializationError("name", "type"),
        exceptions.AttributeNullError("name"),
        exceptions.DoesNotExist(),
        exceptions.InvalidStateError(),
        PutError("failed without a cause"),
        PutError("failed", a_verbose_answer("ValidationException", 400)),
    ],
)
def test_an_error_in_how_we_call_is_never_taken_for_an_outage(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, translated("t"):
        raise error

    assert caught.value is error
