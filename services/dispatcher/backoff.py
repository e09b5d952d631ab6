"""How long to wait between two tries."""

from __future__ import annotations

import random

FIRST_SECONDS = 0.2
MOST_SECONDS = 30.0
_DOUBLINGS = 10  # past which it grows no more


def delay(failures: int) -> float:
    """Give the seconds to wait after so many failures in a row (from 1), spread so that not all try at once."""
    full = min(MOST_SECONDS, FIRST_SECONDS * 2.0 ** min(failures - 1, _DOUBLINGS))
    return full * random.uniform(0.75, 1.0)  # noqa: S311 - a spread, no secret
