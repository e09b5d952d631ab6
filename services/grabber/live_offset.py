"""Where in a live stream a picture is taken: it has no past, so one can only wait."""

from __future__ import annotations

import random

from services.domain.errors import InvalidInput
from services.domain.grab import At

WAIT_MAX = 4.0  # seconds
RANDOM_WAIT = 2.0


def live_offset(at: At) -> float:
    """Give how long after the first picture the wanted one comes; raise InvalidInput."""
    if at == "random":
        return random.SystemRandom().uniform(0, RANDOM_WAIT)
    if at is not None and at > WAIT_MAX:
        raise InvalidInput("at", f"a live source has no past: at most {WAIT_MAX:g}, the seconds to wait")
    return at or 0.0
