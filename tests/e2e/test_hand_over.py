"""A worker that is asked to go while its publisher stays: nothing is lost, whoever comes after it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.publisher import Publisher
from tests.e2e.stack import Stack
from tests.media import Clip, Media
from tests.processes import is_alive
from tests.waiting import eventually

B_FRAMES = Clip(seconds=12, gop_seconds=1, b_frames=3)
LONG_GOP = Clip(seconds=14, gop_seconds=4)
STOPPED_WITHIN = 20.0


def contents(path: Path, stream: str) -> list[str]:
    """Give the digest of each packet's payload, in the order of decoding."""
    argv = ["ffmpeg", "-v", "error", "-i", str(path), "-map", f"0:{stream}", "-c", "copy", "-f", "framemd5", "-"]
    shown = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=30).stdout
    return [line.split(",")[5].strip() for line in shown.splitlines() if not line.startswith("#")]


def kept_of(recordings: list[Path], stream: str) -> list[str]:
    return [packet for recording in recordings for packet in contents(recording, stream)]


def from_the_first_kept(source: Path, stream: str, kept: list[str]) -> list[str]:
    """Give what was published from the first packet on that was captured: a busy machine may join late."""
    published = contents(source, stream)
    return published[published.index(kept[0]) :]


def missing_after_the_start(session: dict[str, Any]) -> list[dict[str, str]]:
    return [gap for gap in session["gaps"] if gap["from"] >= session["parts"][0]["from"]]


def segment_frames(stack: Stack, channel_id: str) -> int:
    """Count the pictures of all segments."""
    return sum(len(contents(path, "v")) for path in stack.objects(f"hls/{channel_id}/*/*.ts"))


def worker_of(stack: Stack, channel_id: str) -> psutil.Process:
    process = stack.process_with("services.worker", "--channel", channel_id)
    assert process is not None
    return process


@contextmanager
def on_air(stack: Stack, clip: Path, **fields: object) -> Iterator[tuple[dict[str, Any], Publisher]]:
    """Publish a clip once, from its first frame, and wait until it is captured."""
    channel = stack.create(video_time=60, is_on_demand=True, **fields)
    with Publisher(channel["publish"]["url"], clip, loop=False) as publisher:
        eventually(lambda: stack.objects(f"hls/{channel['id']}/*/*.ts"), within=15, what="a segment")
        yield channel, publisher


def ended(stack: Stack, channel_id: str) -> dict[str, Any]:
    """End the channel's session and give it."""
    stack.api.post(f"/channels/{channel_id}/complete")
    stack.wait_for_state(channel_id, "idle", within=20)
    return stack.session(channel_id)


def seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


@pytest.mark.parametrize("clip", [B_FRAMES, LONG_GOP])
def test_a_successor_goes_on_at_a_keyframe_that_both_saw_and_no_frame_is_lost_or_kept_twice(
    stack: Stack, media: Media, clip: Clip
) -> None:
    source = media.file(clip)
    with on_air(stack, source) as (channel, publisher):
        asked = time.monotonic()
        leaving = worker_of(stack, channel["id"])
        leaving.terminate()
        leaving.wait(STOPPED_WITHIN)
        took = time.monotonic() - asked
        publisher.wait(within=20)
    session = ended(stack, channel["id"])

    recordings = stack.objects(f"recordings/{channel['id']}/**/*.mp4")
    kept = kept_of(recordings, "v")
    assert kept == from_the_first_kept(source, "v", kept)
    assert segment_frames(stack, channel["id"]) == len(kept)
    # Of the sound a packet on the very cut may be kept by both sides.
    sound = kept_of(recordings, "a")
    assert list(dict.fromkeys(sound)) == from_the_first_kept(source, "a", sound)
    assert len(sound) - len(set(sound)) <= 1
    assert missing_after_the_start(session) == []
    first, second = session["parts"]
    assert first["to"] == second["from"]
    assert took < clip.gop_seconds + 5


def test_a_second_sigterm_ends_a_worker_at_once_and_its_successor_goes_on(stack: Stack, media: Media) -> None:
    source = media.file(B_FRAMES)
    with on_air(stack, source) as (channel, publisher):
        leaving = worker_of(stack, channel["id"])
        leaving.terminate()
        eventually(lambda: len(workers_of(stack, channel["id"])) == 2, within=5, what="a successor")
        asked = time.monotonic()
        leaving.terminate()
        leaving.wait(STOPPED_WITHIN)
        took = time.monotonic() - asked
        publisher.wait(within=20)
    session = ended(stack, channel["id"])

    recordings = stack.objects(f"recordings/{channel['id']}/**/*.mp4")
    kept = kept_of(recordings, "v")
    wanted = from_the_first_kept(source, "v", kept)
    assert len(set(kept)) == len(kept)
    assert sorted(kept, key=wanted.index) == kept
    missing = sum(seconds_between(gap["from"], gap["to"]) for gap in missing_after_the_start(session))
    assert missing == pytest.approx((len(wanted) - len(kept)) / 25, abs=0.5)
    assert missing < B_FRAMES.gop_seconds + 3
    assert took < 4


def workers_of(stack: Stack, channel_id: str) -> list[psutil.Process]:
    lines = [(process, " ".join(process.cmdline())) for process in stack.family() if process.is_running()]
    return [process for process, line in lines if "services.worker --channel" in line and channel_id in line]


def test_a_worker_killed_amid_the_hand_over_costs_nothing_and_nothing_is_kept_twice(stack: Stack, media: Media) -> None:
    source = media.file(LONG_GOP)
    with on_air(stack, source) as (channel, publisher):
        leaving = worker_of(stack, channel["id"])
        leaving.terminate()
        eventually(lambda: len(workers_of(stack, channel["id"])) == 2, within=5, what="a successor")
        leaving.suspend()  # it answers nobody, and its ffmpeg captures on
        standby = f"spool/{stack.session(channel['id'])['id']}/*-standby/segment-*.ts"
        eventually(lambda: list(stack.seen.glob(standby)), within=15, what="the successor captures as well")
        leaving.kill()
        publisher.wait(within=20)
    session = ended(stack, channel["id"])

    recordings = stack.objects(f"recordings/{channel['id']}/**/*.mp4")
    kept = kept_of(recordings, "v")
    wanted = from_the_first_kept(source, "v", kept)
    assert len(set(kept)) == len(kept)
    assert sorted(kept, key=wanted.index) == kept
    assert len(wanted) == len(kept)
    gaps = missing_after_the_start(session)
    assert {gap["cause"] for gap in gaps} <= {"worker_lost"}
    missing = sum(seconds_between(gap["from"], gap["to"]) for gap in gaps)
    assert missing == pytest.approx((len(wanted) - len(kept)) / 25, abs=0.5)
    parts = session["parts"]
    assert all(before["to"] <= after["from"] for before, after in pairwise(parts))


def test_without_a_successor_everything_is_shipped_in_time(own_stack: Stack, media: Media) -> None:
    with on_air(own_stack, media.file(Clip(seconds=40, gop_seconds=2))) as (channel, _):
        gateway = own_stack.process_with("services.gateway")
        assert gateway is not None
        gateway.suspend()
        try:
            leaving = worker_of(own_stack, channel["id"])
            asked = time.monotonic()
            leaving.terminate()
            eventually(lambda: not is_alive(leaving), within=STOPPED_WITHIN, what="the worker is gone")  # not reaped
            took = time.monotonic() - asked
            head = own_stack.head(channel["id"])
            spool = [
                path for path in (own_stack.data / "spool").glob("*/e*/*") if path.suffix in {".mp4", ".ts", ".jpg"}
            ]
        finally:
            gateway.resume()

    assert took < STOPPED_WITHIN
    assert head["counts"]["recordings"] == 1
    assert spool == []
