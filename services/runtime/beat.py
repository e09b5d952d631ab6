"""The beat that what this process looks at again and again shares, so that it wakes once for all of it."""

from __future__ import annotations

import asyncio
import random

_PHASE = random.random()  # noqa: S311 - so that the workers of one machine do not ask state all at once


def until_beat(seconds: float) -> float:
    """Give the time until the next beat of those that come each `seconds`: at most so much, on average half of it."""
    return seconds - (asyncio.get_running_loop().time() + _PHASE) % seconds
