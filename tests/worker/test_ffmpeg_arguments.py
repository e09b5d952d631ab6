from __future__ import annotations

from pathlib import Path

import pytest

from services.domain.capture import MediaPlan
from services.worker.capture import ffmpeg_arguments
from services.worker.capture.ffmpeg_arguments import Tap
from services.worker.pictures import tail_files

SOURCE = "rtmp://127.0.0.1:1935/stream/camera?session=s&token=a b;$(id)'\""
FOLDER = Path("/spool/a folder")
LISTS = {"recording": 7, "segment": 9}


def argv(recording: float | None = 60, segment: float | None = 2, tap: Tap = Tap.KEYFRAMES) -> list[str]:
    plan = MediaPlan(recording_seconds=recording, segment_seconds=segment)
    return ffmpeg_arguments.capture(SOURCE, plan, FOLDER, tap=tap, lists=LISTS)


def value(arguments: list[str], option: str) -> str:
    return arguments[arguments.index(option) + 1]


def test_the_source_is_one_argument_whatever_it_holds() -> None:
    assert value(argv(), "-i") == SOURCE


def test_the_token_stands_in_the_source_alone() -> None:
    assert [argument for argument in argv() if "token=" in argument] == [SOURCE]


def test_no_argument_goes_through_a_shell() -> None:
    assert not {"sh", "bash", "-c"} & {Path(argument).name for argument in argv()[:5]}
    assert argv()[:5] == ["setpriv", "--pdeathsig", "KILL", "--", "ffmpeg"]


def test_a_path_with_a_space_stays_one_argument() -> None:
    assert str(FOLDER / tail_files.SEGMENT_PATTERN) in argv()


@pytest.mark.parametrize(
    ("recording", "segment", "patterns"),
    [
        (60, 2, ["recording-%09d.mp4", "segment-%09d.ts"]),
        (60, None, ["recording-%09d.mp4"]),
        (None, 2, ["segment-%09d.ts"]),
        (None, None, []),
    ],
)
def test_an_output_is_there_when_its_plan_is(
    recording: float | None, segment: float | None, patterns: list[str]
) -> None:
    named = [Path(argument).name for argument in argv(recording, segment) if argument.startswith(str(FOLDER))]

    assert named == patterns


def test_each_list_goes_to_its_own_descriptor() -> None:
    lists = [argument for argument in argv() if argument.startswith("pipe:") and argument != "pipe:1"]

    assert lists == ["pipe:7", "pipe:9"]


def test_the_tap_is_on_standard_output_even_when_all_outputs_are_off() -> None:
    assert argv(None, None)[-1] == "pipe:1"
    assert value(argv(None, None)[argv(None, None).index("-map") :], "-f") == "nut"


def test_the_keyframe_tap_drops_what_no_picture_and_no_clock_needs() -> None:
    assert value(argv(segment=None, tap=Tap.KEYFRAMES), "-bsf:v") == r"noise=drop=not(key)*gte(n\,100)*mod(n\,11)"


def test_the_full_tap_drops_nothing() -> None:
    assert "-bsf:v" not in argv(segment=None, tap=Tap.ALL)


def test_a_stream_without_keyframes_is_taken_up_and_cut_anywhere() -> None:
    plan = MediaPlan(recording_seconds=60, segment_seconds=2, cuts_anywhere=True)
    anywhere = ffmpeg_arguments.capture(SOURCE, plan, FOLDER, tap=Tap.KEYFRAMES, lists=LISTS)

    assert anywhere.count("-break_non_keyframes") == 2
    assert anywhere.count("-copyinkf") == 3
    assert "-break_non_keyframes" not in argv()


def test_the_tap_of_sound_shows_video_that_has_come_meanwhile() -> None:
    tap = argv(None, None, tap=Tap.SOUND)

    assert [tap[at + 1] for at, argument in enumerate(tap) if argument == "-map"] == ["0:v:0?", "0:a:0"]


def test_nothing_is_encoded() -> None:
    assert {argv()[at + 1] for at, argument in enumerate(argv()) if argument == "-c"} == {"copy"}


def test_a_ring_of_the_newest_frames_wraps_and_is_listed_nowhere() -> None:
    plan = MediaPlan(recording_seconds=None, segment_seconds=None)
    ring = ffmpeg_arguments.capture(SOURCE, plan, FOLDER, tap=Tap.KEYFRAMES, lists=LISTS, ring=True)

    assert str(FOLDER / tail_files.RING_PATTERN) in ring
    assert value(ring, "-segment_wrap") == str(tail_files.RING_FILES)
    assert "-segment_list" not in ring


@pytest.mark.parametrize(
    "argv",
    [
        ffmpeg_arguments.packets(FOLDER / "segment-000000001.ts", first=3),
        ffmpeg_arguments.probe(FOLDER / "segment-000000001.ts"),
        ffmpeg_arguments.cut(FOLDER / "segment-000000001.ts", FOLDER / "cut.ts", since=1.0, until=None),
        ffmpeg_arguments.split(FOLDER / "segment-000000001.ts", FOLDER, [2], reference="v:0"),
    ],
)
def test_whoever_reads_a_segment_is_told_what_it_is(argv: list[str]) -> None:
    source = argv.index(str(FOLDER / "segment-000000001.ts"))

    assert value(argv[:source], "-f") == "mpegts"
