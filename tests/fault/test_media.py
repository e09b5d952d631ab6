"""Streams of every kind: captured with legal segments, or refused with the reason, and never with a crash loop."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import m3u8
import pytest

from tests.e2e.looking import decode_errors, probe
from tests.fault import streams
from tests.fault.streams import H264, WRAP, Playing, Stream
from tests.fault.world import World, a_world
from tests.media import run
from tests.numbered import NumberedClip, NumberedMedia
from tests.rtmp import VIDEO, Tag, read_flv
from tests.verifier.report import Report
from tests.verify_session import verify
from tests.waiting import eventually

SECONDS = 10
GOP_SECONDS = 2.0
CLIP = NumberedClip(seconds=SECONDS, gop_seconds=GOP_SECONDS, b_frames=2)
LARGER = NumberedClip(seconds=SECONDS, gop_seconds=GOP_SECONDS, b_frames=2, width=384, height=216)
LONG_GOP = NumberedClip(seconds=14, gop_seconds=10, b_frames=2)
HOUR = 3_600_000
AT = 5_000  # ms into the clip, between two keyframes
TOGETHER = 3
"""So many streams at once: two cores are all there is."""
STARTS_MAX = 9
"""How often ffmpeg may be started in 10 s: it waits ever longer, up to 8 s."""


def encoded(folder: Path, name: str, *arguments: str) -> list[Tag]:
    """Give a clip as x264 makes it with these arguments."""
    path = folder / f"{name}.flv"
    if not path.exists():
        video = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-sc_threshold", "0"]
        run(["ffmpeg", "-nostdin", "-v", "error", "-y", *arguments, *video, "-c:a", "aac", "-f", "flv", path])
    return read_flv(path)


def picture(rate: float, seconds: float) -> list[str]:
    return ["-f", "lavfi", "-i", f"testsrc2=size=192x108:rate={rate}:duration={seconds}"]


def tone(seconds: float) -> list[str]:
    return ["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"]


def without_keyframes(tags: list[Tag]) -> list[Tag]:
    """Give what a worker gets that joins such a stream late."""
    return [tag for tag in tags if tag.is_header or not tag.is_keyframe]


def all_streams(media: NumberedMedia, folder: Path) -> dict[str, Stream]:
    """Give each stream by its name."""
    tags, larger, long_gop = (read_flv(media.file(clip)) for clip in (CLIP, LARGER, LONG_GOP))
    fast = ["-x264-params", "intra-refresh=1:keyint=infinite:scenecut=0", "-bf", "0"]
    refreshed = encoded(folder, "refreshed", *picture(25, 42), *tone(42), *fast)
    slides, few = [*picture(0.3, 12)], [*picture(1, 12), *tone(12)]
    return {
        "b-frames": streams.paced(tags),
        "ten-second gop": streams.paced(long_gop),
        "wrap at 2^32": streams.based(tags, WRAP - AT),
        "wrap at 2^31": streams.based(tags, WRAP // 2 - AT),
        "an hour back": streams.jumped(tags, at=AT, by=-HOUR, base=2 * HOUR),
        "three seconds back": streams.jumped(tags, at=AT, by=-3000, base=9000),
        "back to nothing": streams.jumped(tags, at=AT, by=-HOUR - AT, base=HOUR),
        "an hour forward": streams.jumped(tags, at=AT, by=HOUR),
        "three seconds forward": streams.jumped(tags, at=AT, by=3000),
        "non-monotonic": streams.unordered(tags, back=60, every=7),
        "in bursts": streams.in_bursts(tags, 1.0),
        "changed size": streams.changed(tags, larger, at=4000),
        "spoiled keyframe": streams.spoiled(tags, 3),
        "broken frames": streams.with_amid(tags, streams.broken),
        "empty tags": streams.with_amid(tags, streams.empty),
        "unknown tag": streams.with_amid(tags, streams.of_no_kind, every=AT),
        "truncated tags": streams.with_amid(tags, streams.truncated, every=4000),
        "other codecs amid": streams.with_amid(tags, streams.of_other_codecs),
        "noise on the wire": streams.cut_off_by_noise(tags, 6.0),
        "no keyframes": streams.hurried(refreshed, 4),
        "joined without keyframes": streams.hurried(without_keyframes(refreshed), 4),
        "slides": streams.paced(encoded(folder, "slides", *slides, "-g", "2")),
        "slides with sound": streams.paced(encoded(folder, "sounding", *slides, *tone(12), "-g", "1")),
        "a frame a second": streams.paced(encoded(folder, "few", *few, "-g", "4", "-bf", "2")),
        "hevc": streams.of_codec(tags, 12),
        "enhanced hevc": streams.enhanced(tags),
        "screen video": streams.of_codec(tags, 3),
        "no codec": streams.of_codec(tags, 0),
        "no description": streams.paced(tag for tag in tags if not (tag.is_header and tag.kind == VIDEO)),
        "random bodies": streams.random_bodies(SECONDS),
        "random frames": streams.of_codec(noisy(tags), H264),
    }


def noisy(tags: list[Tag]) -> list[Tag]:
    """Fill each frame with random bytes."""
    return [tag if tag.is_header else Tag(tag.kind, tag.timestamp, tag.body[:5] + streams.noise(400)) for tag in tags]


@dataclass
class Seen:
    """What came of one stream; `reasons` were told while it was on air, by code."""

    world: World
    channel: str
    playing: Playing
    log: Path
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def session(self) -> dict[str, Any]:
        return self.world.stack.session(self.channel)

    def look(self) -> None:
        """Note why nothing is captured, if that is told now."""
        if self.world.stack.sessions(self.channel):
            reason = self.session["state_reason"]
            self.reasons |= {} if reason is None else {str(reason["code"]): str(reason["detail"])}

    def verify(self) -> Report:
        self.playing.write_log(self.log)
        return verify(self.world.stored(), str(self.session["id"]), frames=self.log, gop=GOP_SECONDS)

    def recordings(self) -> list[Path]:
        return self.world.stack.objects(f"recordings/{self.channel}/**/*.mp4")

    def pictures(self) -> list[Path]:
        return self.world.stack.objects(f"snapshots/{self.channel}/2*/**/*.jpg")

    def segments(self) -> list[tuple[m3u8.Segment, Path]]:
        (vod,) = self.world.stack.objects(f"hls/{self.channel}/*/vod.m3u8")
        return [(segment, vod.parent / str(segment.uri)) for segment in m3u8.loads(vod.read_text()).segments]

    def starts(self) -> int:
        """Count the runs of ffmpeg by what the worker's log says of them."""
        lines = [line for line in self.world.stack.log.read_text().splitlines() if self.channel in line]
        return len([line for line in lines if re.search(r"\brun_began\b", line)])


class Waves:
    """All streams: pushed a few at a time, each to a channel of its own, when the first of them is asked for."""

    def __init__(self, world: World, media: NumberedMedia, folder: Path) -> None:
        self._world, self._folder = world, folder
        self._waiting = all_streams(media, folder)
        self._seen: dict[str, Seen] = {}

    def __getitem__(self, name: str) -> Seen:
        if name not in self._seen:
            names = list(self._waiting)
            begin = names.index(name) // TOGETHER * TOGETHER
            wave = {each: self._waiting[each] for each in names[begin : begin + TOGETHER]}
            self._seen |= played(self._world, wave, self._folder)
        return self._seen[name]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, numbered: NumberedMedia) -> Iterator[Waves]:
    """One stack for all streams."""
    with a_world(tmp_path_factory.mktemp("media"), numbered) as world:
        yield Waves(world, numbered, tmp_path_factory.mktemp("streams"))


def played(world: World, wave: dict[str, Stream], folder: Path) -> dict[str, Seen]:
    """Push some streams at once, each to a channel of its own, until the sessions have ended."""
    found: dict[str, Seen] = {}
    with ExitStack() as playing:
        for name, stream in wave.items():
            shape = {"image_time": 1, "video_time": 4, "hls_time": 1, "reconnect_window": 1}
            channel = world.stack.create(name=name, **shape)
            channel_id = str(channel["id"])
            heard = partial(is_listened_to, world, channel_id)
            player = playing.enter_context(Playing(str(channel["publish"]["url"]), stream, heard))
            found[name] = Seen(world, channel_id, player, folder / f"{channel_id}.jsonl")

        def are_over() -> bool:
            for each in found.values():
                each.look()
            return all(each.playing.is_over for each in found.values())

        eventually(are_over, within=40, what="all is sent")
    for each in found.values():
        world.stack.wait_for_state(each.channel, "idle", within=30)
    return found


def is_listened_to(world: World, channel: str) -> bool:
    """Say whether nginx has a player of the channel."""
    stat = httpx.get(f"http://127.0.0.1:{8001 + world.stack.offset}/stat", timeout=5).text
    streams_there = re.findall(r"<stream>.*?</stream>", stat, re.DOTALL)
    return any(channel in each and "<flashver>LNX" in each for each in streams_there)


LOSSLESS = [
    "b-frames",
    "ten-second gop",
    "wrap at 2^32",
    "wrap at 2^31",
    "an hour back",
    "three seconds back",
    "back to nothing",
    "in bursts",
]
CAPTURED = [
    *LOSSLESS,
    "an hour forward",
    "three seconds forward",
    "non-monotonic",
    "changed size",
    "spoiled keyframe",
    "broken frames",
    "empty tags",
    "unknown tag",
    "truncated tags",
    "other codecs amid",
    "noise on the wire",
    "no keyframes",
    "joined without keyframes",
    "slides",
    "slides with sound",
    "a frame a second",
]
REFUSED = ["hevc", "enhanced hevc", "screen video", "no codec", "no description", "random bodies", "random frames"]


@pytest.mark.parametrize("name", LOSSLESS)
def test_nothing_of_the_stream_is_lost(seen: Waves, name: str) -> None:
    report = seen[name].verify()

    assert report.lines()[:-1] == []
    assert report.ratio == 1.0, report.lines()


@pytest.mark.parametrize("name", ["an hour forward", "three seconds forward"])
def test_after_a_jump_forward_a_new_part_follows_the_wall_clock(seen: Waves, name: str) -> None:
    report = seen[name].verify()

    assert report.lines()[:-1] == []
    assert len(seen[name].session["parts"]) in {2, 3}, "what lies between may be one of its own"
    assert (1 - report.ratio) * SECONDS <= GOP_SECONDS + 1.5, report.lines()


def test_frames_that_claim_to_be_older_than_the_last_one_are_kept(seen: Waves) -> None:
    report = seen["non-monotonic"].verify()

    assert report.ratio >= 0.99, report.lines()  # of two frames at one time a player may show one


def test_a_video_that_is_described_otherwise_is_a_new_part(seen: Waves) -> None:
    report = seen["changed size"].verify()
    parts = seen["changed size"].session["parts"]

    assert report.lines()[:-1] == []
    assert sorted({part["video"]["width"] for part in parts}) == [CLIP.width, LARGER.width]
    assert len(parts) in {2, 3}, "what lies between may be one of its own"
    assert (1 - report.ratio) * SECONDS <= GOP_SECONDS + 0.1, report.lines()


def test_a_keyframe_that_cannot_be_decoded_costs_a_picture_and_nothing_else(seen: Waves) -> None:
    report = seen["spoiled keyframe"].verify()

    assert len(seen["spoiled keyframe"].session["parts"]) == 1
    assert set(report.captured) == {"recordings", "hls"}
    assert (1 - report.ratio) * SECONDS <= GOP_SECONDS + 0.1, report.lines()
    assert len(seen["spoiled keyframe"].pictures()) >= SECONDS - GOP_SECONDS - 1


@pytest.mark.parametrize("name", ["broken frames", "empty tags"])
def test_garbage_amid_a_good_stream_costs_nothing(seen: Waves, name: str) -> None:
    report = seen[name].verify()

    assert len(seen[name].session["parts"]) == 1
    assert report.ratio >= 0.98, report.lines()  # a broken frame spoils those that refer to it


@pytest.mark.parametrize("name", ["truncated tags", "other codecs amid"])
def test_what_ffmpeg_cannot_read_on_costs_some_gops_and_is_declared(seen: Waves, name: str) -> None:
    assert seen[name].verify().ratio >= 0.3
    assert seen[name].session["gaps"]


@pytest.mark.parametrize("name", ["unknown tag", "noise on the wire"])
def test_what_came_before_the_connection_was_cut_is_kept(seen: Waves, name: str) -> None:
    report = seen[name].verify()

    assert report.ratio == pytest.approx(1.0, abs=0.05), report.lines()


@pytest.mark.parametrize("name", ["no keyframes", "joined without keyframes"])
def test_a_stream_without_keyframes_is_cut_anywhere_and_on_time(seen: Waves, name: str) -> None:
    session, segments = seen[name].session, seen[name].segments()

    assert session["parts"][-1]["video"]["codec"] == "h264"
    since = moment(session["parts"][-1]["from"])
    later = [segment.duration or 0 for segment, _ in segments if (segment.program_date_time or since) >= since]
    assert len(later) >= 4
    assert max(later) <= 2.0
    assert seen[name].pictures()


@pytest.mark.parametrize("name", CAPTURED)
def test_segments_keep_their_target_and_their_order(seen: Waves, name: str) -> None:
    (vod,) = seen[name].world.stack.objects(f"hls/{seen[name].channel}/*/vod.m3u8")
    playlist = m3u8.loads(vod.read_text())

    assert playlist.target_duration is not None
    assert all(round(segment.duration or 0) <= playlist.target_duration for segment in playlist.segments)
    begins = [segment.program_date_time for segment in playlist.segments]
    assert all(before and after and before <= after for before, after in pairwise(begins))


@pytest.mark.parametrize("name", CAPTURED)
def test_every_file_can_be_read(seen: Waves, name: str) -> None:
    files = [path for _, path in seen[name].segments()] + seen[name].recordings()

    assert files
    assert all({"video", "audio"} & probe(path).keys() for path in files)


@pytest.mark.parametrize("name", ["slides", "slides with sound", "a frame a second"])
def test_every_slide_is_recorded(seen: Waves, name: str) -> None:
    sent = sum(piece.shown is not None for piece in seen[name].playing.stream)
    kept = sum(probe(path)["frames"] for path in seen[name].recordings())

    assert sent - 1 <= kept <= sent


def test_recordings_of_a_good_stream_decode_without_a_complaint(seen: Waves) -> None:
    assert [decode_errors(path) for path in seen["b-frames"].recordings()] == [""] * 3


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_captured_is_said_and_its_time_is_a_gap(seen: Waves, name: str) -> None:
    session = seen[name].session

    assert "publisher_silent" in seen[name].reasons
    assert sum(span(gap) for gap in session["gaps"]) >= SECONDS - 1.0
    assert {gap["cause"] for gap in session["gaps"]} <= {"undecodable", "not_listening"}


@pytest.mark.parametrize(("name", "codec"), [("hevc", "12"), ("no codec", "0")])
def test_a_codec_that_nobody_here_can_read_is_named(seen: Waves, name: str, codec: str) -> None:
    assert f"video is of FLV's codec {codec}," in seen[name].reasons["publisher_silent"]


@pytest.mark.parametrize("name", [*CAPTURED, *REFUSED])
def test_no_stream_makes_ffmpeg_start_again_and_again(seen: Waves, name: str) -> None:
    assert 1 <= seen[name].starts() <= STARTS_MAX


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def span(gap: dict[str, Any]) -> float:
    return (moment(gap["to"]) - moment(gap["from"])).total_seconds()
