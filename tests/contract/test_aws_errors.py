"""That all of botocore's errors are told apart."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from string import Formatter
from typing import Any

import pytest
from botocore import exceptions, parsers
from botocore.exceptions import BotoCoreError, ClientError

from services.adapters import aws_errors
from services.adapters.aws_errors import Kind
from services.domain.errors import LeaseLost, StateUnavailable, StreamkeepError

CLASSES = sorted(
    (
        value
        for value in vars(exceptions).values()
        if isinstance(value, type)
        and issubclass(value, Exception)
        and not issubclass(value, Warning)
        and value.__module__ == exceptions.__name__
    ),
    key=lambda kind: kind.__name__,
)


def an_error(kind: type[Exception]) -> Exception:
    """Make one with a text for each field of its message."""
    if issubclass(kind, ClientError):
        return an_answer("Code", 400)
    fields = {name for _, name, _, _ in Formatter().parse(getattr(kind, "fmt", "")) if name}
    if kind is exceptions.WaiterError:
        fields |= {"last_response"}  # which its message does not tell
    return kind(**dict.fromkeys(fields, "text"))


def an_answer(code: str, status: int, *reasons: str) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "a message"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }
    return ClientError(response, "Operation")


def translated(codes: Mapping[str, type[StreamkeepError]]) -> AbstractContextManager[None]:
    return aws_errors.translated(StateUnavailable, "the table", codes, service="DYNAMODB")


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_class_of_botocore_has_its_place(kind: type[Exception]) -> None:
    assert (kind in aws_errors.KINDS) is not (kind in aws_errors.ANSWERS)


def test_no_class_is_listed_that_botocore_does_not_have() -> None:
    assert {*aws_errors.KINDS, *aws_errors.ANSWERS} == {*CLASSES, parsers.ResponseParserError}


@pytest.mark.parametrize("kind", [kind for kind in aws_errors.KINDS if aws_errors.KINDS[kind] is not Kind.PROGRAMMING])
def test_an_outage_or_a_wrong_setting_becomes_ours_and_keeps_its_cause(kind: type[Exception]) -> None:
    error = an_error(kind)

    with pytest.raises(StateUnavailable, match="the table: ") as caught, translated({}):
        raise error

    assert caught.value.__cause__ is error


@pytest.mark.parametrize("kind", [kind for kind in aws_errors.KINDS if aws_errors.KINDS[kind] is Kind.PROGRAMMING])
def test_an_error_in_how_we_call_is_never_taken_for_an_outage(kind: type[Exception]) -> None:
    error = an_error(kind)

    with pytest.raises(kind) as caught, translated({}):
        raise error

    assert caught.value is error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (an_answer("ThrottlingException", 400), Kind.UNAVAILABLE),
        (an_answer("Unheard", 429), Kind.UNAVAILABLE),
        (an_answer("Unheard", 500), Kind.UNAVAILABLE),
        (an_answer("503", 503), Kind.UNAVAILABLE),
        (an_answer("TransactionCanceledException", 400, "None", "ThrottlingError"), Kind.UNAVAILABLE),
        (an_answer("AccessDeniedException", 400), Kind.MISCONFIGURED),
        (an_answer("Unheard", 403), Kind.MISCONFIGURED),
        (an_answer("301", 301), Kind.MISCONFIGURED),
        (an_answer("404", 404), Kind.MISCONFIGURED),
        (an_answer("", 400), Kind.MISCONFIGURED),
        (an_answer("501", 501), Kind.MISCONFIGURED),
        (an_answer("429", 429), Kind.UNAVAILABLE),
        (an_answer("ValidationException", 400), Kind.PROGRAMMING),
        (an_answer("TransactionCanceledException", 400, "None", "ValidationError"), Kind.PROGRAMMING),
    ],
)
def test_an_answer_is_told_by_its_code_and_status(error: ClientError, kind: Kind) -> None:
    assert aws_errors.kind_of(error) is kind


def test_a_code_that_the_caller_knows_becomes_the_callers_error() -> None:
    with pytest.raises(LeaseLost, match=r"the table: .*Gone"), translated({"Gone": LeaseLost}):
        raise an_answer("Gone", 400)


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (exceptions.NoRegionError(), "set AWS_REGION"),
        (exceptions.NoCredentialsError(), "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        (an_answer("AccessDenied", 403), "check the AWS region, credentials, endpoint and rights"),
    ],
)
def test_a_wrong_setting_is_named_with_its_remedy(error: BotoCoreError | ClientError, remedy: str) -> None:
    with pytest.raises(StateUnavailable, match=remedy), translated({}):
        raise error
