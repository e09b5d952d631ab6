"""What a caller may ask of a snapshot that is taken now."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from services.domain.channel import Range
from services.metadata.field_types import Number, number_schema, spelled_number
from services.metadata.json_body import JsonObject
from services.metadata.model_body import validated
from services.metadata.problem import Problem, field_problem

MAX_AGE = Range(0, 86_400, 0)
BURST_COUNT = Range(2, 60, 10, "pictures")
BURST_INTERVAL = Range(0.2, 60, 1)


def _in(span: Range, *, integer: bool = False) -> BeforeValidator:
    """Accept a number within `span`, also as text, and null for one that is left out."""

    def read(value: Any) -> Number | None:  # noqa: ANN401 - whatever JSON holds
        return None if value is None else spelled_number(value, span, integer=integer)

    return BeforeValidator(read)


def _schema(span: Range, *, integer: bool = False) -> WithJsonSchema:
    described = number_schema(span, integer=integer).json_schema or {}
    return WithJsonSchema({"anyOf": [*described["anyOf"], {"type": "null"}]})


class SnapshotOrder(BaseModel):
    """One picture or, with `count` and `interval`, a burst; each is also listed, and told of by an event."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_age: Annotated[Number | None, _in(MAX_AGE), _schema(MAX_AGE)] = Field(
        default=None,
        title="Greatest age",
        description="Seconds. Where the newest keyframe is older the newest frame is taken; left out: the keyframe.",
    )
    count: Annotated[int | None, _in(BURST_COUNT, integer=True), _schema(BURST_COUNT, integer=True)] = Field(
        default=None, title="Pictures", description="How many pictures a burst has; asked for with `interval`."
    )
    interval: Annotated[Number | None, _in(BURST_INTERVAL), _schema(BURST_INTERVAL)] = Field(
        default=None,
        title="Interval",
        description="Seconds from one picture of a burst to the next; each is at most half of that old, when taken.",
    )


def ordered(body: JsonObject) -> SnapshotOrder:
    """Read a body; raise a 422 Problem that names each field."""
    order = validated(SnapshotOrder, body)
    errors = []
    if (order.count is None) != (order.interval is None):
        missing, given = ("count", "interval") if order.count is None else ("interval", "count")
        errors.append(field_problem(missing, f"is wanted with {given}: both make a burst"))
    if order.max_age is not None and (order.count is not None or order.interval is not None):
        errors.append(field_problem("max_age", "is half of `interval` in a burst; leave it out"))
    if errors:
        raise Problem.invalid(errors)
    return order
