"""The disk fills up while a channel is on air, and empties again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.clips import WITH_SOUND
from tests.e2e.publisher import Publisher
from tests.e2e.stack import Stack
from tests.local.running import free_offset
from tests.media import Media
from tests.waiting import eventually

MIB = 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Stack]:
    """A stack whose data folder is a disk of 32 MiB of which 8 must stay free."""
    data = tmp_path / "data"
    data.mkdir()
    flags = "-m" if os.geteuid() == 0 else "-rm"
    mount = 'mount -t tmpfs -o size=32m tmpfs "$0" && exec "$@"'
    with Stack(
        data,
        free_offset(),
        variables={"STREAMKEEP_MIN_FREE_BYTES": str(8 * MIB)},
        wrapper=("unshare", flags, "sh", "-c", mount, str(data)),
    ) as running:
        yield running


def test_a_full_disk_is_said_and_capture_goes_on_when_there_is_room(small_disk: Stack, media: Media) -> None:
    channel = small_disk.create(video_time=4)
    filler = small_disk.seen / "filler"
    with Publisher(channel["publish"]["url"], media.file(WITH_SOUND)):
        small_disk.wait_for_state(channel["id"], "live", within=10)
        free = shutil.disk_usage(small_disk.seen).free
        filler.write_bytes(bytes(free - 4 * MIB))
        reason = eventually(
            lambda: small_disk.channel(channel["id"])["state_reason"], within=20, what="the reason is said"
        )
        filler.unlink()
        small_disk.wait_for_state(channel["id"], "live", within=15)
    small_disk.api.post(f"/channels/{channel['id']}/complete")
    small_disk.wait_for_state(channel["id"], "idle", within=15)

    assert reason["code"] == "disk_full"
    session = small_disk.session(channel["id"])
    assert [gap["cause"] for gap in session["gaps"]] == ["disk_full"]
    root = small_disk.seen / "objects"
    assert all((root / entry["key"]).is_file() for entry in small_disk.head(channel["id"])["tail"])
