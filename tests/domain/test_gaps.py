"""What is declared missing before a part, in seconds after NOW."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.gaps import before_going_on, cut_off, missing_before
from services.domain.manifest import Gap, Part
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
        (10, 20, False, 19.9, [(10, 19.9, "publisher_away")]),
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
        cause="ffmpeg_lost",
    )

    assert [(gap.started_at, gap.ended_at, gap.cause) for gap in found] == [
        (at(began), at(ended), cause) for began, ended, cause in gaps
    ]
    assert all(gap.outputs == OUTPUTS for gap in found)


def test_a_stream_that_ended_for_ffmpeg_while_its_publisher_stayed_could_not_be_read() -> None:
    found = missing_before(
        Part(number=1, started_at=at(13)), at(10), a_publisher(accepted_at=at(0)), OUTPUTS, cause="publisher_away"
    )

    assert [gap.cause for gap in found] == ["undecodable"]


@pytest.mark.parametrize("listening", [False, True])
def test_what_a_publisher_sent_while_ffmpeg_was_dead_is_a_gap_of_its_own(listening: bool) -> None:  # noqa: FBT001 - the case
    back = a_publisher(accepted_at=at(20), listening=listening)
    found = missing_before(
        Part(number=1, started_at=at(23)), at(10), back, OUTPUTS, cause="publisher_away", unheard="ffmpeg_lost"
    )

    assert [(gap.started_at, gap.ended_at, gap.cause) for gap in found] == [
        (at(10), at(20), "publisher_away"),
        (at(20), at(23), "ffmpeg_lost"),
    ]


@given(
    lengths=st.lists(st.tuples(st.integers(0, 300), st.integers(1, 300)), min_size=1, max_size=20),
    publishers=st.lists(st.tuples(st.integers(-50, 50), st.booleans(), st.booleans()), min_size=20, max_size=20),
    departures=st.lists(st.integers(-100, 400) | st.none(), min_size=20, max_size=20),
    causes=st.lists(st.sampled_from(["publisher_away", "ffmpeg_lost", "worker_lost"]), min_size=20, max_size=20),
)
def test_parts_and_gaps_cover_a_broadcast_and_never_overlap(
    lengths: list[tuple[int, int]],
    publishers: list[tuple[int, bool, bool]],
    departures: list[int | None],
    causes: list[str],
) -> None:
    """Whenever a publisher was accepted, before or after the last part ended, and whether or not it was heard."""
    end, covered = None, []
    for number, (away, length) in enumerate(lengths):
        began = (end or NOW) + timedelta(seconds=away)
        shift, listening, missed = publishers[number]
        publisher = a_publisher(accepted_at=(end or NOW) + timedelta(seconds=shift), listening=listening)
        gaps = missing_before(
            Part(number=number, started_at=began),
            end,
            publisher,
            OUTPUTS,
            cause=causes[number],
            unheard="ffmpeg_lost" if missed else None,
            left_at=None if (left := departures[number]) is None else (end or NOW) + timedelta(seconds=left),
        )
        covered += [(gap.started_at, gap.ended_at) for gap in gaps]
        end = began + timedelta(seconds=length)
        covered.append((began, end))

    assert all(before[1] == after[0] for before, after in pairwise(covered)), "nothing twice and nothing unsaid"


def test_a_publisher_who_stayed_after_a_kill_and_then_left_was_away_only_since_then() -> None:
    found = missing_before(
        Part(number=1, started_at=at(20.5)),
        at(10),
        a_publisher(accepted_at=at(20), listening=True),
        OUTPUTS,
        cause="worker_lost",
        left_at=at(12),
    )

    assert [(gap.started_at, gap.ended_at, gap.cause) for gap in found] == [
        (at(10), at(12), "worker_lost"),
        (at(12), at(20.5), "publisher_away"),
    ]


def test_a_part_whose_outputs_were_cut_off_together_ends_with_the_first_of_them() -> None:
    assert cut_off({"recordings": at(9.6), "hls": at(10)}, "ffmpeg_lost") == (at(9.6), [])


def test_a_part_that_was_cut_off_ends_with_its_longest_output_and_says_what_the_others_lack() -> None:
    ended_at, gaps = cut_off({"recordings": at(8), "hls": at(10)}, "ffmpeg_lost")

    assert ended_at == at(10)
    assert gaps == [Gap(started_at=at(8), ended_at=at(10), outputs=("recordings",), cause="ffmpeg_lost")]


@pytest.mark.parametrize(
    ("ends", "begins", "ended", "gaps"),
    [
        # each goes on before it ends: it is cut there
        ({"recordings": 8, "hls": 10}, {"recordings": 8, "hls": 10}, 8, []),
        ({"recordings": 9.4, "hls": 10.2}, {"recordings": 8, "hls": 10}, 8, []),
        # what is gone for one of them alone
        ({"recordings": 1, "hls": 10}, {"recordings": 6, "hls": 10}, 6, [(1, 6, ("recordings",))]),
        # both go on later
        (
            {"recordings": 8, "hls": 10},
            {"recordings": 12, "hls": 12},
            10,
            [(10, 12, ("snapshots", "hls")), (8, 10, ("recordings",))],
        ),
    ],
)
def test_between_two_parts_that_are_joined_only_that_is_missing_which_no_output_has(
    ends: dict[str, float],
    begins: dict[str, float],
    ended: float,
    gaps: list[tuple[float, float, tuple[str, ...]]],
) -> None:
    ended_at, found = before_going_on(
        {output: at(end) for output, end in ends.items()},
        {output: at(begin) for output, begin in begins.items()},
        OUTPUTS,
        "worker_lost",
    )

    assert ended_at == at(ended)
    told = [(gap.started_at, gap.ended_at, gap.outputs, gap.cause) for gap in found]
    assert told == [(at(since), at(until), outputs, "worker_lost") for since, until, outputs in gaps]
