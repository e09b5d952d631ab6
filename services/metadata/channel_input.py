"""A caller's body as changes to a channel: every field that cannot be used is named, in the caller's spelling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from services.domain import retention
from services.domain.channel import DEFAULT_LIFE_YEARS
from services.domain.webhook import sinks_from_record
from services.metadata.channel_fields import ChannelFields
from services.metadata.json_body import JsonObject
from services.metadata.model_body import problems
from services.metadata.problem import FieldProblem, Problem, field_problem
from services.metadata.spellings import CURRENT_OF, NOT_BUILT, READ_ONLY, is_off


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a caller sent: `fields` under current names, `not_built` as spelled."""

    fields: ChannelFields
    not_built: Mapping[str, Any] = field(default_factory=dict)

    def sent(self, now: datetime) -> dict[str, Any]:
        """Give what was sent, as fields of the channel's record."""
        return self._record(self.fields.model_dump(exclude_unset=True), now)

    def whole(self, now: datetime) -> dict[str, Any]:
        """Give all fields of the channel's record, with the default of each that was left out."""
        return self._record(self.fields.model_dump(), now)

    @staticmethod
    def _record(fields: dict[str, Any], now: datetime) -> dict[str, Any]:
        if fields.get("outdate", now) is None:
            fields["outdate"] = ten_years_from(now)
        if "sinks" in fields:
            fields["sinks"] = sinks_from_record(fields["sinks"])
        if "retention" in fields:
            fields["retention"] = retention.from_record(fields["retention"])
        return fields


def ten_years_from(now: datetime) -> datetime:
    """Give the expiry of a channel that names none, in whole seconds."""
    now = now.astimezone(UTC).replace(microsecond=0)
    try:
        return now.replace(year=now.year + DEFAULT_LIFE_YEARS)
    except ValueError:  # the 29th of February
        return now.replace(year=now.year + DEFAULT_LIFE_YEARS, day=28)


def read(body: JsonObject) -> Given:
    """Read a body of `/channels`; a field whose feature is not built may only be switched off."""
    not_built = {name: value for name, value in body.items() if name in NOT_BUILT}
    errors = [
        field_problem(name, "is not built yet; leave it out or switch it off")
        for name, value in not_built.items()
        if not is_off(value)
    ]
    return _read({name: value for name, value in body.items() if name not in not_built}, not_built, errors)


def read_older(body: JsonObject) -> Given:
    """Read a body of `/videostream`: what is not built is kept, what only answers hold is ignored."""
    not_built = {name: value for name, value in body.items() if name in NOT_BUILT}
    rest = {name: value for name, value in body.items() if name not in not_built and name not in READ_ONLY}
    return _read(rest, not_built, [])


def _read(body: JsonObject, not_built: Mapping[str, Any], errors: list[FieldProblem]) -> Given:
    spelled: dict[str, str] = {}
    current: dict[str, Any] = {}
    for name, value in body.items():
        known = CURRENT_OF.get(name, name)
        if known in READ_ONLY:
            errors.append(field_problem(name, "is set by the service; leave it out"))
            continue
        if known in spelled:
            errors.append(field_problem(name, f"is the same field as {spelled[known]}; send one of them"))
            continue
        spelled[known] = name
        current[known] = value
    fields: ChannelFields | None = None
    try:
        fields = ChannelFields.model_validate(current)
    except ValidationError as error:
        errors.extend(problems(error, spelled))
    if errors or fields is None:
        raise Problem.invalid(errors)
    return Given(fields=fields, not_built=not_built)
