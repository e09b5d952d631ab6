"""Measures the main job: `python -m tests.e2e.measure [--publishes 10] [--seconds 120]`.

Prints the times from the arrival of on_publish to the first snapshot and to a playable live.m3u8 over some publishes,
and the CPU and memory of one worker's process tree over a broadcast of 720p30 with B-frames and sound, GOP 2 s.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from datetime import datetime
from functools import partial
from pathlib import Path

import psutil

from tests.e2e.publisher import Publisher
from tests.e2e.stack import Stack
from tests.local.running import free_offset
from tests.waiting import eventually


def hd_stream(folder: Path) -> Path:
    """Make a minute of 720p30 with B-frames and sound, GOP 2 s, 3 Mb/s."""
    path = folder / "hd.flv"
    argv = (
        "ffmpeg -nostdin -v error -f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine=frequency=440 -t 60 "
        "-c:v libx264 -preset veryfast -b:v 3M -g 60 -keyint_min 60 -sc_threshold 0 -bf 2 -pix_fmt yuv420p -c:a aac"
    )
    subprocess.run([*argv.split(), str(path)], check=True)
    return path


def start_times(stack: Stack, source: Path) -> tuple[float, float]:
    """Give seconds to the first snapshot and to the live playlist of one publish on a new channel."""
    channel = stack.create(image_time=10, hls_time=2, reconnect_window=0)
    root = stack.data / "objects"
    with Publisher(channel["publish"]["url"], source):
        found = [
            eventually(partial(stack.objects, pattern), within=15, what=pattern)[0].relative_to(root)
            for pattern in (f"snapshots/{channel['id']}/2*/**/*.jpg", f"hls/{channel['id']}/live.m3u8")
        ]
        began = datetime.fromisoformat(stack.session(channel["id"])["started_at"]).timestamp()
        seconds = tuple((root / path).stat().st_ctime - began for path in found)
    stack.wait_for_state(channel["id"], "idle", within=10)
    return seconds[0], seconds[1]


def tree_cost(stack: Stack, source: Path, seconds: float) -> str:
    """Describe the CPU and memory of a worker with ffmpeg and picture child over a broadcast."""
    channel = stack.create(image_time=10, video_time=60, hls_time=2, reconnect_window=0)
    with Publisher(channel["publish"]["url"], source):
        stack.wait_for_state(channel["id"], "live", within=10)
        worker = eventually(
            lambda: stack.process_with("services.worker", "--channel", channel["id"]), within=5, what="a worker"
        )
        time.sleep(5)  # start-up apart
        tree = [worker, *worker.children(recursive=True)]
        before, began, peak = cpu(tree), time.monotonic(), 0.0
        while time.monotonic() - began < seconds:
            peak = max(peak, sum(process.memory_info().rss for process in tree if process.is_running()))
            time.sleep(1)
        used, elapsed = cpu(tree) - before, time.monotonic() - began
        each = ", ".join(f"{process.name()} {process.memory_info().rss / 2**20:.0f} MiB" for process in tree)
    return f"{used / elapsed:.2%} of a core over {elapsed:.0f} s, at most {peak / 2**20:.0f} MiB resident ({each})"


def cpu(tree: list[psutil.Process]) -> float:
    """Give the CPU seconds used so far, short-lived children included."""
    times = [process.cpu_times() for process in tree if process.is_running()]
    return sum(part.user + part.system + part.children_user + part.children_system for part in times)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--publishes", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=120)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = hd_stream(Path(folder))
        with Stack(Path(folder) / "data", free_offset()) as stack:
            times = [start_times(stack, source) for _ in range(arguments.publishes)]
            for name, values in zip(("first snapshot", "live.m3u8"), zip(*times, strict=True), strict=True):
                print(f"{name}: median {statistics.median(values):.2f} s, max {max(values):.2f} s")
            print(f"worker's process tree: {tree_cost(stack, source, arguments.seconds)}")


if __name__ == "__main__":
    main()
