"""Takes pictures of strangers' streams by a function elsewhere, which leaves them in the store."""

from __future__ import annotations

import json
import time
from typing import Any

import structlog

from services.domain.errors import StreamkeepError, Unavailable
from services.domain.grab import At, GrabbedPicture, NoPicture, picture_of
from services.domain.keys import is_adhoc
from services.domain.ports import Function, ObjectStore

log = structlog.get_logger()

GRAB_SECONDS = 6.5
"""When the function answers at the latest: asking it, and reading what it left, take their part of the caller's 8 s."""


class GrabberFunction:
    """Asks the function, and reads the picture that it stored."""

    def __init__(self, function: Function, objects: ObjectStore) -> None:
        """Use both; their owners close them."""
        self._function = function
        self._objects = objects

    def take(self, source_url: str, at: At, width: int | None) -> GrabbedPicture:
        """Give one picture within 8 s; raise TooBusy, NoPicture or Unavailable."""
        began = time.monotonic()
        outcome = "picture"
        try:
            said = self._asked({"source_url": source_url, "at": at, "width": width, "seconds": GRAB_SECONDS})
            return picture_of(said, self._stored(said))
        except NoPicture as error:
            outcome = error.kind
            raise
        except StreamkeepError as error:
            outcome = type(error).__name__
            raise
        finally:
            log.info("picture_asked_for", outcome=outcome, seconds=round(time.monotonic() - began, 3))

    def _asked(self, order: dict[str, Any]) -> dict[str, Any]:
        try:
            said = json.loads(self._function.call(json.dumps(order).encode()))
        except ValueError as error:
            raise Unavailable(
                "No picture can be taken: the function for it gave no answer that can be read."
            ) from error
        return said if isinstance(said, dict) else {}

    def _stored(self, said: dict[str, Any]) -> bytes:
        key = said.get("key")
        return self._objects.read(key).body if isinstance(key, str) and is_adhoc(key) else b""
