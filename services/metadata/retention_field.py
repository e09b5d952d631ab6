"""The channel's field `retention`, as a caller sets it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from services.domain.channel import Range
from services.domain.retention import DAYS_MAX, DAYS_MIN, FOR_EVER, KINDS
from services.metadata.field_types import spelled_number

_DAYS = Range(DAYS_MIN, DAYS_MAX, DAYS_MAX, "days")
_FORM = f"must be an object of {', '.join(KINDS)} with whole numbers of days, null for ever"
_EACH = {"anyOf": [{"type": "integer", "minimum": DAYS_MIN, "maximum": DAYS_MAX}, {"type": "null"}]}
_SCHEMA = {
    "anyOf": [
        {"type": "object", "properties": dict.fromkeys(KINDS, _EACH), "additionalProperties": False},
        {"type": "null"},
    ]
}
DESCRIPTION = (
    "Days that snapshots, recordings and HLS are kept after a broadcast's end; null or left out: for ever. A change "
    "holds for what is stored already, too."
)


def _days(kind: str, value: Any) -> int | None:  # noqa: ANN401 - whatever JSON holds
    if value is None:
        return None
    try:
        return int(spelled_number(value, _DAYS, integer=True))
    except ValueError as error:
        message = f"{kind}: {error}, or null for ever"
        raise ValueError(message) from None


def _retention(value: Any) -> dict[str, int | None]:  # noqa: ANN401 - whatever JSON holds
    if value in (None, "", False, "false"):  # how a feature was switched off before it was there
        return FOR_EVER.record()
    if not isinstance(value, dict) or not set(value) <= set(KINDS):
        raise ValueError(_FORM)
    return {kind: _days(kind, value.get(kind)) for kind in KINDS}


RetentionField = Annotated[dict[str, int | None], BeforeValidator(_retention), WithJsonSchema(_SCHEMA)]
