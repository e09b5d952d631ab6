"""Waits for what a test expects, with a hard deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

_TICK = threading.Event()  # never set: its wait is the pause between two looks


def eventually(look: Callable[[], Found | None], *, within: float, what: str) -> Found:
    """Give the first truthy answer of `look`; fail with `what` after `within` seconds."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        _TICK.wait(0.05)
    raise AssertionError(f"not within {within:g} s: {what}")
