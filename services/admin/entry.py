"""One entry of an export: a channel, what it is doing, or a session, as its record says."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from typing import Any, cast, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from services.domain.channel import Channel
from services.domain.errors import InvalidInput
from services.domain.ids import require_id
from services.domain.records import (
    RECORD_MAX,
    Record,
    air_from_record,
    air_record,
    channel_from_record,
    channel_record,
    session_from_record,
    session_record,
)
from services.domain.secrets import Secret
from services.domain.session import Air, Session

Entry = Channel | Air | Session

KINDS: Mapping[str, type[Entry]] = {"channel": Channel, "air": Air, "session": Session}
_READ: Mapping[str, Callable[[Record], Entry]] = {
    "channel": channel_from_record,
    "air": air_from_record,
    "session": session_from_record,
}
_IDS = ("id", "channel_id", "session_id", "last_session_id")
_OWN_SPELLING: Mapping[str, Any] = {"sinks": list[Any] | None}
"""Fields whose record is not as they are annotated; what is in them is checked when it is read."""
_COUNTS = {"version": 1, "media_sequence": 0, "discontinuity_sequence": 0}  # and the least each may be


def kind_of(entry: Entry) -> str:
    """Name an entry's kind."""
    return next(name for name, kind in KINDS.items() if isinstance(entry, kind))


def record_of(entry: Entry) -> Record:
    """Give the record that state keeps of it."""
    if isinstance(entry, Channel):
        return channel_record(entry)
    return air_record(entry) if isinstance(entry, Air) else session_record(entry)


def read_entry(kind: str, record: Record) -> Entry:
    """Read an entry; raise InvalidInput naming what is wrong, and never what is secret."""
    if kind not in KINDS:
        raise InvalidInput("kind", f"must be one of {', '.join(KINDS)}")
    try:
        size = len(json.dumps(record, ensure_ascii=False).encode())
    except ValueError:  # half a character
        raise InvalidInput("record", "holds what is no text that state could keep") from None
    if size > RECORD_MAX:
        raise InvalidInput("record", f"takes {size:,} bytes, and at most {RECORD_MAX:,} can be kept")
    _require_fields(KINDS[kind], record)
    try:
        entry = _READ[kind](record)
    except KeyError as error:
        raise InvalidInput(str(error.args[0]), "is missing") from None
    except (AttributeError, TypeError, ValueError):
        raise InvalidInput("record", "holds a time that is not spelled as an export spells it") from None
    spelled = record_of(entry)
    for name, value in record.items():
        if spelled[name] != value:
            raise InvalidInput(name, "is not spelled as an export spells it")
    _require_ranges(record)
    if isinstance(entry, Channel):
        entry.require_storable()
    return entry


def _require_ranges(record: Record) -> None:
    for name in _IDS:
        if record.get(name) is not None:
            require_id(name, record[name])
    for name, least in _COUNTS.items():
        if record.get(name, least) < least:
            raise InvalidInput(name, f"must be at least {least}")


def _require_fields(kind: type, record: Record) -> None:
    """Check the fields of a record, and of the records in it, against their annotations: reading it does not."""
    hints = _hints(cast("Hashable", kind))
    for name, value in record.items():
        if name not in hints:
            raise InvalidInput(name, "is not known here; if a later streamkeep wrote this, upgrade")
        inner = next(filter(dataclasses.is_dataclass, (hints[name], *get_args(hints[name]))), None)
        if isinstance(inner, type) and isinstance(value, dict):
            _require_fields(inner, value)
        else:
            _require_type(name, hints[name], value)
    for each in dataclasses.fields(kind):
        if each.name not in record and each.default is each.default_factory is dataclasses.MISSING:
            raise InvalidInput(each.name, "is missing")


def _require_type(name: str, hint: Any, value: object) -> None:  # noqa: ANN401 - any annotation
    try:
        _adapter(hint).validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        raise InvalidInput(name, error.errors(include_input=False)[0]["msg"]) from None


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    """Give the annotations of a record's fields, as JSON spells what they say."""
    hints = {name: str if hint is Secret else hint for name, hint in get_type_hints(kind).items()}
    return {each.name: _OWN_SPELLING.get(each.name, hints[each.name]) for each in dataclasses.fields(kind)}


@cache
def _adapter(hint: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - whatever an annotation may be
    return TypeAdapter(hint)
