"""Pictures between keyframes: read behind a real ffmpeg that captures a numbered stream from a real gateway."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from services.domain.artifact import Kind
from services.domain.capture import ImagePlan, MediaPlan
from services.domain.secrets import Secret
from services.worker.capture.capture_run import CaptureRun
from services.worker.events import ClockSet, FileClosed, KeyframeSeen, MediaSeen, PaceSeen
from services.worker.pictures.asking import NoPicture
from tests.doubles.open_gateway import OpenGateway
from tests.media import Clip, Media
from tests.numbered import TICKS_PER_SECOND, NumberedClip, NumberedMedia
from tests.verifier.numbers import WORD_SHAPE, read_words
from tests.worker.heard import Heard, until

pytestmark = pytest.mark.anyio

LONG_GOP = NumberedClip(seconds=12, gop_seconds=5, b_frames=2)
FRAME = 1 / LONG_GOP.rate
RING = MediaPlan(recording_seconds=None, segment_seconds=None)
SEGMENTS = MediaPlan(recording_seconds=None, segment_seconds=1)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return NumberedMedia(tmp_path_factory.mktemp("numbered")).file(LONG_GOP)


def a_run(
    gateway: OpenGateway,
    folder: Path,
    heard: Heard,
    plan: MediaPlan,
    *,
    seconds: float | None,
    sound_only: bool = False,
) -> CaptureRun:
    return CaptureRun(
        source=Secret(f"{gateway.url}/camera"),
        media=plan,
        images=ImagePlan(seconds=seconds, quality=85),
        session="session",
        sound_only=sound_only,
        folder=folder,
        emit=heard,
    )


@asynccontextmanager
async def publishing(gateway: OpenGateway, source: Path, *runs: CaptureRun) -> AsyncIterator[None]:
    """Publish in real time while the runs capture."""
    for run in runs:
        await run.start()
    assert await asyncio.to_thread(gateway.listening.wait, 10)
    ends = [asyncio.create_task(run.wait()) for run in runs]
    argv = ["-nostdin", "-v", "error", "-re", "-i", str(source), "-c", "copy", "-f", "flv", f"{gateway.url}/camera"]
    publisher = await asyncio.create_subprocess_exec("ffmpeg", *argv)
    try:
        yield
    finally:
        for run in runs:
            await run.stop()
        await asyncio.gather(*ends)
        with contextlib.suppress(ProcessLookupError):
            publisher.kill()
        await publisher.wait()


@asynccontextmanager
async def capture(
    gateway: OpenGateway, source: Path, folder: Path, *plans: MediaPlan, seconds: float | None
) -> AsyncIterator[list[tuple[CaptureRun, Heard]]]:
    """Publish and capture by each plan, all at once."""
    heards = [Heard() for _ in plans]
    runs = [
        a_run(gateway, folder / f"run{number}", heard, plan, seconds=seconds)
        for number, (plan, heard) in enumerate(zip(plans, heards, strict=True))
    ]
    async with publishing(gateway, source, *runs):
        yield list(zip(runs, heards, strict=True))


def pictures(heard: Heard) -> list[FileClosed]:
    return [file for file in heard.of(FileClosed) if file.kind is Kind.SNAPSHOT]


async def taken(heard: Heard, count: int) -> list[FileClosed]:
    await until(lambda: len(pictures(heard)) >= count, seconds=15)
    return pictures(heard)


def shown(picture: Path) -> float:
    """Give the time that a picture shows (s)."""
    argv = ["ffmpeg", "-v", "error", "-i", str(picture), "-vf", f"scale={WORD_SHAPE}:flags=area,format=gray"]
    gray = subprocess.run([*argv, "-f", "rawvideo", "-"], capture_output=True, check=True, timeout=10).stdout
    (tick,) = read_words(gray)
    assert tick is not None
    return tick / TICKS_PER_SECOND


def apart(pictures: list[FileClosed]) -> list[float]:
    """Give for each picture how its name's time lies from what it shows (s): the same for all of a run."""
    return [picture.start - shown(picture.path) for picture in pictures]


async def test_pictures_between_keyframes_show_the_frame_they_name_and_come_at_once(
    gateway: OpenGateway, clip: Path, tmp_path: Path
) -> None:
    async with capture(gateway, clip, tmp_path, RING, SEGMENTS, seconds=0.5) as runs:
        for _, heard in runs:
            await taken(heard, 9)

    for run, heard in runs:
        found, anchor = pictures(heard)[:9], heard.of(ClockSet)[0].anchor
        steps = [after.start - before.start for before, after in pairwise(found)]
        late = sorted(picture.path.stat().st_mtime - (anchor + picture.start) for picture in found[1:])
        assert apart(found) == pytest.approx([apart(found)[0]] * 9, abs=FRAME / 4)
        assert steps == pytest.approx([0.5] * 8, abs=2 * FRAME + 0.001)
        assert late[len(late) // 2] < 0.25
        assert heard.of(PaceSeen)[-1].achieved == pytest.approx(0.5, abs=0.05)
        assert not list(run.folder.glob("tail-*"))


async def test_a_picture_that_is_asked_for_is_the_newest_keyframe_or_a_newer_frame_of_the_right_time(
    gateway: OpenGateway, clip: Path, tmp_path: Path
) -> None:
    async with capture(gateway, clip, tmp_path, RING, SEGMENTS, seconds=None) as runs:
        for run, heard in runs:
            await until(lambda heard=heard: any(seen.pts > 0.9 for seen in heard.of(MediaSeen)))  # type: ignore[misc]
            first, again = await run.snapshot(None), await run.snapshot(None)
            began = time.time()
            newest = await run.snapshot(0.1)
            took = time.time() - began

            assert (first.pts, first.is_new, again.pts, again.is_new) == (again.pts, True, first.pts, False)
            assert first.pts == heard.of(KeyframeSeen)[-1].pts
            assert abs(heard.of(ClockSet)[0].anchor + newest.pts - began) < 0.4
            assert took < 0.8
            assert [picture.start for picture in pictures(heard)] == [first.pts, newest.pts]
            assert apart(pictures(heard)) == pytest.approx([apart(pictures(heard))[0]] * 2, abs=FRAME / 4)


async def test_sound_alone_has_no_picture_and_says_so_at_once(
    gateway: OpenGateway, media: Media, tmp_path: Path
) -> None:
    heard = Heard()
    run = a_run(gateway, tmp_path / "run", heard, RING, seconds=1, sound_only=True)
    async with publishing(gateway, media.file(Clip(codec=None, seconds=20)), run):
        await heard.expect(MediaSeen)
        async with asyncio.timeout(1):
            with pytest.raises(NoPicture, match="no_video"):
                await run.snapshot(None)


async def test_where_keyframes_are_only_beginnings_of_refreshes_pictures_come_of_what_is_between(
    gateway: OpenGateway, tmp_path: Path
) -> None:
    waves = NumberedMedia(tmp_path).file(
        NumberedClip(seconds=12, gop_seconds=1, extra=("-x264-params", "intra-refresh=1:keyint=25:bframes=0"))
    )
    async with capture(gateway, waves, tmp_path, RING, seconds=1.5) as [(_, heard)]:
        found = await taken(heard, 3)

    assert apart(found) == pytest.approx([apart(found)[0]] * 3, abs=FRAME / 4)
