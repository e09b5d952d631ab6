from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.adapters.directory_store import DirectoryStore
from services.adapters.sqlite_state import SqliteState
from services.domain.clock import SystemClock
from services.domain.errors import StoreUnavailable
from services.domain.session import Reason, Session, SessionState
from services.worker.delivery.patience import AWAY_FAILURES, Patience
from services.worker.delivery.store_watch import StoreWatch
from services.worker.following import Following
from services.worker.succession.tenure import Tenure
from tests.examples import NOW, a_channel, a_session
from tests.worker.spool import a_keeper

pytestmark = pytest.mark.anyio

CLOCK = SystemClock()


def refused() -> None:
    raise StoreUnavailable("access is denied")


async def fail(patience: Patience) -> None:
    for _ in range(AWAY_FAILURES):
        with pytest.raises(StoreUnavailable):
            await patience.thread(refused)


@pytest.fixture
async def watch(state: SqliteState, objects: DirectoryStore, tmp_path: Path) -> AsyncIterator[StoreWatch]:
    channel, session, ttl = a_channel(), a_session(state=SessionState.LIVE), timedelta(minutes=5)
    state.channels.add(channel)
    state.sessions.save(session=session)
    lease = state.leases.claim(session.id, "worker", ttl=ttl, now=CLOCK.now())
    tenure = Tenure(leases=state.leases, clock=CLOCK, lease=lease, ttl=ttl, lost=asyncio.Event())
    following = Following(
        overview=state.overview,
        sessions=state.sessions,
        clock=CLOCK,
        channel=channel,
        session=session,
        tenure=tenure,
        reread_seconds=60,
    )
    with Patience(name="store") as patience:
        manifest = a_keeper(objects, tmp_path / "session")
        yield StoreWatch(patience=patience, following=following, manifest=manifest, clock=CLOCK, patient_seconds=0)


def stored(state: SqliteState) -> Session:
    return state.sessions.get("session")


async def test_a_store_that_is_away_is_said_and_the_session_stays_live(watch: StoreWatch, state: SqliteState) -> None:
    await fail(watch.patience)
    await watch.look()

    reason = stored(state).state_reason
    assert stored(state).state is SessionState.LIVE
    assert reason is not None
    assert reason.code == "store_unavailable"
    assert "access is denied" in reason.detail
    assert watch.manifest.head.state_reason is not None


async def test_it_is_taken_back_when_the_store_answers(watch: StoreWatch, state: SqliteState) -> None:
    await fail(watch.patience)
    await watch.look()
    await watch.patience.thread(lambda: None)
    await watch.look()

    assert stored(state).state_reason is None
    assert watch.manifest.head.state_reason is None


async def test_what_else_is_wrong_weighs_more(watch: StoreWatch, state: SqliteState) -> None:
    reason = Reason(code="disk_full", detail="no room", since=NOW)
    state.sessions.save(session=stored(state).troubled(reason))
    await watch.following.read()
    await fail(watch.patience)
    await watch.look()

    assert stored(state).state_reason == reason


async def test_a_store_that_is_there_costs_state_nothing(watch: StoreWatch, state: SqliteState) -> None:
    before = stored(state).version
    await watch.look()

    assert stored(state).version == before


async def test_a_store_that_is_away_for_a_moment_is_not_worth_a_word(watch: StoreWatch, state: SqliteState) -> None:
    watch.patient_seconds = 60
    await fail(watch.patience)
    await watch.look()

    assert stored(state).state_reason is None
