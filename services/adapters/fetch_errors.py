"""Why something could not be fetched from an address that came from outside; no message holds any part of the address.

FetchFailed         it cannot be read
    BadAnswer       it answered with an HTTP status that is no success
    TooLarge        it is more than is taken
    TooSlow         it was not over by the deadline
"""

from __future__ import annotations

from services.domain.errors import StreamkeepError


class FetchFailed(StreamkeepError):
    """It cannot be read."""


class BadAnswer(FetchFailed):
    """It answered with a status that is no success."""

    def __init__(self, status: int) -> None:
        """`status` is HTTP's."""
        super().__init__(f"it answered with status {status}")
        self.status = status


class TooLarge(FetchFailed):
    """It is larger than is taken."""


class TooSlow(FetchFailed):
    """It was not over in time."""
