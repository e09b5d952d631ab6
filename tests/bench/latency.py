"""How long answers took, as percentiles."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

_Answer = TypeVar("_Answer")

HEAD = ("call", "answers", "p50 ms", "p95 ms", "p99 ms", "longest", "")


def timed(call: Callable[[], _Answer]) -> tuple[float, _Answer]:
    """Give the seconds that a call took, and its answer."""
    began = time.perf_counter()
    answer = call()
    return time.perf_counter() - began, answer


def percentile(seconds: Sequence[float], share: float) -> float:
    """Give the value that `share` of all do not exceed (nearest rank)."""
    ordered = sorted(seconds)
    return ordered[max(0, -(-len(ordered) * round(share * 100) // 100) - 1)]


def row(name: str, seconds: Sequence[float], bound: str = "") -> tuple[str, ...]:
    """Give a line of a table."""
    figures = [percentile(seconds, share) for share in (0.5, 0.95, 0.99, 1)]
    return (name, str(len(seconds)), *(f"{each * 1000:.1f}" for each in figures), bound)
