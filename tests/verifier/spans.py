"""Arithmetic of spans of time, each a begin and an end in seconds."""

from __future__ import annotations

from collections.abc import Iterable

Interval = tuple[float, float]


def union(spans: Iterable[Interval]) -> list[Interval]:
    """Join spans that touch or overlap."""
    joined: list[Interval] = []
    for start, end in sorted(span for span in spans if span[1] > span[0]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def holes(within: Interval, spans: Iterable[Interval]) -> list[Interval]:
    """Give what of `within` no span covers."""
    at, found = within[0], []
    for start, end in union(spans):
        if start >= within[1]:
            break
        if start > at:
            found.append((at, start))
        at = max(at, end)
    if at < within[1]:
        found.append((at, within[1]))
    return found


def inside(moment: float, spans: Iterable[tuple[float, float, str]], slack: float) -> str | None:
    """Give the cause of the span that holds a moment, or is at most `slack` seconds from it; the nearest if many."""
    near = [
        (max(start - moment, moment - end, 0.0), cause)
        for start, end, cause in spans
        if start - slack <= moment <= end + slack
    ]
    return min(near)[1] if near else None
