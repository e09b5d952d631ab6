"""What the program reads from state and writes into it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from services.adapters.sqlite_state import SqliteState
from services.domain.clock import Clock
from services.domain.errors import LeaseHeld
from services.domain.ids import pull_id
from services.domain.session import Air, Block, Pull, Reason
from services.puller.hold import Hold
from services.puller.trouble import ENDED, UNAVAILABLE, UNSUPPORTED, Trouble
from services.puller.wish import Wish
from services.runtime.process_name import own_name
from tests.doubles.still_clock import StillClock
from tests.examples import NOW, a_channel

SOURCE = "rtmp://live.example/app/name"
TTL = timedelta(seconds=30)


@pytest.fixture
def clock() -> StillClock:
    return StillClock(NOW)


@pytest.fixture
def state(tmp_path: Path, clock: StillClock) -> Iterator[SqliteState]:
    with closing(SqliteState(tmp_path / "state.db", clock)) as state:
        yield state


@pytest.fixture
def pulled(state: SqliteState) -> SqliteState:
    """State with a channel whose source is to be fetched."""
    state.channels.add(a_channel(source_url=SOURCE))
    state.sessions.save(air=Air(channel_id="camera").changed(pull=Pull(since=NOW)))
    return state


def told(state: SqliteState) -> Reason | None:
    pull = state.sessions.air("camera").pull
    assert pull is not None
    return pull.trouble


def a_wish(state: SqliteState, clock: Clock) -> Wish:
    return Wish(
        channel_id="camera",
        overview=state.overview,
        channels=state.channels,
        sessions=state.sessions,
        clock=clock,
        reread_seconds=1,
    )


def test_a_started_channel_is_wished_for(pulled: SqliteState, clock: StillClock) -> None:
    wish = a_wish(pulled, clock)
    asyncio.run(wish.read())

    assert wish.channel == a_channel(source_url=SOURCE)


@pytest.mark.parametrize("change", [{"source_url": ""}, {"enabled": False}, {"outdate": NOW}])
def test_a_change_that_takes_the_wish_away_is_noticed(
    pulled: SqliteState, clock: StillClock, change: dict[str, object]
) -> None:
    wish = a_wish(pulled, clock)
    asyncio.run(wish.read())
    wish.changed.clear()
    pulled.channels.replace(a_channel(source_url=SOURCE).changed(NOW, **change))

    asyncio.run(wish.read())

    assert wish.channel is None
    assert wish.changed.is_set()


@pytest.mark.parametrize("change", [{"pull": None}, {"block": Block(until=None, reason="", since=NOW)}])
def test_a_stop_is_noticed(pulled: SqliteState, clock: StillClock, change: dict[str, object]) -> None:
    wish = a_wish(pulled, clock)
    pulled.sessions.save(air=pulled.sessions.air("camera").changed(**change))

    asyncio.run(wish.read())

    assert wish.channel is None


def test_another_source_is_noticed_and_another_setting_changes_nothing(pulled: SqliteState, clock: StillClock) -> None:
    wish = a_wish(pulled, clock)
    asyncio.run(wish.read())
    wish.changed.clear()
    named = a_channel(source_url=SOURCE).changed(NOW, name="Studio")
    pulled.channels.replace(named)
    asyncio.run(wish.read())
    noticed = [wish.changed.is_set()]
    pulled.channels.replace(named.changed(NOW, source_url=f"{SOURCE}2"))
    asyncio.run(wish.read())

    assert [*noticed, wish.changed.is_set()] == [False, True]


def test_why_nothing_comes_is_told_once_and_since_when_stays(pulled: SqliteState, clock: StillClock) -> None:
    trouble = Trouble(channel_id="camera", sessions=pulled.sessions, clock=clock)
    trouble.tell(UNAVAILABLE, "connection refused")
    version = pulled.sessions.air("camera").version
    trouble.tell(UNAVAILABLE, "connection refused")
    trouble.tell(UNAVAILABLE, "it ended")

    assert told(pulled) == Reason(code=UNAVAILABLE, detail="connection refused", since=NOW)
    assert pulled.sessions.air("camera").version == version


def test_another_kind_of_trouble_is_told_at_once(pulled: SqliteState, clock: StillClock) -> None:
    trouble = Trouble(channel_id="camera", sessions=pulled.sessions, clock=clock)
    trouble.tell(UNAVAILABLE, "connection refused")
    trouble.tell(UNSUPPORTED, "its video is hevc")

    assert told(pulled) == Reason(code=UNSUPPORTED, detail="its video is hevc", since=NOW)


def test_what_an_earlier_program_told_is_known(pulled: SqliteState, clock: StillClock) -> None:
    Trouble(channel_id="camera", sessions=pulled.sessions, clock=clock).tell(ENDED, "it has ended")

    assert Trouble(channel_id="camera", sessions=pulled.sessions, clock=clock).recorded() == ENDED


def test_trouble_is_over_when_media_comes_whoever_told_it(pulled: SqliteState, clock: StillClock) -> None:
    Trouble(channel_id="camera", sessions=pulled.sessions, clock=clock).tell(UNAVAILABLE, "connection refused")
    Trouble(channel_id="camera", sessions=pulled.sessions, clock=clock).over()

    assert told(pulled) is None


def test_trouble_of_a_channel_that_was_stopped_meanwhile_is_not_recorded(
    pulled: SqliteState, clock: StillClock
) -> None:
    stopped = pulled.sessions.air("camera").changed(pull=None)
    pulled.sessions.save(air=stopped)

    Trouble(channel_id="camera", sessions=pulled.sessions, clock=clock).tell(UNAVAILABLE, "connection refused")

    assert pulled.sessions.air("camera") == stopped


def test_one_program_at_a_time_fetches_a_source(state: SqliteState, clock: StillClock) -> None:
    state.leases.claim(pull_id("camera"), "elsewhere:1", ttl=TTL, now=NOW)
    hold = Hold(leases=state.leases, channel_id="camera", clock=clock, ttl=TTL)

    with pytest.raises(LeaseHeld):
        hold.take()


def test_a_dead_programs_hold_is_taken_over_at_once(state: SqliteState, clock: StillClock) -> None:
    host_kernel, _, _ = own_name().rpartition(":")[0].rpartition(":")
    state.leases.claim(pull_id("camera"), f"{host_kernel}:{2**22 + 1}:1", ttl=TTL, now=NOW)

    hold = Hold(leases=state.leases, channel_id="camera", clock=clock, ttl=TTL)
    hold.take()

    lease = state.leases.get(pull_id("camera"))
    assert lease is not None
    assert lease.holder == own_name()
