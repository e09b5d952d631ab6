from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

import m3u8
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain import playlist
from services.domain.channel import HLS_TIME
from services.domain.playlist import Segment
from tests.examples import NOW

HLS_TIMES = st.floats(HLS_TIME.low, HLS_TIME.high)


def segments(lengths: list[float], new_parts: list[int] | None = None, *, first: int = 0) -> list[Segment]:
    """Give consecutive segments; `new_parts` says how many parts began since the one before."""
    made = []
    moment, discontinuity = NOW, 5
    for index, seconds in enumerate(lengths):
        discontinuity += new_parts[index] if new_parts else 0
        made.append(
            Segment(
                uri=f"session/{first + index:09d}.ts",
                seconds=seconds,
                program_date_time=moment,
                media_sequence=first + index,
                discontinuity_sequence=discontinuity,
            )
        )
        moment += timedelta(seconds=seconds)
    return made


def test_a_live_playlist_is_spelled_after_the_rfc() -> None:
    text = playlist.render(segments([2.0, 1.96], [0, 1], first=7), target=3, ended=False, whole=False)

    assert text.splitlines() == [
        "#EXTM3U",
        "#EXT-X-VERSION:3",
        "#EXT-X-TARGETDURATION:3",
        "#EXT-X-MEDIA-SEQUENCE:7",
        "#EXT-X-DISCONTINUITY-SEQUENCE:5",
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-20T10:00:00.000Z",
        "#EXTINF:2.000,",
        "session/000000007.ts",
        "#EXT-X-DISCONTINUITY",
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-20T10:00:02.000Z",
        "#EXTINF:1.960,",
        "session/000000008.ts",
    ]


def test_another_reader_finds_what_was_written() -> None:
    written = segments([2.0, 3.5, 1.25], first=7)

    read = m3u8.loads(playlist.render(written, target=4, ended=False, whole=False))

    assert (read.media_sequence, read.target_duration, read.is_endlist) == (7, 4, False)
    assert [(segment.uri, segment.duration, segment.program_date_time) for segment in read.segments] == [
        (segment.uri, segment.seconds, segment.program_date_time) for segment in written
    ]


@pytest.mark.parametrize("ended", [True, False])
def test_only_an_ended_playlist_has_an_end(ended: bool) -> None:  # noqa: FBT001 - the case
    text = playlist.render(segments([2.0]), target=3, ended=ended, whole=False)

    assert m3u8.loads(text).is_endlist is ended
    assert text.endswith("#EXT-X-ENDLIST\n") is ended


def test_a_whole_playlist_says_that_it_only_grows() -> None:
    assert m3u8.loads(playlist.render(segments([2.0]), target=3, ended=True, whole=True)).playlist_type == "event"
    assert m3u8.loads(playlist.render(segments([2.0]), target=3, ended=True, whole=False)).playlist_type is None


def test_a_playlist_without_segments_goes_on_where_the_last_one_stopped() -> None:
    read = m3u8.loads(playlist.render([], target=3, ended=True, whole=False, sequence=(42, 6)))

    assert (read.media_sequence, read.discontinuity_sequence, list(read.segments)) == (42, 6, [])


@given(HLS_TIMES, st.floats(0.001, playlist.LONGEST_GOP_SECONDS), st.lists(st.floats(0, 1), max_size=20))
def test_no_segment_that_may_ship_exceeds_the_target_duration(
    hls_time: float, first_seconds: float, fractions: list[float]
) -> None:
    target = playlist.target_duration(hls_time, first_seconds)
    lengths = [first_seconds, playlist.longest(target), *(part * playlist.longest(target) for part in fractions)]

    text = playlist.render(segments(lengths), target=target, ended=False, whole=False)

    spelled = [Decimal(line[8:-1]) for line in text.splitlines() if line.startswith("#EXTINF:")]
    assert all(seconds.to_integral_value(ROUND_HALF_UP) <= target for seconds in spelled)


@given(HLS_TIMES, st.floats(0.001, playlist.LONGEST_GOP_SECONDS))
def test_the_first_segment_may_ship_and_half_as_much_again_as_was_asked_for(
    hls_time: float, first_seconds: float
) -> None:
    longest = playlist.longest(playlist.target_duration(hls_time, first_seconds))

    assert longest >= first_seconds
    assert longest >= 1.5 * hls_time


def numbers(text: str) -> dict[str, tuple[int, int]]:
    """Give each segment's media and discontinuity sequence as a player counts them (RFC 8216, 6.2.1)."""
    read = m3u8.loads(text)
    media, discontinuity = read.media_sequence or 0, read.discontinuity_sequence or 0
    counted = {}
    for line in text.splitlines():
        if line == "#EXT-X-DISCONTINUITY":
            discontinuity += 1
        elif not line.startswith("#"):
            counted[line] = (media, discontinuity)
            media += 1
    return counted


@given(st.lists(st.integers(0, 2), min_size=1, max_size=30), st.integers(1, 8))
def test_a_segment_keeps_its_numbers_while_the_window_slides_even_over_parts_without_segments(
    new_parts: list[int], window: int
) -> None:
    whole = segments([2.0] * len(new_parts), new_parts)
    truth = {segment.uri: (segment.media_sequence, segment.discontinuity_sequence) for segment in whole}

    for end in range(1, len(whole) + 1):
        shown = whole[max(0, end - window) : end]
        text = playlist.render(shown, target=3, ended=False, whole=False)

        assert numbers(text) == {segment.uri: truth[segment.uri] for segment in shown}
