"""The sink port: where events are sent to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from services.domain.event import Event


class Sink(Protocol):
    """Takes one subscriber's events; for many threads."""

    def send(self, event: Event, body: bytes) -> None:
        """Hand over an event whose envelope is `body`, within the sink's own deadline.

        Raise SinkUnavailable if it should be tried again (it may have arrived all the same), SinkRefused if it will
        not be taken.
        """
        ...

    def close(self) -> None:
        """Let go of what is held open."""
        ...


def body_of(envelope: Mapping[str, Any]) -> bytes:
    """Give an envelope's text, the same bytes for every sink: one line, in letters that each of them may carry."""
    return json.dumps(envelope, separators=(",", ":")).encode()
