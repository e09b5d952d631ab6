"""What is swept while a real nginx records."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from services.gateway.backlog.sweeping import Sweeper
from tests.gateway.world import World
from tests.rtmp import AUDIO, Connection, LivePublisher, Tag, read_flv
from tests.waiting import eventually

MIB = 2**20
FREE = "0"


@pytest.fixture
def recording_world(new_world_with_nginx: Callable[..., World]) -> Callable[..., World]:
    """Make a world whose nginx records, and start it."""

    def make(**settings: str) -> World:
        world = new_world_with_nginx(**{"MIN_FREE_BYTES": FREE, **settings})
        backlog = str(world.folder / "backlog")
        world.variables["STREAMKEEP_BACKLOG_PATH"] = world.nginx.variables["STREAMKEEP_BACKLOG_PATH"] = backlog
        world.read_settings()
        world.add_channel()
        world.start()
        return world

    return make


def sweeper(world: World) -> Sweeper:
    backlog = world.served.app.backlog
    assert backlog is not None
    return backlog.sweeper


def recordings(world: World) -> list[Path]:
    return sorted((world.folder / "backlog").glob("*/*.flv"))


def seen_more_than(count: int, names: set[str], world: World) -> bool:
    names.update(each.name for each in recordings(world))
    return len(names) > count


def left(world: World) -> list[str]:
    return sorted(each.name for each in (world.folder / "backlog" / "recording").iterdir())


def test_what_is_too_old_is_deleted_and_what_is_anothers_stays(
    recording_world: Callable[..., World], media: Path
) -> None:
    world = recording_world(BACKLOG_SECONDS="1.5")
    notes = world.folder / "backlog" / "recording" / "notes.txt"
    notes.write_text("mine")
    earlier = world.folder / "backlog" / "recording" / "camera-1795216000.ab.flv"
    earlier.write_bytes(b"FLV")
    with LivePublisher(f"{world.nginx.rtmp_url}/{world.key()}", read_flv(media)):
        world.until_on_air()
        eventually(lambda: len(left(world)) == 4, within=3, what="a recording, its admission, and what lay there")
        eventually(lambda: not earlier.exists(), within=4, what="what an earlier life left is gone")
        assert recordings(world)
    world.until(lambda: left(world) == ["notes.txt"], "all but the notes is gone")

    assert notes.read_text() == "mine"


def test_sound_without_end_is_cut_and_all_together_stay_in_their_bound(recording_world: Callable[..., World]) -> None:
    world = recording_world(BACKLOG_BYTES=str(MIB))
    names: set[str] = set()
    with Connection(f"{world.nginx.rtmp_url}/{world.key()}") as connection:
        for number in range(3):
            for packet in range(12):
                connection.send(Tag(AUDIO, 1000 * number + packet, b"\x2f" + bytes(50_000)))
            cuts = len(names)
            eventually(partial(seen_more_than, cuts, names, world), what="a cut")
        world.until(lambda: sum(each.stat().st_size for each in recordings(world)) <= MIB, "the bound holds")
        eventually(lambda: len(names) > len(recordings(world)), what="the oldest is gone")

        assert not connection.is_cut.is_set()
    assert world.journal.all("recording_cut")


def test_on_a_short_disk_nothing_is_recorded_the_publisher_stays_and_it_begins_again_by_itself(
    recording_world: Callable[..., World], media: Path
) -> None:
    world = recording_world()
    tags = read_flv(media)
    began = time.monotonic()
    with LivePublisher(f"{world.nginx.rtmp_url}/{world.key()}", tags) as publisher:
        world.until_on_air()
        world.until(lambda: bool(recordings(world)), "a recording")
        bounds = sweeper(world).bounds
        sweeper(world).bounds = replace(bounds, reserve_bytes=2**62)
        world.until(lambda: not any((world.folder / "backlog").iterdir()), "nothing is left")
        sweeper(world).bounds = bounds
        eventually(lambda: bool(recordings(world)), within=9, what="a recording after the next keyframe in 5 s")

        assert not publisher.is_cut
        assert not publisher.ended.is_set()
    assert time.monotonic() - began < 10
    assert [each["event"] for each in world.journal.events if each["event"].startswith("backlog_")] == [
        "backlog_off",
        "backlog_on",
    ]


def test_a_gateway_that_keeps_no_backlog_records_nothing(recording_world: Callable[..., World], media: Path) -> None:
    world = recording_world(BACKLOG_SECONDS="0")
    with LivePublisher(f"{world.nginx.rtmp_url}/{world.key()}", read_flv(media)) as publisher:
        world.until_on_air()
        eventually(lambda: len(publisher.sent) > 5, what="some frames")

        assert not any((world.folder / "backlog").iterdir())
