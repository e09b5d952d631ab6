"""The one place where pynamodb's errors become ours; what botocore's mean stands in aws_errors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from pynamodb import exceptions
from pynamodb.exceptions import PynamoDBException

from services.adapters.aws_errors import Kind, codes_of, kind_of, remedy_of
from services.domain.errors import InvalidInput, StateUnavailable

SERVICE = "DYNAMODB"


class Meaning(StrEnum):
    """What a class of pynamodb's says."""

    CAUSE = "cause"  # what botocore's error underneath says; without one, that our call is wrong
    NO_TABLE = "no table"
    PROGRAMMING = "programming"  # our call, or an item that is none of ours: nobody may take it for an outage


ERRORS: Mapping[type[Exception], Meaning] = {
    exceptions.AttributeDeserializationError: Meaning.PROGRAMMING,
    exceptions.AttributeNullError: Meaning.PROGRAMMING,
    exceptions.DeleteError: Meaning.CAUSE,
    exceptions.DoesNotExist: Meaning.PROGRAMMING,  # where it is expected, it is caught
    exceptions.GetError: Meaning.CAUSE,
    exceptions.InvalidStateError: Meaning.PROGRAMMING,
    exceptions.PutError: Meaning.CAUSE,
    exceptions.PynamoDBConnectionError: Meaning.CAUSE,
    exceptions.PynamoDBException: Meaning.CAUSE,
    exceptions.QueryError: Meaning.CAUSE,
    exceptions.ScanError: Meaning.CAUSE,
    exceptions.TableDoesNotExist: Meaning.NO_TABLE,
    exceptions.TableError: Meaning.CAUSE,
    exceptions.TransactGetError: Meaning.CAUSE,
    exceptions.TransactWriteError: Meaning.CAUSE,
    exceptions.UpdateError: Meaning.CAUSE,
    exceptions.VerboseClientError: Meaning.CAUSE,
}

_NO_TABLE_CODES = frozenset({"ResourceNotFoundException", "ResourceNotFound"})
_CONDITION_CODES = frozenset({"ConditionalCheckFailedException", "ConditionalCheckFailed"})
_TOO_LARGE = "Item size"  # in both of the texts by which DynamoDB refuses an item; their code says too little
_CONFLICT_CODES = frozenset({"TransactionConflictException", "TransactionConflict"})


class Refusal(StrEnum):
    """Why nothing was written although DynamoDB answered."""

    CONDITION = "condition"  # something else is stored than the condition says
    CONFLICT = "conflict"  # another write to the same item is under way: nobody knows yet who wins


def cause_of(error: Exception) -> Exception:
    """Give botocore's own error underneath pynamodb's wrappers: only that one has the answer's status."""
    cause = getattr(error, "cause", None) or error
    return cause.__cause__ if isinstance(cause, exceptions.VerboseClientError) and cause.__cause__ else cause  # type: ignore[return-value] # raised from a ClientError


def refusal_of(error: PynamoDBException) -> Refusal | None:
    """Say why a write was refused, or None if the error says something else."""
    answer = cause_of(error)
    if not isinstance(answer, ClientError):
        return None
    codes = codes_of(answer)
    if codes & _CONDITION_CODES:
        return Refusal.CONDITION
    return Refusal.CONFLICT if codes & _CONFLICT_CODES else None


def was_sent_again(error: PynamoDBException) -> bool:
    """Say whether the request that was answered is not the first: an earlier one may have been carried out."""
    answer = cause_of(error)
    return isinstance(answer, ClientError) and answer.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0


def no_table(table: str) -> StateUnavailable:
    """Say that the table was never made."""
    return StateUnavailable(f"DynamoDB table {table} does not exist: `streamkeep prepare` makes it")


@contextlib.contextmanager
def translated(table: str) -> Iterator[None]:
    """Raise StateUnavailable for an outage or a wrong setting, naming what to do; our mistakes go on as they are."""
    try:
        yield
    except (PynamoDBException, BotoCoreError, ClientError, ResponseParserError) as error:
        cause = cause_of(error)
        meaning = next((ERRORS[each] for each in type(error).__mro__ if each in ERRORS), Meaning.CAUSE)
        if meaning is Meaning.NO_TABLE or (isinstance(cause, ClientError) and codes_of(cause) & _NO_TABLE_CODES):
            raise no_table(table) from error
        if isinstance(cause, ClientError) and _TOO_LARGE in str(cause) + str(cause.response.get("CancellationReasons")):
            raise InvalidInput("record", "is larger than the 400 KB that DynamoDB keeps; shorten its texts") from error
        if meaning is Meaning.PROGRAMMING or kind_of(cause) is Kind.PROGRAMMING:
            raise
        raise StateUnavailable(f"DynamoDB table {table}: {remedy_of(cause, SERVICE)} ({cause})") from error
