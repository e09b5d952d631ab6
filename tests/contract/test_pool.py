from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from services.adapters.opening import State
from services.domain.errors import VersionConflict
from services.domain.pool import DEAD_AFTER, FORGOTTEN_AFTER, IdleWorker
from tests.contract import dynamodb_world, racing_tasks
from tests.contract.racing import Racers
from tests.contract.worlds import STATES
from tests.doubles.still_clock import StillClock
from tests.emulators import Emulators
from tests.examples import NOW

URL = "http://192.0.2.1:8004"


def an_idle_worker(worker_id: str = "task", /, **facts: Any) -> IdleWorker:  # noqa: ANN401 - any field of the record
    return IdleWorker(**{"id": worker_id, "control_url": URL, "seen_at": NOW, "zone": "zone-a", **facts})


def test_an_idle_worker_is_claimed_by_the_session_it_is_claimed_for(state: State) -> None:
    state.pool.offer(an_idle_worker())

    claimed = state.pool.claim("camera", "session", zone="zone-a", now=NOW)

    assert claimed == an_idle_worker(channel_id="camera", session_id="session")
    assert state.pool.get("task") == claimed


def test_an_empty_pool_gives_nobody(state: State) -> None:
    assert state.pool.claim("camera", "session", zone="", now=NOW) is None


def test_a_claimed_worker_is_not_given_again(state: State) -> None:
    state.pool.offer(an_idle_worker())
    state.pool.claim("camera", "session", zone="zone-a", now=NOW)

    assert state.pool.claim("other", "other-session", zone="zone-a", now=NOW) is None


def test_a_worker_of_the_own_zone_comes_before_others(state: State) -> None:
    for number in range(4):
        state.pool.offer(an_idle_worker(f"far-{number}", zone="zone-b"))
    state.pool.offer(an_idle_worker("near"))

    claimed = state.pool.claim("camera", "session", zone="zone-a", now=NOW)

    assert claimed is not None
    assert claimed.id == "near"


@pytest.mark.parametrize("zone", ["zone-a", "zone", ""])
def test_a_worker_of_another_zone_is_better_than_none(state: State, zone: str) -> None:
    state.pool.offer(an_idle_worker(zone="zone-b"))

    claimed = state.pool.claim("camera", "session", zone=zone, now=NOW)

    assert claimed is not None
    assert claimed.zone == "zone-b"


def test_a_worker_without_a_zone_is_claimed_where_there_are_none(state: State) -> None:
    state.pool.offer(an_idle_worker(zone=""))

    assert state.pool.claim("camera", "session", zone="", now=NOW) is not None


def test_a_worker_that_was_not_seen_lately_is_not_claimed(state: State) -> None:
    state.pool.offer(an_idle_worker())

    assert state.pool.claim("camera", "session", zone="zone-a", now=NOW + DEAD_AFTER) is None


def test_a_row_that_was_extended_is_claimed(state: State) -> None:
    state.pool.offer(an_idle_worker())
    state.pool.offer(an_idle_worker(seen_at=NOW + DEAD_AFTER))

    assert state.pool.claim("camera", "session", zone="zone-a", now=NOW + DEAD_AFTER) is not None


def test_a_claimed_worker_cannot_be_offered_again(state: State) -> None:
    state.pool.offer(an_idle_worker())
    claimed = state.pool.claim("camera", "session", zone="zone-a", now=NOW)

    with pytest.raises(VersionConflict):
        state.pool.offer(an_idle_worker(seen_at=NOW + timedelta(seconds=10)))

    assert state.pool.get("task") == claimed


def test_all_rows_are_listed_by_id_the_claimed_and_the_dead_ones_too(state: State) -> None:
    state.pool.offer(an_idle_worker("c", zone="zone-a"))
    state.pool.claim("camera", "session", zone="", now=NOW)
    state.pool.offer(an_idle_worker("b", seen_at=NOW - 2 * DEAD_AFTER))
    state.pool.offer(an_idle_worker("a", zone="zone-b"))

    assert [(each.id, each.session_id, each.is_alive(NOW)) for each in state.pool.all()] == [
        ("a", None, True),
        ("b", None, False),
        ("c", "session", True),
    ]


def test_a_removed_row_is_forgotten_and_claimed_by_nobody(state: State) -> None:
    state.pool.offer(an_idle_worker())

    state.pool.remove("task")

    assert (state.pool.get("task"), state.pool.all()) == (None, [])
    assert state.pool.claim("camera", "session", zone="zone-a", now=NOW) is None


def test_a_row_that_is_not_there_is_removed_without_complaint(state: State) -> None:
    state.pool.remove("task")
    state.pool.remove("task", unless_claimed=True)

    assert state.pool.get("task") is None


def test_an_unclaimed_row_can_be_taken_back_by_its_worker(state: State) -> None:
    state.pool.offer(an_idle_worker())

    state.pool.remove("task", unless_claimed=True)

    assert state.pool.get("task") is None


def test_a_claimed_row_cannot_be_taken_back(state: State) -> None:
    state.pool.offer(an_idle_worker())
    state.pool.claim("camera", "session", zone="zone-a", now=NOW)

    with pytest.raises(VersionConflict):
        state.pool.remove("task", unless_claimed=True)

    assert state.pool.get("task") is not None


def test_a_claimed_row_can_be_forgotten_by_whoever_knows_that_its_task_is_gone(state: State) -> None:
    state.pool.offer(an_idle_worker())
    state.pool.claim("camera", "session", zone="zone-a", now=NOW)

    state.pool.remove("task")

    assert state.pool.get("task") is None


def test_the_rows_of_dead_idle_workers_go_by_themselves_and_claimed_ones_stay(tmp_path: Path) -> None:
    later = NOW + FORGOTTEN_AFTER
    with closing(STATES["sqlite"](tmp_path)) as state:
        state.pool.offer(an_idle_worker("claimed"))
        state.pool.claim("camera", "session", zone="zone-a", now=NOW)
        state.pool.offer(an_idle_worker("dead"))
    with closing(STATES["sqlite"](tmp_path, StillClock(later))) as state:
        state.pool.offer(an_idle_worker("fresh", seen_at=later))

        assert [each.id for each in state.pool.all()] == ["claimed", "fresh"]


def test_each_of_many_idle_workers_is_claimed_by_one_of_four_processes(
    state: State, state_world: str, tmp_path: Path, racers: Racers
) -> None:
    workers = [an_idle_worker(f"task-{number}", zone=f"zone-{number % 2}") for number in range(racing_tasks.SESSIONS)]
    for worker in workers:
        state.pool.offer(worker)

    got = racers.run(racing_tasks.claim_workers, state_world, tmp_path)

    claimed = Counter(worker_id for of_one in got for worker_id, _ in of_one)
    assert claimed == Counter(worker.id for worker in workers)
    by_id = {worker_id: session_id for of_one in got for worker_id, session_id in of_one}
    assert {each.id: each.session_id for each in state.pool.all()} == by_id


def test_a_worker_that_extends_its_row_while_others_claim_it_is_claimed_once_and_hears_of_it(
    state: State, state_world: str, tmp_path: Path, racers: Racers
) -> None:
    state.pool.offer(an_idle_worker("task-0"))

    outcomes = racers.run(racing_tasks.offer_or_claim, state_world, tmp_path, an_idle_worker("task-0"))

    assert sorted(filter(None, outcomes)) == ["claimed", "task-0"]


def test_to_extend_a_row_writes_to_no_index_of_dynamodb(tmp_path: Path, emulators: Emulators) -> None:
    url = emulators.url("moto")
    dynamodb_world.lend_table(tmp_path, url)
    client = boto3.client("dynamodb", endpoint_url=url, region_name="eu-central-1")

    def indexed() -> list[Any]:
        """Give what of each item is in any index."""
        items = client.scan(TableName=(tmp_path / "table").read_text())["Items"]
        return [{name: item.get(name) for name in ("list", "place", "channel", "open")} for item in items]

    with closing(STATES["dynamodb-moto"](tmp_path)) as state:
        state.pool.offer(an_idle_worker())
        before = indexed()
        state.pool.offer(an_idle_worker(seen_at=NOW + timedelta(seconds=10)))

        assert indexed() == before
        state.pool.claim("camera", "session", zone="zone-a", now=NOW)
        assert indexed() != before
