"""How callers may spell a field's value: booleans also as text, numbers also as text, dates in two forms."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from services.domain import times
from services.domain.channel import Range

_CONTROL = "Cc"  # Unicode's category: they change how a terminal or a list shows what follows
_SWITCH = {"true": True, "false": False}
_NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,15})?", re.ASCII)
_OLDER_DATE = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})", re.ASCII)
EPOCH = datetime.fromtimestamp(0, UTC)

Number = int | float


def one_line(text: str) -> str:
    """Refuse text that is more than a line, or that holds any other control character."""
    if any(unicodedata.category(letter) == _CONTROL for letter in text):
        message = "must be one line of text, without control characters"
        raise ValueError(message)
    return text


def lines(text: str) -> str:
    """Refuse text that holds control characters other than those that end lines, and tabs."""
    shown = text.replace("\r\n", "\n").replace("\n", "").replace("\t", "")
    if any(unicodedata.category(letter) == _CONTROL for letter in shown):
        message = "may hold new lines and tabs, but no other control characters"
        raise ValueError(message)
    return text


def whole(value: float) -> Number:
    """Give a whole number as one: 10, not 10.0."""
    return int(value) if value == int(value) else value


def _switch(value: Any) -> bool:  # noqa: ANN401 - whatever JSON holds
    spelled = _SWITCH.get(value.strip().lower()) if isinstance(value, str) else value
    if not isinstance(spelled, bool):
        message = "must be true or false"
        raise ValueError(message)  # noqa: TRY004 - pydantic takes ValueError
    return spelled


Switch = Annotated[
    bool,
    BeforeValidator(_switch),
    WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "string", "enum": ["true", "false"]}]}),
]


def _spelled_number(value: Any, problem: str) -> Number:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(problem)  # noqa: TRY004 - pydantic takes ValueError
    return value


def spelled_number(value: Any, span: Range, *, integer: bool = False) -> Number:  # noqa: ANN401 - whatever JSON holds
    """Read a number within `span`, also as text; a whole one becomes int; raise ValueError."""
    kind = "a whole number" if integer else "a number"
    problem = f"must be {kind} from {span.low:g} to {span.high:g} {span.unit}"
    number = _spelled_number(value, problem)
    if not span.low <= number <= span.high or (integer and number != int(number)):
        raise ValueError(problem)
    return whole(number)


def number_in(span: Range, *, integer: bool = False) -> BeforeValidator:
    """Accept a number within `span`, also as text; a whole one becomes int."""
    return BeforeValidator(partial(spelled_number, span=span, integer=integer))


def number_schema(span: Range, *, integer: bool = False) -> WithJsonSchema:
    """Describe what `number_in` accepts."""
    kind = "integer" if integer else "number"
    spelled = r"^\d+$" if integer else r"^\d+(\.\d+)?$"
    return WithJsonSchema(
        {
            "anyOf": [
                {"type": kind, "minimum": span.low, "maximum": span.high},
                {"type": "string", "pattern": spelled},
            ]
        }
    )


def moment(value: str) -> datetime:
    """Read a date (its 00:00 UTC) or an RFC 3339 time; raise ValueError with the remedy."""
    problem = "must be a date (2030-12-09) or a time with its offset (2030-12-09T10:00:00Z)"
    older = _OLDER_DATE.fullmatch(value)
    try:
        if older:
            return datetime(*map(int, older.groups()), tzinfo=UTC)  # type: ignore[arg-type,misc] # three numbers
        return times.parse(value)
    except (ValueError, OverflowError):
        raise ValueError(problem) from None


def _expiry(value: Any) -> datetime:  # noqa: ANN401 - whatever JSON holds
    if not isinstance(value, str):
        message = "must be a date or a time, as text"
        raise ValueError(message)  # noqa: TRY004 - pydantic takes ValueError
    found = moment(value.strip()).replace(microsecond=0)  # a signature's expiry is in whole seconds
    if found < EPOCH:
        message = "must not be before 1970"
        raise ValueError(message)
    return found


_MOMENT_SCHEMA = {
    "anyOf": [
        {"type": "string", "format": "date-time"},
        {"type": "string", "format": "date", "description": "Its 00:00 UTC."},
        {"type": "string", "pattern": r"^\d{4}/\d{1,2}/\d{1,2}$", "description": "Older spelling of a date."},
    ],
    "examples": ["2030-12-09"],
}
Expiry = Annotated[datetime, BeforeValidator(_expiry), WithJsonSchema(_MOMENT_SCHEMA)]
