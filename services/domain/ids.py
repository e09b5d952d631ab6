"""What an id may look like: it becomes a path, a key and a stream name, so the alphabet is small."""

from __future__ import annotations

import re

from services.domain.errors import InvalidInput

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def is_id(value: str) -> bool:
    """Say whether `value` can be an id: 1 to 64 of letters, digits, `_` and `-`."""
    return _ID.fullmatch(value) is not None


def require_id(field: str, value: str) -> str:
    """Give `value` back if it can be an id, else raise InvalidInput naming `field`."""
    if not is_id(value):
        raise InvalidInput(field, "an id is 1 to 64 letters, digits, _ and -")
    return value


def pull_id(channel_id: str) -> str:
    """Give the name of the lease of who fetches a channel's source; no session has it for an id."""
    return f"pull-{channel_id}"


def launch_id(session_id: str) -> str:
    """Give the name of the lease of who is starting a worker for a session; no session has it for an id."""
    return f"launch-{session_id}"
