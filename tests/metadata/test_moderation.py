from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.domain import times
from tests.metadata.broadcasts import START, end, go_live
from tests.metadata.running import Running
from tests.metadata.test_bad_input import assert_problem


def post(service: Running, channel_id: str, action: str, body: object = None) -> dict[str, Any]:
    answer = service.client.post(f"/channels/{channel_id}/{action}", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_stop_blocks_the_channel_and_asks_its_session_to_end_now(service: Running) -> None:
    channel_id = service.create()["id"]
    session = go_live(service, channel_id, "stopped")

    channel = post(service, channel_id, "stop", {"reason": "nudity"})

    assert channel["state"] == "blocked"
    assert (channel["state_reason"]["code"], channel["state_reason"]["detail"]) == ("blocked", "nudity")
    assert service.state.sessions.get(session.id).close == "stop"
    assert service.callback.refreshed.count(channel_id) == 1


def test_a_block_is_told_with_its_reason_and_the_session_that_it_ends(service: Running) -> None:
    channel_id = service.create(name="Gate", labels={"site": "north"})["id"]
    go_live(service, channel_id, "told")
    until = times.text((datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0))

    post(service, channel_id, "stop", {"reason": "nudity", "block_until": until})
    post(service, channel_id, "unblock")
    post(service, channel_id, "stop")

    first, second = service.state.outbox.read(f"channel/{channel_id}", 0, 10)
    assert (first.type, first.sequence, first.session_id, first.channel_id) == ("channel.blocked", 1, None, channel_id)
    assert first.data == {
        "block_until": until,
        "reason": "nudity",
        "ended_session_id": "told",
        "name": "Gate",
        "labels": {"site": "north"},
    }
    assert (second.sequence, second.data["block_until"]) == (2, None)


def test_a_stop_without_a_body_blocks_until_unblock(service: Running) -> None:
    channel_id = service.create()["id"]

    assert service.client.post(f"/channels/{channel_id}/stop").json()["state"] == "blocked"
    assert post(service, channel_id, "unblock")["state"] == "idle"
    assert service.state.sessions.air(channel_id).block is None
    assert service.callback.refreshed.count(channel_id) == 2


def test_a_block_ends_by_itself_at_its_time(service: Running) -> None:
    channel_id = service.create()["id"]
    until = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)

    stopped = post(service, channel_id, "stop", {"block_until": times.text(until), "reason": "pause"})

    assert stopped["state"] == "blocked"
    assert stopped["state_reason"]["detail"] == f"pause (until {times.text(until)})"

    air = service.state.sessions.air(channel_id)
    assert air.block is not None
    assert air.block.until == until
    assert air.blocked(until) is None


def test_a_second_stop_replaces_the_first(service: Running) -> None:
    channel_id = service.create()["id"]
    go_live(service, channel_id, "stopped-twice")
    post(service, channel_id, "stop", {"reason": "first"})

    assert post(service, channel_id, "stop", {"reason": "second"})["state_reason"]["detail"] == "second"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("block_until", "2020-01-01"),
        ("block_until", "soon"),
        ("block_until", 5),
        ("reason", "r" * 201),
        ("reason", None),
        ("until", "2030-01-01"),
    ],
)
def test_an_impossible_stop_is_refused_by_name_and_blocks_nothing(service: Running, field: str, value: object) -> None:
    channel_id = service.create()["id"]

    problem = assert_problem(service.client.post(f"/channels/{channel_id}/stop", json={field: value}), 422)

    assert [error["field"] for error in problem["errors"]] == [field]
    assert service.read(channel_id)["state"] == "idle"


def test_a_completion_is_asked_of_the_open_session(service: Running) -> None:
    channel_id = service.create()["id"]
    session = go_live(service, channel_id, "completed")

    assert post(service, channel_id, "complete")["state"] == "live"

    assert service.state.sessions.get(session.id).close == "complete"
    assert service.callback.refreshed.count(channel_id) == 1


def test_a_completion_is_never_a_conflict(service: Running) -> None:
    channel_id = service.create()["id"]
    assert post(service, channel_id, "complete")["state"] == "idle"
    session = go_live(service, channel_id, "completed-often")
    post(service, channel_id, "complete")

    post(service, channel_id, "complete")

    assert service.state.sessions.get(session.id).version == session.version + 1
    end(service, session, START)
    assert post(service, channel_id, "complete")["state"] == "idle"


def test_a_completion_does_not_soften_a_stop(service: Running) -> None:
    channel_id = service.create()["id"]
    session = go_live(service, channel_id, "stopped-then-completed")
    post(service, channel_id, "stop")

    post(service, channel_id, "complete")

    assert service.state.sessions.get(session.id).close == "stop"


def test_orders_given_at_once_all_succeed_and_the_stop_prevails(service: Running) -> None:
    channel_id = service.create()["id"]
    session = go_live(service, channel_id, "contested")

    with ThreadPoolExecutor(8) as callers:
        channels = list(callers.map(lambda action: post(service, channel_id, action), ["complete", "stop"] * 4))

    assert len(channels) == 8
    assert service.state.sessions.get(session.id).close == "stop"
    assert service.read(channel_id)["state"] == "blocked"


@pytest.mark.parametrize("action", ["stop", "unblock", "complete", "key"])
def test_an_unknown_channel_cannot_be_acted_on(service: Running, action: str) -> None:
    assert_problem(service.client.post(f"/channels/unknown/{action}"), 404)
