"""`python -m services.worker --pool`: a worker that waits for a session, and then works for it like any other."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from services.domain.clock import SystemClock
from services.domain.pool import IdleWorker
from tests.doubles.ecs_agent import ecs_agent
from tests.doubles.open_gateway import OpenGateway
from tests.media import Clip, Media
from tests.waiting import eventually
from tests.worker.a_worker import CHANNEL, SESSION, AWorker, publishing

CLIP = Clip(seconds=30, gop_seconds=1)
CLAIM = {"channel": CHANNEL, "session": SESSION}


@pytest.fixture
def idle(tmp_path: Path, gateway: OpenGateway) -> Iterator[AWorker]:
    """A worker that waits, warm."""
    with AWorker(tmp_path, gateway, STREAMKEEP_ZONE="zone-a", PYTHONPROFILEIMPORTTIME="1") as worker:
        worker.start("--pool")
        yield worker


def row(worker: AWorker) -> IdleWorker:
    """Wait for the worker's row."""
    return eventually(lambda: next(iter(worker.state.pool.all()), None), what="an idle worker")


def claim(worker: AWorker) -> IdleWorker:
    found = worker.state.pool.claim(CHANNEL, SESSION, zone="zone-a", now=SystemClock().now())
    assert found is not None
    return found


def is_at_work(worker: AWorker) -> bool:
    lease = worker.state.leases.get(SESSION)
    return lease is not None and bool(lease.control_url)


def imported(log: str) -> list[str]:
    """Give what PYTHONPROFILEIMPORTTIME tells of."""
    return [line.rpartition("|")[2].strip() for line in log.splitlines() if line.startswith("import time:")]


def test_a_claimed_worker_takes_the_session_and_captures_at_once_and_imports_nothing_more(
    idle: AWorker, gateway: OpenGateway, media: Media
) -> None:
    control_url = row(idle).control_url
    idle.accept()
    with publishing(media.file(CLIP), gateway):
        claim(idle)
        answer = httpx.post(f"{control_url}/claim", json=CLAIM, timeout=5)
        idle.wait_for_segments(2)
    idle.signal(signal.SIGINT)

    assert answer.status_code == 204
    assert idle.wait(15) == 0
    lease = idle.state.leases.get(SESSION)
    assert lease is not None
    assert lease.epoch == 1
    before, _, after = idle.log().partition('"event": "claimed"')
    assert "services.worker.broadcast" in imported(before)
    assert imported(after) == []


def test_a_claim_that_nobody_tells_of_is_found_by_reading(idle: AWorker) -> None:
    row(idle)
    idle.accept()
    claim(idle)

    eventually(lambda: is_at_work(idle), within=8, what="the worker takes the session")


def test_the_port_that_was_told_of_a_claim_is_the_one_where_the_session_is_looked_after(idle: AWorker) -> None:
    control_url = row(idle).control_url
    idle.accept()
    claim(idle)
    httpx.post(f"{control_url}/claim", json=CLAIM, timeout=5).raise_for_status()
    eventually(lambda: is_at_work(idle), what="the worker takes the session")
    lease = idle.state.leases.get(SESSION)

    assert lease is not None
    assert lease.control_url == control_url
    assert httpx.post(f"{control_url}/refresh", headers={"Authorization": "Bearer pull"}).status_code == 204
    assert httpx.post(f"{control_url}/claim", json=CLAIM).status_code in {404, 405}


def test_a_call_that_is_no_claim_of_this_worker_is_refused(idle: AWorker) -> None:
    url = f"{row(idle).control_url}/claim"
    idle.accept()

    assert [httpx.post(url, json=body).status_code for body in ({"channel": CHANNEL}, ["x"], {"x": "y" * 5000})] == [
        422,
        422,
        422,
    ]
    assert httpx.post(url, json=CLAIM | {"session": "another"}).status_code == 409


def test_an_idle_worker_that_is_asked_to_go_takes_its_row_back_and_ends(idle: AWorker) -> None:
    row(idle)
    idle.signal(signal.SIGTERM)

    assert idle.wait(3) == 0
    assert idle.state.pool.all() == []


def test_a_worker_that_is_claimed_when_it_is_asked_to_go_works_on_until_a_successor_could_come(
    tmp_path: Path, gateway: OpenGateway, media: Media
) -> None:
    with AWorker(tmp_path, gateway, STREAMKEEP_HAND_OVER_SECONDS="4") as worker:
        worker.start("--pool")
        row(worker)
        worker.accept()
        with publishing(media.file(CLIP), gateway):
            claim(worker)
            worker.signal(signal.SIGTERM)

            assert worker.wait(20) == 0
        assert worker.said("claimed")
        assert worker.said("no_successor")
        assert worker.segments() > 0


def test_an_idle_worker_outlives_an_absence_of_state(idle: AWorker) -> None:
    first = row(idle)
    with closing(sqlite3.connect(idle.spool.parent / "state.db", isolation_level=None)) as connection:
        connection.execute("ALTER TABLE pool RENAME TO gone")
        eventually(lambda: idle.said("state_away"), within=8, what="it notices")
        connection.execute("ALTER TABLE gone RENAME TO pool")
    idle.accept()
    claim(idle)

    eventually(lambda: is_at_work(idle), within=15, what="the worker takes the session")
    assert first.zone == "zone-a"


def test_a_row_that_somebody_forgot_is_offered_again(idle: AWorker) -> None:
    forgotten = row(idle)
    idle.state.pool.remove(forgotten.id)

    eventually(lambda: idle.state.pool.get(forgotten.id), within=8, what="the row")


def test_a_claim_of_a_session_that_another_has_ends_as_it_does_without_the_pool(idle: AWorker) -> None:
    row(idle)
    idle.accept()
    idle.state.leases.claim(SESSION, "another", ttl=timedelta(minutes=5), now=SystemClock().now())
    claim(idle)

    assert idle.wait(10) == 3


def test_on_ecs_a_worker_is_called_by_its_task_and_reached_at_its_address(tmp_path: Path, gateway: OpenGateway) -> None:
    with (
        ecs_agent("task-1", address="127.0.0.2", zone="eu-central-1b") as agent,
        AWorker(tmp_path, gateway, STREAMKEEP_CONTROL_PORT="18904", **agent.variables) as worker,
    ):
        worker.start("--pool")
        found = row(worker)
        worker.accept()
        claim(worker)
        eventually(lambda: is_at_work(worker), what="the worker takes the session")
        lease = worker.state.leases.get(SESSION)

        assert (found.id, found.zone, found.control_url) == ("task-1", "eu-central-1b", "http://127.0.0.2:18904")
        assert lease is not None
        assert lease.holder.startswith("task-1:")


@pytest.mark.parametrize("arguments", [("--pool", "--session", "x"), ("--pool", "--channel", "x"), ()])
def test_a_worker_is_told_one_session_or_to_wait(
    tmp_path: Path, gateway: OpenGateway, arguments: tuple[str, ...]
) -> None:
    with AWorker(tmp_path, gateway) as worker:
        worker.start(*(arguments or ("--channel", "x")))

        assert worker.wait(10) == 2
        assert "--pool alone" in worker.log()
