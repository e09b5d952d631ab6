"""What a worker's container uses while it captures an encoder's stream with a quarter of a processor and 512 MB."""

from __future__ import annotations

import fnmatch
import os
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.doubles.open_gateway import OpenGateway
from tests.e2e.bucket import Bucket
from tests.images.containers import Container
from tests.images.sessions import on_air
from tests.images.stream import make_clip, publishing
from tests.waiting import eventually

SECONDS = float(os.environ.get("TRIAL_SECONDS", "120"))
LIMITS = ("--cpus=0.25", "--memory=512m")
STOP_SECONDS = 30.0
MEGABYTE = 1e6
KINDS = {"snapshots": "jpg", "recordings": "mp4", "hls": "ts"}


def used(worker: Container, seconds: float) -> tuple[float, float, float]:
    """Watch it so long; give the part of a processor it used, and the most MB: its own, and with its files."""
    cgroup, most = worker.cgroup(), 0
    began, before = time.monotonic(), cgroup.cpu_seconds()
    while (left := began + seconds - time.monotonic()) > 0:
        most = max(most, cgroup.own_bytes())
        threading.Event().wait(min(left, 0.5))
    cpu = (cgroup.cpu_seconds() - before) / (time.monotonic() - began)
    return cpu, most / MEGABYTE, cgroup.peak_bytes() / MEGABYTE


def stored(bucket: Bucket) -> Counter[str]:
    """Count the objects of each kind so far."""
    keys = bucket.keys()
    return Counter({kind: len(fnmatch.filter(keys, f"{kind}/channel-capture/*.{end}")) for kind, end in KINDS.items()})


@pytest.mark.timeout(SECONDS + 180)
def test_a_quarter_of_a_processor_and_512_mb_capture_1080p60(
    gateway: OpenGateway, aws_here: Mapping[str, str], tmp_path: Path
) -> None:
    command = on_air("capture", aws_here["STREAMKEEP_TABLE"], image_time=10, video_time=60, hls_time=2)
    bucket = Bucket(aws_here["STREAMKEEP_BUCKET"], aws_here["AWS_ENDPOINT_URL"], tmp_path / "bucket")
    variables = {**aws_here, "STREAMKEEP_SPOOL_PATH": "/spool", "STREAMKEEP_PULL_URL": gateway.url}
    clip = make_clip(tmp_path / "clip.flv")
    with (
        Container(image="worker", command=command, environment=variables, options=LIMITS, folder=tmp_path) as worker,
        publishing(clip, f"{gateway.url}/channel-capture"),
    ):
        eventually(lambda: stored(bucket)["hls"], within=60, what=f"a segment\n{worker.log}")
        begun = stored(bucket)
        cpu, own, charged = used(worker, SECONDS)
        meanwhile = stored(bucket) - begun
        asked = time.monotonic()
        worker.terminate()
        code = worker.wait(STOP_SECONDS)
        stopped = time.monotonic() - asked

    print(
        f"{SECONDS:g} s: {cpu:.3f} of a processor, {own:.0f} MB, {charged:.0f} MB with files; ended in {stopped:.1f} s"
    )
    kept = stored(bucket) - begun
    print(f"stored meanwhile: {dict(meanwhile)}; in all {dict(kept)}")
    assert worker.log.count('"event": "stop_asked"') == 1
    assert code == 0
    assert meanwhile["hls"] >= SECONDS / 2 - 2
    assert kept["snapshots"] >= SECONDS / 10
    assert kept["recordings"] >= SECONDS // 60
    assert kept["hls"] >= SECONDS / 2
