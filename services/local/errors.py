"""Why the stack cannot start or go on; the message says what to do."""

from __future__ import annotations

from services.domain.errors import StreamkeepError


class CannotStart(StreamkeepError):
    """Something on this machine must be mended first."""
