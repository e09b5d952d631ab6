"""Cursors: where a list goes on, as opaque text."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated

from fastapi import Query

from services.domain import times
from services.domain.errors import InvalidInput
from services.domain.ports import Position

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="The most items an answer holds")]
CursorText = Annotated[str | None, Query(alias="cursor", description="The `next` of the page before")]


def encode(*positions: Position) -> str:
    """Give positions as a cursor."""
    parts = [text for position in positions for text in (times.text(position.at), position.id)]
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(spelled: str | None, *, most: int = 1) -> tuple[Position, ...]:
    """Read a cursor of one to `most` positions (none if there is no cursor); raise InvalidInput naming `cursor`."""
    if spelled is None:
        return ()
    try:
        parts = json.loads(base64.b64decode(spelled + "=" * (-len(spelled) % 4), altchars=b"-_", validate=True))
        if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
            raise ValueError  # noqa: TRY301 - translated below with the rest
        texts = iter(parts)
        positions = tuple(Position(at=times.parse(at), id=name) for at, name in zip(texts, texts, strict=True))
    except (ValueError, OverflowError, RecursionError, binascii.Error):
        raise _malformed() from None
    if not 1 <= len(positions) <= most:
        raise _malformed()
    return positions


def _malformed() -> InvalidInput:
    return InvalidInput("cursor", "is not one that a list gave; begin again without it")
