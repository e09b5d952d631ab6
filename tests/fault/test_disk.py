"""Row "disk full, spool folder gone": said in `state_reason` and in the log, and capture goes on when it can."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator

import pytest

from tests.fault.stories import Told, events
from tests.fault.world import World, a_world
from tests.numbered import NumberedClip, NumberedMedia
from tests.waiting import eventually

MIB = 1024 * 1024
DISK_BYTES, KEPT_FREE = 40 * MIB, 8 * MIB


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, numbered: NumberedMedia) -> Iterator[World]:
    """A stack whose data folder is a small disk, of which a part must stay free."""
    folder = tmp_path_factory.mktemp("disk")
    (folder / "data").mkdir()
    flags = "-m" if os.geteuid() == 0 else "-rm"
    mount = f'mount -t tmpfs -o size={DISK_BYTES} tmpfs "$0" && exec "$@"'
    wrapper = ("unshare", flags, "sh", "-c", mount, str(folder / "data"))
    variables = {"STREAMKEEP_MIN_FREE_BYTES": str(KEPT_FREE), "STREAMKEEP_LOG_FORMAT": "json"}
    with a_world(folder, numbered, variables=variables, wrapper=wrapper) as running:
        yield running


def test_a_spool_folder_that_is_removed_is_said_and_capture_goes_on(world: World) -> None:
    air = world.air(NumberedClip(), video_time=4)
    air.until_segments(4)
    spool, removed = world.stack.seen / "spool" / str(air.session["id"]), time.monotonic()
    shutil.rmtree(spool)
    reason = eventually(lambda: air.session["state_reason"], within=10, what="the reason is said")
    said = time.monotonic() - removed
    eventually(lambda: air.session["state_reason"] is None, within=15, what="it is live again")
    recovered = time.monotonic() - removed
    air.until_segments(3)
    air.end()
    told = Told(air, {"said": said, "recovered": recovered})
    print(told.figures, f"lost {told.lost:.2f} s", told.report.lines()[-1])

    assert reason["code"] == "spool_unavailable"
    assert [event["code"] for event in events(world, "capture_interrupted", channel=air.id)] == ["spool_unavailable"]
    assert told.report.findings == [], told.whole()
    assert told.causes == {"disk_full", "store_dropped"}, "not captured, and captured and removed"
    assert told.lost < 4 + 2 + 4 + 2, "the recording that was open, the time until it was noticed, and until a keyframe"


def test_a_full_disk_is_said_and_capture_goes_on_when_there_is_room(world: World) -> None:
    air = world.air(NumberedClip(), video_time=4)
    air.until_segments(4)
    filler, filled = world.stack.seen / "filler", time.monotonic()
    filler.write_bytes(bytes(shutil.disk_usage(world.stack.seen).free - KEPT_FREE // 2))
    reason = eventually(lambda: air.session["state_reason"], within=10, what="the reason is said")
    said = time.monotonic() - filled
    filler.unlink()
    emptied = time.monotonic()
    air.until_segments(1)
    recovered = time.monotonic() - emptied
    air.until_segments(2)
    air.end()
    told = Told(air, {"said": said, "recovered": recovered})
    print(told.figures, f"lost {told.lost:.2f} s", told.report.lines()[-1])

    assert reason["code"] == "disk_full"
    assert [event["code"] for event in events(world, "capture_interrupted", channel=air.id)] == ["disk_full"]
    assert told.report.findings == [], told.whole()
    assert told.causes == {"disk_full"}
    assert told.lost < 8
