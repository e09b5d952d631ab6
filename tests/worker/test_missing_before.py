"""What is declared missing before a part, in seconds after NOW."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from services.domain.manifest import Part
from services.worker.gaps import missing_before
from tests.examples import NOW, a_publisher

OUTPUTS = ("snapshots", "hls")


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("previous_end", "accepted", "listening", "part", "gaps"),
    [
        # the first part of a session
        (None, 0, True, 0.5, []),
        (None, 0, False, 2, [(0, 2, "not_listening")]),
        (None, 0, False, -0.1, []),
        (None, None, False, 2, []),
        # a publisher who stayed
        (10, 0, True, 13, [(10, 13, "ffmpeg_lost")]),
        (10, 0, False, 13, [(10, 13, "ffmpeg_lost")]),
        (10, 10, True, 13, [(10, 13, "ffmpeg_lost")]),
        (10, 0, True, 10, []),
        (10, 0, True, 9.9, []),
        (10, None, False, 13, [(10, 13, "ffmpeg_lost")]),
        # a publisher who came back
        (10, 20, True, 20.5, [(10, 20.5, "publisher_away")]),
        (10, 20, False, 22, [(10, 20, "publisher_away"), (20, 22, "not_listening")]),
        (10, 20, False, 19.9, [(10, 20, "publisher_away")]),
    ],
)
def test_what_is_missing_is_declared_with_its_cause(
    previous_end: float | None,
    accepted: float | None,
    *,
    listening: bool,
    part: float,
    gaps: list[tuple[float, float, str]],
) -> None:
    publisher = None if accepted is None else a_publisher(accepted_at=at(accepted), listening=listening)
    found = missing_before(
        Part(number=1, started_at=at(part)),
        None if previous_end is None else at(previous_end),
        publisher,
        OUTPUTS,
        "ffmpeg_lost",
    )

    assert [(gap.started_at, gap.ended_at, gap.cause) for gap in found] == [
        (at(began), at(ended), cause) for began, ended, cause in gaps
    ]
    assert all(gap.outputs == OUTPUTS for gap in found)
