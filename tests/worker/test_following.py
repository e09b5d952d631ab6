from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.adapters.sqlite_state import SqliteState
from services.domain.channel import Channel
from services.domain.clock import SystemClock
from services.domain.errors import VersionConflict
from services.domain.session import Close, Reason, Session, SessionState
from services.worker.following import Following
from services.worker.succession.tenure import Tenure
from tests.doubles.lagging_overview import LaggingOverview
from tests.examples import a_channel, a_publisher, a_session
from tests.worker.heard import until

pytestmark = pytest.mark.anyio

CLOCK = SystemClock()
LONG = 60.0  # seconds: no reading of its own accord within a test


def a_tenure(state: SqliteState, session_id: str = "session") -> Tenure:
    ttl = timedelta(minutes=5)
    lease = state.leases.claim(session_id, "worker", ttl=ttl, now=CLOCK.now())
    return Tenure(leases=state.leases, clock=CLOCK, lease=lease, ttl=ttl, lost=asyncio.Event())


def on_air(state: SqliteState, *, reread_seconds: float = LONG, **settings: object) -> Following:
    """Store a channel with a publisher connected, and follow its session."""
    channel = a_channel(**settings)
    session = a_session(state=SessionState.LIVE, publisher=a_publisher())
    state.channels.add(channel)
    state.sessions.save(session=session)
    return Following(
        overview=state.overview,
        sessions=state.sessions,
        clock=CLOCK,
        channel=channel,
        session=session,
        tenure=a_tenure(state),
        reread_seconds=reread_seconds,
    )


@asynccontextmanager
async def running(following: Following) -> AsyncIterator[None]:
    task = asyncio.create_task(following.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def change(state: SqliteState, **settings: object) -> Channel:
    channel = state.channels.get("camera").changed(CLOCK.now(), **settings)
    state.channels.replace(channel)
    return channel


def stored(state: SqliteState) -> Session:
    return state.sessions.get("session")


async def test_a_session_with_its_publisher_goes_on(state: SqliteState) -> None:
    following = on_air(state, reconnect_window=0)
    await following.read()

    assert not following.due.is_set()
    assert not stored(state).closing


async def test_a_completion_waits_for_the_publisher_to_leave(state: SqliteState) -> None:
    following = on_air(state)
    state.sessions.save(session=stored(state).asked_to_close(Close.COMPLETE))
    await following.read()
    assert not following.due.is_set()

    state.sessions.save(session=stored(state).lost_publisher(CLOCK.now()))
    await following.read()

    assert following.due.is_set()
    assert stored(state).closing


async def test_a_stop_ends_the_session_with_its_publisher_connected(state: SqliteState) -> None:
    following = on_air(state)
    state.sessions.save(session=stored(state).asked_to_close(Close.STOP))
    await following.read()

    assert following.due.is_set()
    assert stored(state).closing


async def test_the_end_of_the_reconnect_window_ends_the_session(state: SqliteState) -> None:
    following = on_air(state, reconnect_window=60)
    state.sessions.save(session=stored(state).lost_publisher(CLOCK.now() - timedelta(seconds=59)))
    await following.read()
    assert not following.due.is_set()

    state.sessions.save(session=replace(stored(state), absent_since=CLOCK.now() - timedelta(seconds=60), version=3))
    await following.read()

    assert following.due.is_set()


async def test_the_end_of_the_window_is_not_slept_through(state: SqliteState) -> None:
    following = on_air(state, reconnect_window=0.4)
    state.sessions.save(session=stored(state).lost_publisher(CLOCK.now()))
    async with running(following), asyncio.timeout(1.5):
        await following.due.wait()


async def test_a_publisher_who_is_back_in_time_keeps_the_session(state: SqliteState) -> None:
    following = on_air(state, reconnect_window=60)
    state.sessions.save(session=stored(state).lost_publisher(CLOCK.now() - timedelta(seconds=59)))
    state.sessions.save(session=stored(state).with_publisher(a_publisher("2")))
    await following.read()

    assert not following.due.is_set()
    assert following.session.publisher == a_publisher("2")


async def test_a_change_of_the_plan_is_told(state: SqliteState) -> None:
    following = on_air(state, image_time=10)
    change(state, image_time=20)
    await following.read()

    assert following.replanned.is_set()
    assert following.plan().image_seconds == 20


async def test_a_change_that_the_plan_does_not_show_is_not_told(state: SqliteState) -> None:
    following = on_air(state)
    change(state, description="another")
    await following.read()

    assert not following.replanned.is_set()
    assert following.channel.description == "another"


async def test_what_is_told_is_read_at_once(state: SqliteState) -> None:
    following = on_air(state)
    async with running(following):
        await until(lambda: following.session.version == 1)
        change(state, image_time=20)
        following.told.set()
        async with asyncio.timeout(1):
            await following.replanned.wait()


async def test_what_nobody_tells_is_read_before_long(state: SqliteState) -> None:
    following = on_air(state, reread_seconds=0.2)
    async with running(following):
        change(state, image_time=20)
        async with asyncio.timeout(2):
            await following.replanned.wait()


async def test_the_following_ends_with_the_session(state: SqliteState) -> None:
    following = on_air(state, reread_seconds=0.1)
    state.sessions.save(session=stored(state).asked_to_close(Close.STOP))
    async with asyncio.timeout(5):
        await following.run()

    assert following.due.is_set()


async def test_while_state_is_away_the_last_reading_stands(state: SqliteState) -> None:
    following = on_air(state, image_time=7)
    state.close()
    await following.read()

    assert following.plan().image_seconds == 7
    assert following.session.state is SessionState.LIVE
    assert not following.due.is_set()


async def test_a_deleted_channel_leaves_its_session_running(state: SqliteState) -> None:
    following = on_air(state, image_time=7)
    state.channels.remove("camera")
    await following.read()

    assert following.plan().image_seconds == 7
    assert not following.due.is_set()


async def test_a_change_is_made_on_what_is_stored_now(state: SqliteState) -> None:
    following = on_air(state)
    state.sessions.save(session=stored(state).heard())
    await following.change(lambda session: session.went_live())

    assert stored(state).version == 3
    assert stored(state).publisher == a_publisher(listening=True)


async def test_no_change_is_no_version(state: SqliteState) -> None:
    following = on_air(state)
    await following.change(lambda _session: None)

    assert stored(state).version == 1


def resume(state: SqliteState, session_id: str, began: threading.Barrier) -> bool:
    """Try to resume a session as the publish callback does; say whether it could be."""
    began.wait(10)
    while True:
        session = state.sessions.get(session_id)
        if session.closing or not session.state.is_open:
            return False
        try:
            state.sessions.save(session=session.with_publisher(a_publisher("2")))
        except VersionConflict:
            continue
        return True


async def test_a_publisher_who_meets_the_end_resumes_or_opens_anew_but_never_both(tmp_path: Path) -> None:
    outcomes = set()
    with SqliteState(tmp_path / "state.db") as ours, SqliteState(tmp_path / "state.db") as theirs:
        channel = a_channel(reconnect_window=0)
        ours.channels.add(channel)
        for number in range(40):
            absent = a_session(f"session-{number}", state=SessionState.INTERRUPTED, absent_since=CLOCK.now())
            ours.sessions.save(session=absent)
            following = Following(
                overview=ours.overview,
                sessions=ours.sessions,
                clock=CLOCK,
                channel=channel,
                session=absent,
                tenure=a_tenure(ours, absent.id),
                reread_seconds=LONG,
            )
            began = threading.Barrier(2)
            resuming = asyncio.create_task(asyncio.to_thread(resume, theirs, absent.id, began))
            await asyncio.to_thread(began.wait, 10)
            await following.read()
            resumed = await resuming
            end = ours.sessions.get(absent.id)

            assert resumed is not following.due.is_set()
            assert resumed is not end.closing
            assert resumed is (end.publisher is not None)
            outcomes.add(resumed)

    assert outcomes


@pytest.fixture
def lagging(tmp_path: Path, state: SqliteState) -> Iterator[LaggingOverview]:
    del state  # whose file it reads
    overview = LaggingOverview(tmp_path / "state.db", tmp_path)
    yield overview
    overview.close()


async def test_a_reading_of_the_past_undoes_nothing_that_is_known(state: SqliteState, lagging: LaggingOverview) -> None:
    following = on_air(state, image_time=10)
    following.overview = lagging
    lagging.hold()
    state.sessions.save(session=stored(state).lost_publisher(CLOCK.now()))
    change(state, image_time=20)
    lagging.hold(lagging.picture())
    await following.read()
    assert (following.session.version, following.channel.version) == (2, 2)
    following.replanned.clear()
    lagging.hold(lagging._pasts[0])
    await following.read()

    assert lagging.asked == 1
    assert (following.session.version, following.channel.version) == (2, 2)
    assert following.plan().image_seconds == 20
    assert not following.replanned.is_set()


async def test_a_publisher_who_is_back_keeps_the_session_though_that_is_not_seen_yet(
    state: SqliteState, lagging: LaggingOverview
) -> None:
    following = on_air(state, reconnect_window=60)
    following.overview = lagging
    state.sessions.save(session=stored(state).lost_publisher(CLOCK.now() - timedelta(seconds=61)))
    lagging.hold()
    state.sessions.save(session=stored(state).with_publisher(a_publisher("2")))
    await following.read()

    assert not following.due.is_set()
    assert not stored(state).closing
    assert following.session.publisher == a_publisher("2")


async def test_a_session_that_is_not_seen_yet_is_asked_for_by_name(
    state: SqliteState, lagging: LaggingOverview
) -> None:
    lagging.hold()
    following = on_air(state)
    following.overview = lagging
    state.sessions.save(session=stored(state).asked_to_close(Close.STOP))
    await following.read()

    assert following.due.is_set()


async def test_a_channel_that_is_not_seen_yet_leaves_its_session_running(
    state: SqliteState, lagging: LaggingOverview
) -> None:
    state.sessions.save(session=a_session("other"))
    lagging.hold()
    following = on_air(state, image_time=7)
    following.overview = lagging
    await following.read()

    assert following.plan().image_seconds == 7
    assert not following.due.is_set()


@pytest.fixture
def away(tmp_path: Path) -> SqliteState:
    """A state that is away."""
    state = SqliteState(tmp_path / "state.db")
    state.close()
    return state


REASON = Reason(code="disk_full", detail="make room", since=CLOCK.now())


async def test_what_state_could_not_take_is_recorded_with_the_next_reading(
    state: SqliteState, away: SqliteState
) -> None:
    following = on_air(state)
    following.sessions = away.sessions
    await following.report(REASON)
    assert stored(state).state is SessionState.LIVE

    following.sessions = state.sessions
    await following.read()

    assert stored(state).state is SessionState.INTERRUPTED
    assert stored(state).state_reason is not None


async def test_of_what_state_could_not_take_only_the_last_is_recorded(state: SqliteState, away: SqliteState) -> None:
    following = on_air(state)
    following.sessions = away.sessions
    await following.report(REASON)
    await following.went_live()
    following.sessions = state.sessions
    await following.read()

    assert stored(state).state is SessionState.LIVE
    assert stored(state).version == 1


async def test_what_is_recorded_is_not_said_again(state: SqliteState) -> None:
    following = on_air(state)
    await following.report(REASON)
    state.sessions.save(session=stored(state).went_live())
    await following.read()

    assert stored(state).state is SessionState.LIVE


async def test_a_reason_of_a_publisher_who_has_left_is_not_said(state: SqliteState) -> None:
    following = on_air(state)
    state.sessions.save(session=stored(state).lost_publisher(CLOCK.now()))
    await following.report(Reason(code="publisher_silent", detail="", since=CLOCK.now()), of=a_publisher())

    reason = stored(state).state_reason
    assert reason is not None
    assert reason.code == "publisher_away"


async def test_a_state_that_hangs_keeps_capture_waiting_for_two_seconds_at_most(
    state: SqliteState, tmp_path: Path
) -> None:
    following = on_air(state)
    with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        async with asyncio.timeout(3):
            await following.report(REASON)
        lock.execute("ROLLBACK")
    await following.read()

    assert stored(state).state is SessionState.INTERRUPTED


async def test_another_publisher_is_told(state: SqliteState) -> None:
    following = on_air(state)
    state.sessions.save(session=stored(state).lost_publisher(CLOCK.now()))
    await following.read()
    assert not following.arrived.is_set()

    state.sessions.save(session=stored(state).with_publisher(a_publisher("2")))
    await following.read()

    assert following.arrived.is_set()


async def test_a_newer_worker_is_seen_with_the_next_reading_and_decides_what_ends(state: SqliteState) -> None:
    following = on_air(state)
    state.leases.claim("session", "another", ttl=timedelta(minutes=1), now=CLOCK.now() + timedelta(hours=1))
    state.sessions.save(session=stored(state).asked_to_close(Close.STOP))
    await following.read()

    assert following.tenure.lost.is_set()
    assert not following.due.is_set()
    assert not stored(state).closing
