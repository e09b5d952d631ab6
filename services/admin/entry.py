"""One entry of an export: a channel, what it is doing, or a session, as its record says."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from typing import Any, cast, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from services.domain.channel import Channel
from services.domain.errors import InvalidInput
from services.domain.ids import require_id
from services.domain.records import (
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
        json.dumps(record, ensure_ascii=False).encode()  # half a character is no text that state could keep
        entry = _READ[kind](record)
        _require_types(entry)
        spelled = record_of(entry)
    except KeyError as error:
        raise InvalidInput(str(error.args[0]), "is missing") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise InvalidInput("record", f"cannot be read: {error}") from None
    for name, value in record.items():
        if name not in spelled or spelled[name] != value:
            raise InvalidInput(name, "is not spelled as an export spells it")
    _require_ranges(record)
    return entry


def _require_ranges(record: Record) -> None:
    for name in _IDS:
        if record.get(name) is not None:
            require_id(name, record[name])
    for name, least in _COUNTS.items():
        if record.get(name, least) < least:
            raise InvalidInput(name, f"must be at least {least}")


def _require_types(value: Any) -> None:  # noqa: ANN401 - any dataclass
    """Check each field against its annotation, which reading a record does not."""
    for name, adapter in _adapters(cast("Hashable", type(value))).items():
        inner = getattr(value, name)
        if dataclasses.is_dataclass(inner):
            _require_types(inner)
            continue
        if isinstance(inner, Secret) and not isinstance(inner.reveal(), str):
            raise InvalidInput(name, "must be a text")
        try:
            adapter.validate_python(inner)
        except ValidationError as error:
            raise InvalidInput(name, error.errors(include_input=False)[0]["msg"]) from None


@cache
def _adapters(kind: type) -> Mapping[str, TypeAdapter[Any]]:
    config = ConfigDict(strict=True, arbitrary_types_allowed=True)
    hints = get_type_hints(kind)
    fields = (field.name for field in dataclasses.fields(kind))
    return {name: TypeAdapter(hints[name], config=config) for name in fields}
