"""Retention and takedowns, over a real state file and a real folder of objects."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from services.adapters.directory_store import DirectoryStore
from services.adapters.sqlite_state import SqliteState
from services.domain import keys, manifest
from services.domain.artifact import Kind
from services.domain.errors import SessionNotFound, StoreUnavailable
from services.domain.manifest import Head
from services.domain.retention import Retention
from services.domain.session import Reason, Session
from services.reconciler.erasing import Eraser
from services.reconciler.keeping import Keeping
from tests.doubles.moving_clock import MovingClock
from tests.examples import NOW, a_channel, a_picture, a_session

ENDED = NOW + timedelta(hours=2)


@dataclass(frozen=True, kw_only=True)
class World:
    state: SqliteState
    store: DirectoryStore
    clock: MovingClock
    keeping: Keeping
    root: Path

    def kinds(self, session_id: str = "session") -> set[str]:
        """Name what there is of a session in the store."""
        paths = [each for each in self.root.rglob("*") if each.is_file() and f"/{session_id}/" in str(each)]
        return {each.relative_to(self.root).parts[0] for each in paths}

    def there_is(self, key: str) -> bool:
        return (self.root / key).is_file()

    def later(self, **time: float) -> None:
        self.clock.at += timedelta(**time)
        self.keeping.step()

    def keep(self, **days: int) -> None:
        self.state.channels.add(a_channel(retention=Retention(**days)))

    def stored(self, session_id: str = "session", *, began: timedelta = timedelta()) -> Session:
        """Store an ended session with an object of each kind in each of its two hours."""
        session = a_session(session_id, started_at=NOW + began)
        air = self.state.sessions.air("camera")
        self.state.sessions.save(session=session, air=air.opened(session_id))
        ended = session.ended(ENDED + began)
        self.state.sessions.save(session=ended, air=air.opened(session_id).changed(session_id=None))
        for hour in range(2):
            moment = NOW + began + timedelta(hours=hour)
            for kind in (Kind.SNAPSHOT, Kind.RECORDING):
                self.put(keys.dated(kind, "camera", session_id, moment))
            self.put(keys.segment("camera", session_id, hour))
        for key in (keys.vod_playlist("camera", session_id), keys.sprites("camera", session_id)):
            self.put(key)
        for key in (keys.live_playlist("camera"), keys.latest_snapshot("camera")):
            if not self.there_is(key):
                self.put(key)
        head = Head(
            session_id=session_id, channel_id="camera", started_at=NOW + began, state=ended.state, epoch=1
        ).with_artifact(a_picture())
        self.store.replace(keys.head("camera", session_id), manifest.encode_head(head), etag=None)
        return ended

    def put(self, key: str) -> None:
        self.store.replace(key, key.encode(), etag=None)

    def head(self) -> Head:
        return manifest.decode_head(self.store.read(keys.head("camera", "session")).body)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = MovingClock(ENDED)
    state, store = SqliteState(tmp_path / "state.db", clock), DirectoryStore(tmp_path / "objects")
    eraser = Eraser(sessions=state.sessions, store=store, objects=store, clock=clock)
    keeping = Keeping(channels=state.channels, sessions=state.sessions, eraser=eraser, clock=clock)
    with state:
        yield World(state=state, store=store, clock=clock, keeping=keeping, root=tmp_path / "objects")


def test_each_kind_is_kept_for_its_days_and_not_longer(world: World) -> None:
    world.keep(snapshots=1, recordings=3)
    world.stored()

    world.later(hours=23.9)
    assert world.kinds() == {"snapshots", "recordings", "hls", "sessions"}
    world.later(hours=0.2)
    assert world.kinds() == {"recordings", "hls", "sessions"}
    world.later(days=2)
    assert world.kinds() == {"hls", "sessions"}
    world.later(days=36_000)
    assert world.kinds() == {"hls", "sessions"}


def test_what_is_over_is_named_by_no_list_and_by_no_manifest(world: World) -> None:
    world.keep(snapshots=1, hls=1)
    world.stored()

    world.later(days=1)

    assert world.state.sessions.get("session").expired == {"snapshots", "hls"}
    assert world.head().expired == ("hls", "snapshots")
    assert world.head().tail == ()
    for key in (keys.live_playlist("camera"), keys.latest_snapshot("camera")):
        assert not world.there_is(key)
    assert world.state.sessions.air("camera").last_session_id is None


def test_the_lists_of_a_later_session_stay_when_an_earlier_one_is_over(world: World) -> None:
    world.keep(snapshots=1, hls=1)
    world.stored("earlier")
    world.stored("session", began=timedelta(hours=5))

    world.later(days=1)

    assert world.kinds("earlier") == {"recordings", "sessions"}
    assert world.kinds() == {"snapshots", "recordings", "hls", "sessions"}
    assert world.there_is(keys.live_playlist("camera"))
    assert world.there_is(keys.latest_snapshot("camera"))
    assert world.state.sessions.air("camera").last_session_id == "session"


def test_segments_of_a_channel_that_keeps_none_on_demand_live_a_day(world: World) -> None:
    world.state.channels.add(a_channel(is_on_demand=False))
    world.stored()

    world.later(hours=25)

    assert world.kinds() == {"snapshots", "recordings", "sessions"}


def test_a_held_session_is_kept_until_it_is_released(world: World) -> None:
    world.keep(snapshots=1, recordings=1, hls=1)
    session = world.stored()
    world.state.sessions.save(session=session.held(Reason(code="held", detail="a court asks", since=NOW)))

    world.later(days=5)
    assert world.kinds() == {"snapshots", "recordings", "hls", "sessions"}

    world.state.sessions.save(session=world.state.sessions.get("session").held(None))
    world.later(days=1)
    assert world.kinds() == {"sessions"}


def test_a_changed_retention_holds_for_what_is_stored_already(world: World) -> None:
    world.keep()
    world.stored()
    world.later(days=9)

    channel = world.state.channels.get("camera")
    world.state.channels.replace(channel.changed(NOW, retention=Retention(recordings=7)))
    world.later(minutes=11)

    assert world.kinds() == {"snapshots", "hls", "sessions"}


def test_a_session_that_is_open_loses_nothing(world: World) -> None:
    world.keep(snapshots=1, recordings=1, hls=1)
    world.state.sessions.save(session=a_session())
    world.put(keys.dated(Kind.SNAPSHOT, "camera", "session", NOW))

    world.later(days=5)

    assert world.kinds() == {"snapshots"}


def test_a_takedown_leaves_nothing_of_the_session_and_all_of_its_neighbours(world: World) -> None:
    world.keep()
    world.stored("other", began=timedelta(hours=-3))
    session = world.stored()

    world.state.sessions.save(session=session.taken_down(ENDED))
    world.later(seconds=2)

    assert world.kinds() == set()
    with pytest.raises(SessionNotFound):
        world.state.sessions.get("session")
    assert world.kinds("other") == {"snapshots", "recordings", "hls", "sessions"}
    assert not world.there_is(keys.latest_snapshot("camera"))


def test_work_beyond_one_steps_share_is_done_by_the_next_steps(world: World) -> None:
    world.keep(snapshots=1, recordings=1, hls=1)
    world.stored("other", began=timedelta(hours=-3))
    world.stored()
    world.keeping.eraser.calls_at_once = 6

    steps = 0
    while world.kinds() | world.kinds("other") != {"sessions"}:
        world.later(days=2)
        steps += 1
        assert steps < 20

    assert steps > 3
    assert world.state.sessions.get("session").erased == {"snapshots", "recordings", "hls"}


def test_a_step_that_is_killed_anywhere_leaves_no_name_of_what_is_gone(world: World) -> None:
    world.keep(hls=1)
    world.stored()
    world.keeping.eraser.calls_at_once = 1
    world.later(days=1)  # the record says it, nothing is removed yet

    assert world.state.sessions.get("session").expired == {"hls"}
    assert "hls" in world.kinds()


def test_more_sessions_than_a_page_holds_are_all_looked_at(world: World) -> None:
    world.keep(snapshots=1)
    world.keeping.page = 2
    for number in range(5):
        world.stored(f"session-{number}", began=timedelta(minutes=number))

    for _ in range(4):
        world.later(days=1)

    assert [world.kinds(f"session-{number}") for number in range(5)] == [{"recordings", "hls", "sessions"}] * 5


def test_what_a_deleted_channel_stored_is_kept(world: World) -> None:
    world.keep(snapshots=1)
    world.stored()
    world.state.channels.remove("camera")

    world.later(days=5)

    assert world.kinds() == {"snapshots", "recordings", "hls", "sessions"}


def test_the_manifest_of_what_is_kept_reads_as_before(world: World) -> None:
    world.keep()
    world.stored()

    world.later(days=5)

    assert "expired" not in json.loads(world.store.read(keys.head("camera", "session")).body)


class Cache:
    def __init__(self, *failures: Exception) -> None:
        self.failures, self.forgotten = list(failures), dict[str, list[str]]()

    def forget(self, prefixes: Sequence[str], *, reference: str) -> None:
        if self.failures:
            raise self.failures.pop()
        self.forgotten[reference] = list(prefixes)


def test_what_is_taken_down_is_taken_out_of_the_viewers_cache_before_it_is_forgotten(world: World) -> None:
    world.keep()
    session = world.stored()
    cache = world.keeping.eraser.cache = Cache(StoreUnavailable("away"))
    world.state.sessions.save(session=session.taken_down(ENDED))

    with pytest.raises(StoreUnavailable):
        world.keeping.step()
    assert world.state.sessions.removals()
    world.keeping.step()

    assert cache.forgotten == {"session": ["hls/camera/session/", "snapshots/camera/", "recordings/camera/"]}
    assert world.state.sessions.removals() == []
