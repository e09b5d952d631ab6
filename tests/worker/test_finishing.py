"""What becomes of a closed file before it ships."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import pytest

from services.adapters.directory_store import DirectoryStore
from services.domain import playlist
from services.domain.artifact import Kind
from services.worker.child_program import ChildFailed
from services.worker.delivery.finishing import describe, finish_recording, fit_segment, with_true_length
from services.worker.events import FileClosed
from tests.media import Clip, Media, run
from tests.worker.captures import captured, packets, probed

pytestmark = pytest.mark.anyio

LONG = Clip(seconds=12, gop_seconds=10)


def boxes(path: Path) -> list[bytes]:
    """Give the names of an MP4's outermost boxes, in order."""
    body, at, names = path.read_bytes(), 0, []
    while at < len(body):
        size = int.from_bytes(body[at : at + 4], "big")
        names.append(body[at + 4 : at + 8])
        at += size
    return names


@pytest.fixture
def recording(media: Media, tmp_path: Path) -> FileClosed:
    """The second recording of a part: it begins 4 s into the stream."""
    return captured(media.file(Clip()), tmp_path / "spool", recording=4)[1]


async def test_a_recording_ships_with_moov_in_front(recording: FileClosed) -> None:
    assert boxes(recording.path).count(b"moof") >= 2

    whole = await finish_recording(recording)

    assert boxes(whole.path)[:2] == [b"ftyp", b"moov"]
    assert b"moof" not in boxes(whole.path)


async def test_a_recording_begins_at_zero_with_picture_and_sound(recording: FileClosed) -> None:
    found = probed((await finish_recording(recording)).path)

    assert float(found["format"]["start_time"]) == pytest.approx(0, abs=0.05)
    assert sorted(stream["codec_type"] for stream in found["streams"]) == ["audio", "video"]
    assert float(found["format"]["duration"]) == pytest.approx(recording.end - recording.start, abs=0.15)


async def test_picture_and_sound_stay_together(recording: FileClosed) -> None:
    whole = await finish_recording(recording)
    video, audio = packets(whole.path, "v"), packets(whole.path, "a")
    apart = min(p["pts"] for p in packets(recording.path, "v")) - min(p["pts"] for p in packets(recording.path, "a"))

    assert min(p["pts"] for p in video) - min(p["pts"] for p in audio) == pytest.approx(apart, abs=0.03)


async def test_every_frame_of_a_recording_can_be_decoded(recording: FileClosed) -> None:
    whole = await finish_recording(recording)
    said = run(["ffmpeg", "-nostdin", "-v", "error", "-xerror", "-i", whole.path, "-f", "null", "-"])

    assert said == b""
    assert len(packets(whole.path)) == len(packets(recording.path))


async def test_the_same_recording_becomes_the_same_bytes_again(recording: FileClosed) -> None:
    first = (await finish_recording(recording)).path.read_bytes()

    assert (await finish_recording(recording)).path.read_bytes() == first


@pytest.mark.parametrize("lost", [1_000, 20_000, 60_000])
async def test_a_recording_that_a_kill_cut_short_ships_all_but_its_last_fragment(
    media: Media, tmp_path: Path, lost: int
) -> None:
    file = captured(media.file(Clip()), tmp_path, recording=60)[0]
    body = file.path.read_bytes()
    file.path.write_bytes(body[:-lost])

    whole = await finish_recording(file)

    kept = 1 - lost / len(body)
    assert boxes(whole.path)[:2] == [b"ftyp", b"moov"]
    assert float(probed(whole.path)["format"]["duration"]) >= 6 * kept - 1.5


async def test_a_recording_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "recording-000000.mp4"
    path.write_bytes(b"garbage" * 1000)

    with pytest.raises(ChildFailed, match="Invalid data"):
        await finish_recording(FileClosed(kind=Kind.RECORDING, path=path, start=0, end=1))


async def test_an_object_that_shares_the_earlier_attempts_file_is_not_modified(
    recording: FileClosed, objects: DirectoryStore
) -> None:
    left = recording.path.with_name(f"whole-{recording.path.name}")
    left.write_bytes(b"an earlier attempt's, shipped before the kill")
    objects.create("recordings/x.mp4", left, sha256=hashlib.sha256(left.read_bytes()).hexdigest())

    whole = await finish_recording(recording)

    assert whole.path == left
    assert objects.read("recordings/x.mp4").body == b"an earlier attempt's, shipped before the kill"


async def test_a_segment_within_the_target_is_left_as_it_is(media: Media, tmp_path: Path) -> None:
    segment = captured(media.file(Clip()), tmp_path, segment=2)[0]

    assert await fit_segment(segment, 2) == [segment]


@pytest.fixture
def overlong(media: Media, tmp_path: Path) -> FileClosed:
    """One segment of about 10 s: there is no keyframe to cut at."""
    return captured(media.file(LONG), tmp_path / "spool", segment=2)[0]


async def test_a_segment_of_a_long_gop_is_cut_into_pieces_that_keep_the_target(overlong: FileClosed) -> None:
    pieces = await fit_segment(overlong, 3)

    assert len(pieces) >= 3
    assert all(0 < piece.end - piece.start <= playlist.longest(3) for piece in pieces)
    assert all(piece.kind is Kind.SEGMENT for piece in pieces)


async def test_the_pieces_span_what_the_segment_spanned(overlong: FileClosed) -> None:
    pieces = await fit_segment(overlong, 3)

    assert pieces[0].start == overlong.start
    assert pieces[-1].end == overlong.end
    assert [piece.start for piece in pieces[1:]] == [piece.end for piece in pieces[:-1]]


async def test_no_frame_is_lost_between_pieces(overlong: FileClosed) -> None:
    pieces = await fit_segment(overlong, 3)
    cut = [packet["pts"] for piece in pieces for packet in packets(piece.path)]
    steps = {round(after - before, 3) for before, after in pairwise(sorted(cut))}

    assert len(cut) == len(packets(overlong.path))
    assert steps == {0.04}


async def test_the_pieces_lengths_are_those_of_their_media(overlong: FileClosed) -> None:
    for piece in await fit_segment(overlong, 3):
        shown = sorted(packet["pts"] for packet in packets(piece.path))

        assert piece.end - piece.start == pytest.approx(shown[-1] - shown[0] + 0.04, abs=0.17)


async def test_the_pieces_keep_the_segments_own_times(overlong: FileClosed) -> None:
    whole = min(packet["pts"] for packet in packets(overlong.path))
    pieces = await fit_segment(overlong, 3)

    assert min(packet["pts"] for packet in packets(pieces[0].path)) == pytest.approx(whole, abs=0.001)


async def test_an_object_that_shares_an_earlier_attempts_piece_is_not_modified(
    overlong: FileClosed, objects: DirectoryStore
) -> None:
    earlier = (await fit_segment(overlong, 3))[0].path
    body = earlier.read_bytes()
    objects.create("hls/x.ts", earlier, sha256=hashlib.sha256(body).hexdigest())

    await fit_segment(overlong, 4)

    assert objects.read("hls/x.ts").body == body


async def test_a_segment_that_cannot_be_read_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "segment-000000.ts"
    path.write_bytes(b"garbage")

    with pytest.raises(ChildFailed, match="End of file"):
        await fit_segment(FileClosed(kind=Kind.SEGMENT, path=path, start=0, end=9), 3)


async def test_a_file_is_described_by_its_streams_and_its_length(recording: FileClosed) -> None:
    assert await describe(recording.path) == {
        "video": {"codec": "h264", "width": 320, "height": 180},
        "audio": {"codec": "aac", "sample_rate": 44100, "channels": 1},
        "start": pytest.approx(0, abs=0.05),
        "seconds": pytest.approx(2.05, abs=0.1),
    }


@pytest.mark.parametrize(
    ("clip", "video", "audio"),
    [(Clip(sound=False), True, False), (Clip(codec=None), False, True)],
)
async def test_what_a_file_has_not_is_described_as_none(media: Media, clip: Clip, *, video: bool, audio: bool) -> None:
    found = await describe(media.file(clip))

    assert (found["video"] is not None, found["audio"] is not None) == (video, audio)


@pytest.mark.parametrize("body", [b"", b"garbage" * 100])
async def test_a_file_that_cannot_be_read_is_described_as_nothing(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "recording-000000.mp4"
    path.write_bytes(body)

    assert await describe(path) == dict.fromkeys(("video", "audio", "start", "seconds"))


@pytest.fixture
def sound_first(media: Media) -> Path:
    """A segment of 6 s of sound whose video begins after 3 s."""
    return media.file(Clip(seconds=6, video_after=3, form="mpegts"))


def told(path: Path, start: float, end: float, *, is_first: bool = False, waited: float | None = None) -> FileClosed:
    waited = end - start if waited is None else waited
    return FileClosed(kind=Kind.SEGMENT, path=path, start=start, end=end, is_first=is_first, waited=waited)


async def test_the_first_file_of_a_late_join_begins_with_its_sound(sound_first: Path) -> None:
    file = await with_true_length(told(sound_first, 3, 9, is_first=True, waited=10), None)

    assert [file.start, file.end] == pytest.approx([0, 9], abs=0.2)


async def test_the_first_recording_of_a_late_join_begins_with_its_sound(sound_first: Path, tmp_path: Path) -> None:
    """Both of its tracks begin at 0, whatever they were."""
    path = tmp_path / "recording-000000.mp4"
    flags = ["-movflags", "+frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "1000000"]
    run(["ffmpeg", "-v", "error", "-i", sound_first, "-c", "copy", "-bsf:a", "aac_adtstoasc", *flags, path])

    file = await with_true_length(told(path, 3, 9, is_first=True, waited=10), None)

    assert [file.start, file.end] == pytest.approx([0, 9], abs=0.2)


async def test_a_file_after_a_hole_in_the_video_reaches_back_to_the_one_before(sound_first: Path) -> None:
    file = await with_true_length(told(sound_first, 13, 19), 10.5)

    assert (file.start, file.end) == (10.5, 19)


@pytest.fixture
def sound_last(tmp_path: Path) -> Path:
    """A segment of 9 s of sound whose video ends after 2 s."""
    path = tmp_path / "sound-last.ts"
    picture, sine = "testsrc2=size=320x180:rate=25:duration=2", "sine=frequency=440:duration=9"
    inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sine]
    run(["ffmpeg", "-v", "error", *inputs, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", path])
    return path


async def test_a_file_whose_sound_goes_on_after_its_video_ends_with_it(sound_last: Path) -> None:
    file = await with_true_length(told(sound_last, 10, 12, waited=9), 10)

    # The last packet of sound in a transport stream does not say how long it lasts.
    assert [file.start, file.end] == pytest.approx([10, 19], abs=0.4)


async def test_a_file_that_claims_more_than_it_holds_is_not_believed(sound_last: Path) -> None:
    file = await with_true_length(told(sound_last, 10, 40), 10, longest=4)

    assert [file.start, file.end] == pytest.approx([10, 19], abs=0.4)


async def test_sound_that_lies_before_its_video_in_a_file_is_no_time_of_the_file(sound_first: Path) -> None:
    file = await with_true_length(told(sound_first, 10, 16, waited=9), 10)

    assert (file.start, file.end) == (10, 16)


async def test_a_file_that_came_in_its_own_time_is_not_looked_into(tmp_path: Path) -> None:
    file = told(tmp_path / "absent.ts", 10, 12)

    assert await with_true_length(file, 10) == file
