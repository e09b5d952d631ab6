"""Waits for what a test expects, with a hard deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

_Found = TypeVar("_Found")

_TICK = threading.Event()  # never set: its wait is the pause between two looks


def eventually(look: Callable[[], _Found | None], *, within: float = 10.0, what: str) -> _Found:
    """Give the first truthy answer of `look`; fail with `what` after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {within:g} s: {what}"
        _TICK.wait(0.02)
