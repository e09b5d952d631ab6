"""Routes of dead letters: events that a sink did not take."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, StrictStr

from services.domain import times
from services.domain.errors import ChannelNotFound, InvalidInput, LetterNotFound
from services.domain.event import envelope
from services.domain.outbox import DeadLetter
from services.domain.ports import Position
from services.domain.webhook import Webhook
from services.metadata import cursor
from services.metadata.channel_changes import find
from services.metadata.cursor import LIMIT_DEFAULT, CursorText, Limit
from services.metadata.json_body import JsonObject, json_object
from services.metadata.model_body import validated
from services.metadata.request_schemas import body_of
from services.metadata.wiring import Wired, Wiring

router = APIRouter(prefix="/dead-letters", tags=["events"])

PAGE = 500  # letters changed between two looks for more

SinkName = Annotated[str | None, Query(max_length=200, description="Only those of the sink of this name")]


class LetterAnswer(BaseModel):
    """An event that a sink did not take."""

    id: str
    sink: str
    channel_id: str
    session_id: str | None
    event: dict[str, Any] = Field(description="What would be sent again, without labels and links (CloudEvents 1.0)")
    error: str = Field(description="What was wrong at the last try")
    tries: int
    at: str = Field(description="When it was given up; RFC 3339, UTC, milliseconds")
    replaying: bool = Field(description="Whether it waits to be offered once more")


class LetterList(BaseModel):
    """A page of letters, newest first."""

    items: list[LetterAnswer]
    next: str | None = Field(description="The cursor of the next page")


class ReplayOrder(BaseModel):
    """Which letters shall be offered once more."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sink: StrictStr = Field(max_length=200, title="Sink", description="All letters of the sink of this name.")


class ReplayAnswer(BaseModel):
    """How many letters will be offered once more."""

    replaying: int


def _view(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "sink": letter.sink,
        "channel_id": letter.event.channel_id,
        "session_id": letter.event.session_id,
        "event": envelope(letter.event),
        "error": letter.error,
        "tries": letter.tries,
        "at": times.text(letter.at),
        "replaying": letter.replaying,
    }


def _found(wiring: Wiring, letter_id: str) -> DeadLetter:
    letter = wiring.outbox.letter(letter_id)
    if letter is None:
        raise LetterNotFound
    return letter


def _is_known(wiring: Wiring, sink: str) -> bool:
    """Say whether the deployment or the channel that the name begins with has this sink, or had: letters stay."""
    if sink in wiring.sink_names or wiring.outbox.letters(1, sink=sink):
        return True
    channel_id = sink.partition(".")[0]
    try:
        named = find(wiring, channel_id).sinks or ()
    except ChannelNotFound:
        return False
    return any(isinstance(each, Webhook) and each.name(channel_id) == sink for each in named)


def _place_of(letter: DeadLetter) -> Position:
    return Position(at=letter.at, id=letter.id)


@router.get("", response_model=LetterList, summary="List events that a sink did not take")
def list_letters(
    wiring: Wired, sink: SinkName = None, limit: Limit = LIMIT_DEFAULT, spelled: CursorText = None
) -> dict[str, Any]:
    """Give dead letters, newest first."""
    after = next(iter(cursor.decode(spelled)), None)
    letters = wiring.outbox.letters(limit + 1, sink=sink, after=after)
    shown = letters[:limit]
    return {
        "items": [_view(letter) for letter in shown],
        "next": cursor.encode(_place_of(shown[-1])) if len(letters) > limit else None,
    }


@router.post(
    "/replay",
    status_code=HTTPStatus.ACCEPTED,
    response_model=ReplayAnswer,
    summary="Offer all letters of a sink once more",
    openapi_extra=body_of("ReplayOrder"),
)
def replay_all(wiring: Wired, body: Annotated[JsonObject, Depends(json_object())]) -> dict[str, Any]:
    """Mark every letter of a sink; the dispatcher offers them, and those that are not taken stay."""
    order = validated(ReplayOrder, body)
    if not _is_known(wiring, order.sink):
        raise InvalidInput("sink", "there is no sink of this name, and no letter of one; see `sink` in the list")
    after: Position | None = None
    count = 0
    while page := wiring.outbox.letters(PAGE, sink=order.sink, after=after):
        for letter in page:
            wiring.outbox.bury(replace(letter, replaying=True))
        count += len(page)
        after = _place_of(page[-1])
    return {"replaying": count}


@router.get("/{letter_id}", response_model=LetterAnswer, summary="Read a dead letter")
def read_letter(wiring: Wired, letter_id: str) -> dict[str, Any]:
    """Give one letter."""
    return _view(_found(wiring, letter_id))


@router.post(
    "/{letter_id}/replay",
    status_code=HTTPStatus.ACCEPTED,
    response_model=LetterAnswer,
    summary="Offer an event once more",
)
def replay(wiring: Wired, letter_id: str) -> dict[str, Any]:
    """Mark the letter; the dispatcher offers it, and it stays if it is not taken."""
    letter = replace(_found(wiring, letter_id), replaying=True)
    wiring.outbox.bury(letter)
    return _view(letter)


@router.delete("/{letter_id}", status_code=HTTPStatus.NO_CONTENT, summary="Forget a dead letter")
def forget_letter(wiring: Wired, letter_id: str) -> None:
    """Give the event up for good."""
    _found(wiring, letter_id)
    wiring.outbox.unbury(letter_id)
