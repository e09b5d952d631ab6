"""Which times are missing, at the end of a part and between two, and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from services.domain.manifest import Gap, Part
from services.domain.session import Publisher

WORTH_A_GAP = timedelta(seconds=0.5)
"""The outputs of a run that is killed end together but for this: then the part ends with the first of them."""

WORTH_TELLING = timedelta(seconds=0.02)
"""Less than a frame: two clocks' roundings of one time."""


def cut_off(ends: Mapping[str, datetime], cause: str) -> tuple[datetime, list[Gap]]:
    """Give when a part ended that was cut off, by until when each output has something, and the gaps of the shorter."""
    first, last = min(ends.values()), max(ends.values())
    if last - first <= WORTH_A_GAP:
        return first, []
    return last, [
        Gap(started_at=end, ended_at=last, outputs=(output,), cause=cause) for output, end in ends.items() if end < last
    ]


def missing_before(
    part: Part,
    previous_end: datetime | None,
    publisher: Publisher | None,
    outputs: tuple[str, ...],
    *,
    cause: str,
    unheard: str | None = None,
    left_at: datetime | None = None,
) -> list[Gap]:
    """Give the gaps between the last part and this one, or between the publisher's acceptance and the first part.

    `cause` is why a publisher who stayed was not captured, `unheard` why one who came was not at first: None if it was,
    unless the worker did not listen yet; `left_at` is when the publisher before it left. Where a stream ended for
    ffmpeg and its publisher is still there, it could not be read. No gap goes on beyond the part's beginning: the
    publisher's time is of another clock, which may have been set since.
    """
    if publisher is not None and not publisher.listening:
        unheard = unheard or "not_listening"
    unheard_since = None if publisher is None or unheard is None else publisher.accepted_at
    if previous_end is None:
        missing = [(unheard_since, part.started_at, unheard)]
    elif publisher is None or publisher.accepted_at <= previous_end:
        is_same = publisher is not None and cause == "publisher_away"
        missing = [(previous_end, part.started_at, "undecodable" if is_same else cause)]
    else:
        # Who came before may have stayed on when the last part had been cut off.
        away = max(previous_end, left_at) if left_at is not None and cause != "publisher_away" else previous_end
        away = min(away, publisher.accepted_at, part.started_at)
        missing = [
            (previous_end, away, cause),
            (away, min(unheard_since or part.started_at, part.started_at), "publisher_away"),
            (unheard_since, part.started_at, unheard),
        ]
    return [
        Gap(started_at=began, ended_at=ended, outputs=outputs, cause=why)
        for began, ended, why in missing
        if began is not None and why is not None and ended > began
    ]


def before_going_on(
    ends: Mapping[str, datetime], begins: Mapping[str, datetime], outputs: tuple[str, ...], cause: str
) -> tuple[datetime, list[Gap]]:
    """Give when a part ended whose outputs end each by itself, and what is missing until each goes on at `begins`."""
    begin, last = min(begins.values()), max(ends.values())
    missing = [(outputs, last, begin)]
    for output, end in ends.items():
        goes_on = begins.get(output, begin)
        spans = [(end, last), (begin, goes_on)] if begin > last else [(end, goes_on)]
        missing += [((output,), since, until) for since, until in spans]
    return min(begin, last), [
        Gap(started_at=since, ended_at=until, outputs=named, cause=cause)
        for named, since, until in missing
        if until - since > WORTH_TELLING
    ]
