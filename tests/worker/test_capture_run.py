"""One life of one ffmpeg with its picture child: real programs, a file or a real gateway as the source."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs

from services.domain.artifact import Kind
from services.domain.capture import ImagePlan, MediaPlan
from services.domain.secrets import Secret
from services.worker.capture.capture_run import CaptureRun
from services.worker.events import CaptureEvent, ClockSet, FileClosed, VideoSeen
from tests import processes
from tests.doubles.open_gateway import OpenGateway
from tests.media import Clip, Media
from tests.rtmp import VIDEO, Connection, read_flv
from tests.worker.heard import Heard

pytestmark = pytest.mark.anyio

TOKEN = "pull-token-that-nobody-may-see"
EVERYTHING = MediaPlan(recording_seconds=4, segment_seconds=2)


def a_run(
    source: str, folder: Path, heard: Heard, *, media: MediaPlan = EVERYTHING, sound_only: bool = False
) -> CaptureRun:
    return CaptureRun(
        source=Secret(source),
        media=media,
        images=ImagePlan(seconds=2, quality=85),
        session="session",
        sound_only=sound_only,
        folder=folder,
        emit=heard,
    )


@asynccontextmanager
async def publishing(file: Path, gateway: OpenGateway) -> AsyncIterator[asyncio.subprocess.Process]:
    """Push a file in real time while the block runs."""
    argv = ["-nostdin", "-v", "error", "-re", "-i", str(file), "-c", "copy", "-f", "flv", f"{gateway.url}/camera"]
    publisher = await asyncio.create_subprocess_exec("ffmpeg", *argv)
    try:
        yield publisher
    finally:
        publisher.kill()
        await publisher.wait()


Children = Callable[[], list[psutil.Process]]


@pytest.fixture
def children() -> Children:
    """Gives the processes that the test itself has started so far, its nginx apart."""
    before = {child.pid for child in processes.children()}
    return lambda: [
        child for child in processes.children() if child.pid not in before and processes.name(child) != "nginx"
    ]


async def test_a_stream_becomes_files_of_every_kind_and_a_clock(media: Media, tmp_path: Path) -> None:
    heard = Heard()
    run = a_run(str(media.file(Clip())), tmp_path / "run", heard)
    await run.start()
    async with asyncio.timeout(15):
        returncode = await run.wait()
    files = heard.of(FileClosed)

    assert returncode == 0
    assert {kind: sum(file.kind is kind for file in files) for kind in Kind} == {
        Kind.RECORDING: 2,
        Kind.SEGMENT: 3,
        Kind.SNAPSHOT: 3,
    }
    assert all(file.path.parent == tmp_path / "run" and file.path.stat().st_size > 0 for file in files)
    assert len(heard.of(ClockSet)) == len(heard.of(VideoSeen)) == 1


async def test_a_run_that_is_over_leaves_no_process(media: Media, tmp_path: Path, children: Children) -> None:
    run = a_run(str(media.file(Clip())), tmp_path / "run", Heard())
    await run.start()
    async with asyncio.timeout(15):
        await run.wait()

    assert children() == []


async def test_a_stream_without_video_is_told_so_that_its_sound_can_be_tapped(media: Media, tmp_path: Path) -> None:
    source = str(media.file(Clip(codec=None)))
    first, heard = a_run(source, tmp_path / "first", Heard()), Heard()
    await first.start()
    await first.wait()
    second = a_run(source, tmp_path / "second", heard, sound_only=True)
    await second.start()
    await second.wait()

    assert first.found_no_stream
    assert len(heard.of(ClockSet)) == 1
    assert [file.kind for file in heard.of(FileClosed)].count(Kind.SNAPSHOT) == 0
    assert [file.kind for file in heard.of(FileClosed)].count(Kind.RECORDING) >= 1


async def seconds_to_stop(run: CaptureRun) -> float:
    """Stop a run, see it over, and give how long the stop took."""
    ended = asyncio.create_task(run.wait())
    began = time.monotonic()
    await run.stop()
    took = time.monotonic() - began
    async with asyncio.timeout(5):
        await ended
    return took


async def test_an_idle_pull_is_ended_within_four_seconds(
    gateway: OpenGateway, tmp_path: Path, children: Children
) -> None:
    run = a_run(f"{gateway.url}/camera?session=s&token={TOKEN}", tmp_path / "run", Heard())
    await run.start()
    assert await asyncio.to_thread(gateway.listening.wait, 10)

    assert await seconds_to_stop(run) < 4
    assert children() == []


async def test_a_pull_whose_publisher_fell_silent_is_ended_within_four_seconds(
    gateway: OpenGateway, media: Media, tmp_path: Path, children: Children
) -> None:
    heard = Heard()
    run = a_run(f"{gateway.url}/camera", tmp_path / "run", heard)
    await run.start()
    assert await asyncio.to_thread(gateway.listening.wait, 10)
    async with publishing(media.file(Clip(seconds=30)), gateway) as publisher:
        await heard.expect(FileClosed)
        publisher.send_signal(signal.SIGSTOP)
        ended = asyncio.create_task(run.wait())
        began = time.monotonic()
        await run.stop()
        took = time.monotonic() - began
        async with asyncio.timeout(5):
            await ended

    assert took < 4
    assert [child for child in children() if child.pid != publisher.pid] == []


async def test_a_stop_closes_the_files_of_a_running_capture(gateway: OpenGateway, media: Media, tmp_path: Path) -> None:
    heard = Heard()
    run = a_run(f"{gateway.url}/camera?token={TOKEN}", tmp_path / "run", heard)
    await run.start()
    assert await asyncio.to_thread(gateway.listening.wait, 10)
    async with publishing(media.file(Clip(seconds=30)), gateway):
        await heard.expect(FileClosed)
        ended = asyncio.create_task(run.wait())
        await run.stop()
        async with asyncio.timeout(5):
            await ended
    kinds = [file.kind for file in heard.of(FileClosed)]

    assert Kind.SNAPSHOT in kinds
    assert kinds.count(Kind.RECORDING) == 1
    assert Kind.SEGMENT in kinds


async def test_a_stop_is_no_error_when_ffmpeg_is_gone(media: Media, tmp_path: Path) -> None:
    run = a_run(str(media.file(Clip())), tmp_path / "run", Heard())
    await run.start()
    await run.wait()

    await run.stop()


async def test_what_ffmpeg_says_is_logged_without_the_token(tmp_path: Path) -> None:
    run = a_run(f"rtmp://127.0.0.1:1/stream/camera?session=s&token={TOKEN}", tmp_path / "run", Heard())
    with capture_logs() as logs:
        await run.start()
        async with asyncio.timeout(10):
            returncode = await run.wait()
    said = [str(line["text"]) for line in logs if line["event"] == "ffmpeg_said"]

    assert returncode != 0
    assert any("token=…" in text for text in said)
    assert TOKEN not in str(logs)


async def test_much_that_ffmpeg_says_is_drained_and_counted(media: Media, tmp_path: Path) -> None:
    broken = tmp_path / "broken.flv"
    body = bytearray(media.file(Clip(seconds=30)).read_bytes())
    for at in range(5_000, len(body), 997):
        body[at] ^= 0xFF
    broken.write_bytes(body)
    run = a_run(str(broken), tmp_path / "run", Heard())
    with capture_logs() as logs:
        await run.start()
        async with asyncio.timeout(15):
            await run.wait()
    events = [line["event"] for line in logs]

    assert 1 <= events.count("ffmpeg_said") <= 50


async def test_a_wedged_ffmpeg_is_killed(gateway: OpenGateway, tmp_path: Path, children: Children) -> None:
    run = a_run(f"{gateway.url}/camera", tmp_path / "run", Heard())
    await run.start()
    assert await asyncio.to_thread(gateway.listening.wait, 10)
    ffmpeg = next(child for child in children() if processes.name(child) == "ffmpeg")
    ffmpeg.suspend()

    assert await seconds_to_stop(run) < 4.5
    assert children() == []


async def wedged_run_is_over(run: CaptureRun, ffmpeg: psutil.Process) -> tuple[float, int]:
    """Freeze a run's ffmpeg; give how long it took until the run was over, and its exit code."""
    ended = asyncio.create_task(run.wait())
    ffmpeg.suspend()
    began = time.monotonic()
    async with asyncio.timeout(15):
        returncode = await ended
    return time.monotonic() - began, returncode


async def test_an_ffmpeg_that_freezes_amid_a_stream_is_killed_within_ten_seconds(
    gateway: OpenGateway, media: Media, tmp_path: Path, children: Children
) -> None:
    heard = Heard()
    run = a_run(f"{gateway.url}/camera", tmp_path / "run", heard)
    with capture_logs() as logs:
        await run.start()
        assert await asyncio.to_thread(gateway.listening.wait, 10)
        ffmpeg = next(child for child in children() if processes.name(child) == "ffmpeg")
        async with publishing(media.file(Clip(seconds=30)), gateway):
            await heard.expect(FileClosed)
            took, returncode = await wedged_run_is_over(run, ffmpeg)

    assert took < 10
    assert returncode == -signal.SIGKILL
    assert [line["trouble"] for line in logs if line["event"] == "ffmpeg_wedged"] == ["frozen"]
    assert children() == []


async def test_an_ffmpeg_that_freezes_while_nobody_publishes_is_killed_too(
    gateway: OpenGateway, tmp_path: Path, children: Children
) -> None:
    run = a_run(f"{gateway.url}/camera", tmp_path / "run", Heard())
    await run.start()
    assert await asyncio.to_thread(gateway.listening.wait, 10)
    ffmpeg = next(child for child in children() if processes.name(child) == "ffmpeg")
    await asyncio.sleep(1.2)  # it waits, and is seen to
    took, _ = await wedged_run_is_over(run, ffmpeg)

    assert took < 10


async def test_a_stream_of_few_frames_is_not_taken_for_a_wedged_ffmpeg(
    gateway: OpenGateway, media: Media, tmp_path: Path
) -> None:
    """Of a frame each four seconds ffmpeg writes nothing for long where only pictures are wanted."""
    nothing_else = MediaPlan(recording_seconds=None, segment_seconds=None)
    run = a_run(f"{gateway.url}/camera", tmp_path / "run", Heard(), media=nothing_else)
    tags = [tag for tag in read_flv(media.file(Clip(seconds=2, sound=False))) if tag.kind == VIDEO]
    with capture_logs() as logs:
        await run.start()
        assert await asyncio.to_thread(gateway.listening.wait, 10)
        ended = asyncio.create_task(run.wait())
        with Connection(f"{gateway.url}/camera") as connection:
            connection.send(tags[0], timestamp=0)
            for number, tag in enumerate(tags[1:5]):
                connection.send(tag, timestamp=number * 4000)
                await asyncio.wait([ended], timeout=4)
                assert not ended.done()
        await run.stop()
        await ended

    assert [line for line in logs if line["event"] in {"ffmpeg_wedged", "picture_child_wedged"}] == []


async def test_a_failure_in_what_listens_to_ffmpeg_ends_the_run_and_says_so(
    gateway: OpenGateway, media: Media, tmp_path: Path, children: Children
) -> None:
    def refuse(event: CaptureEvent) -> None:
        if isinstance(event, FileClosed) and event.kind is Kind.SEGMENT:
            raise RuntimeError("no")

    run = a_run(f"{gateway.url}/camera", tmp_path / "run", Heard())
    run.emit = refuse
    with capture_logs() as logs:
        await run.start()
        assert await asyncio.to_thread(gateway.listening.wait, 10)
        async with publishing(media.file(Clip(seconds=30)), gateway), asyncio.timeout(15):
            returncode = await run.wait()

    assert returncode != 0
    assert "capture_task_failed" in [line["event"] for line in logs]
    assert children() == []


async def test_pictures_come_at_the_new_interval_without_a_new_ffmpeg(
    gateway: OpenGateway, media: Media, tmp_path: Path, children: Children
) -> None:
    heard = Heard()
    plan = MediaPlan(recording_seconds=60, segment_seconds=None)
    run = a_run(f"{gateway.url}/camera", tmp_path / "run", heard, media=plan)
    run.images = ImagePlan(seconds=600, quality=85)
    await run.start()
    assert await asyncio.to_thread(gateway.listening.wait, 10)
    ffmpeg = next(child for child in children() if processes.name(child) == "ffmpeg")
    async with publishing(media.file(Clip(seconds=30, gop_seconds=0.4)), gateway):
        await heard.expect(FileClosed)
        run.set_images(ImagePlan(seconds=0.5, quality=85))
        await heard.expect(FileClosed, 3)
        assert ffmpeg.is_running()
        ended = asyncio.create_task(run.wait())
        await run.stop()
        await ended

    assert [file.kind for file in heard.of(FileClosed)].count(Kind.RECORDING) == 1
    assert len(heard.of(ClockSet)) == 1


async def test_a_stream_of_another_codec_is_captured_without_the_ring(media: Media, tmp_path: Path) -> None:
    """The ring is MPEG-TS and wants H.264; keyframes alone want no more than a decoder."""
    source, nothing_else = (
        str(media.file(Clip(codec="flv1", b_frames=0))),
        MediaPlan(recording_seconds=None, segment_seconds=None),
    )
    first, heard = a_run(source, tmp_path / "first", Heard(), media=nothing_else), Heard()
    await first.start()
    await first.wait()
    second = a_run(source, tmp_path / "second", heard, media=nothing_else)
    second.has_ring = False
    await second.start()
    await second.wait()

    assert first.found_no_h264
    assert not second.found_no_h264
    assert len(heard.of(FileClosed)) == 3
