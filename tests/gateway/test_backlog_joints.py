from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from services.domain.flv import SOUND, VIDEO, Tag
from services.gateway.backlog.joints import step_between
from services.gateway.backlog.outline import Outline

NO_CLOCK = 123_456.0
"""An elapsed time that no joint has: who uses it is found out."""


def track(kind: int, times: list[int]) -> list[Tag]:
    return [Tag(0, kind, each, 100, b"\x27\x01\x00\x00") for each in times]


def outlines(
    sound: list[int], video: list[int], cut: int, *, sound_frame: float | None = None
) -> tuple[Outline, Outline]:
    """Cut a stream as the recorder does: at the keyframe at `cut`, each file's times from its first packet on."""
    tags = sorted((*track(VIDEO, video), *track(SOUND, sound)), key=lambda each: each.timestamp)
    sides = [each for each in tags if each.timestamp < cut], [each for each in tags if each.timestamp >= cut]
    files = []
    for side in sides:
        epoch = side[0].timestamp
        rest = [Tag(0, each.kind, each.timestamp - epoch, each.size, each.peek) for each in side]
        files.append(Outline(whole_bytes=0, head=rest[:96], tail=rest[-192:], sound_frame=sound_frame))
    return files[0], files[1]


@given(
    rate=st.sampled_from([48_000, 44_100, 32_000]),
    begins=st.integers(0, 2000),
    frames=st.sampled_from([24, 25, 29.97, 30, 50, 60]),
    drift=st.floats(0, 25),
)
@example(rate=44_100, begins=0, frames=30, drift=0.0)
def test_where_sound_goes_on_the_step_is_exact_to_a_millisecond(
    rate: int, begins: int, frames: float, drift: float
) -> None:
    video = [begins + int(number * 1000 / frames) for number in range(600)]
    sound = [begins + int(drift + number * 1024_000 / rate) for number in range(600)]
    cut = video[300]
    before, after = outlines(sound, video, cut, sound_frame=1024_000 / rate)

    assert abs(step_between(before, after, NO_CLOCK) - (cut - min(sound[0], video[0]))) <= 1


@given(frames=st.sampled_from([24, 25, 29.97, 30, 50, 60]), later=st.integers(1, 300))
def test_without_sound_steady_video_gives_the_step_however_little_of_the_next_file_there_is(
    frames: float, later: int
) -> None:
    video = [round(number * 1000 / frames) for number in range(300 + later)]
    before, after = outlines([], video, video[300])

    assert abs(step_between(before, after, NO_CLOCK) - video[300]) <= 1


def test_sound_that_came_late_and_was_told_as_at_the_files_beginning_does_not_mislead() -> None:
    video = [number * 40 for number in range(300)]
    sound = [number * 1024_000 // 48_000 for number in range(560)]
    assert len([each for each in sound if 5950 < each < 6000]) == 3
    before, after = outlines(sound, video, 6000)
    late = [Tag(0, SOUND, 0, 100, b"\xaf\x01\x00\x00")] * 3
    moved = Outline(whole_bytes=0, head=[after.head[0], *late, *after.head[1:]], tail=after.tail, sound_frame=None)
    shorter = [each for each in before.tail if not (each.kind == SOUND and each.timestamp > 5950)]
    early = Outline(whole_bytes=0, head=before.head, tail=shorter, sound_frame=1024 / 48)

    assert abs(step_between(early, moved, NO_CLOCK) - 6000) <= 1


def test_where_nothing_is_steady_the_clock_counts_and_video_never_goes_back() -> None:
    video = [number * 40 + (number * number * 7919) % 37 for number in range(300)]
    before, after = outlines([], video, video[150])

    assert step_between(before, after, 6012.4) == 6012
    assert step_between(before, after, 10.0) == before.tail[-1].timestamp


def test_a_frame_that_the_encoder_left_out_at_the_joint_is_seen_by_the_sound() -> None:
    video = [number * 40 for number in range(300) if number not in range(145, 150)]
    sound = [number * 1024_000 // 48_000 for number in range(560)]
    before, after = outlines(sound, video, 6000, sound_frame=1024 / 48)

    assert abs(step_between(before, after, NO_CLOCK) - 6000) <= 1
