"""Which times between two parts are missing, and why."""

from __future__ import annotations

from datetime import datetime

from services.domain.manifest import Gap, Part
from services.domain.session import Publisher


def missing_before(
    part: Part, previous_end: datetime | None, publisher: Publisher | None, outputs: tuple[str, ...], cause: str
) -> list[Gap]:
    """Give the gaps between the last part and this one, or between the publisher's acceptance and the first part.

    What a publisher sent before the worker listened is a gap of its own; `cause` is why a publisher who stayed
    was not captured.
    """
    unheard_since = publisher.accepted_at if publisher is not None and not publisher.listening else None
    if previous_end is None:
        missing = [(unheard_since, part.started_at, "not_listening")]
    elif publisher is None or publisher.accepted_at <= previous_end:
        missing = [(previous_end, part.started_at, cause)]
    else:
        missing = [
            (previous_end, unheard_since or part.started_at, "publisher_away"),
            (unheard_since, part.started_at, "not_listening"),
        ]
    return [
        Gap(started_at=began, ended_at=ended, outputs=outputs, cause=why)
        for began, ended, why in missing
        if began is not None and ended > began
    ]
