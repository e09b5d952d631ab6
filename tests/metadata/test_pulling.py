"""A channel with a source of its own: start, stop, complete, and how its address is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.domain.session import Close, Reason
from tests.metadata.broadcasts import go_live
from tests.metadata.running import Running
from tests.metadata.test_bad_input import assert_problem
from tests.metadata.test_moderation import post

SOURCE = "rtsp://admin:s3cret@cam.example:554/stream?token=abc"
SHOWN = "rtsp://***@cam.example:554/stream?token=***"


def is_wished(service: Running, channel_id: str) -> bool:
    return service.state.sessions.air(channel_id).pull is not None


def test_start_has_the_source_fetched_and_says_so(service: Running) -> None:
    channel_id = service.create(source_url=SOURCE)["id"]

    channel = post(service, channel_id, "start")

    assert (channel["pulling"], channel["state"], channel["state_reason"]) == (True, "idle", None)
    assert is_wished(service, channel_id)
    assert service.callback.refreshed.count(channel_id) == 1


def test_a_second_start_changes_nothing(service: Running) -> None:
    channel_id = service.create(source_url=SOURCE)["id"]
    post(service, channel_id, "start")
    air = service.state.sessions.air(channel_id)

    post(service, channel_id, "start")

    assert service.state.sessions.air(channel_id) == air


def test_without_a_source_start_says_how_a_broadcast_begins(service: Running) -> None:
    channel_id = service.create()["id"]

    answer = service.client.post(f"/channels/{channel_id}/start")

    assert_problem(answer, 422)
    assert answer.json()["errors"][0]["field"] == "source_url"
    assert "publish to the channel" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("fields", "remedy"), [({"enabled": False}, "set enabled to true"), ({"outdate": "2020-01-01"}, "later outdate")]
)
def test_a_channel_that_nobody_may_publish_to_is_not_started(
    service: Running, fields: dict[str, Any], remedy: str
) -> None:
    channel_id = service.create(source_url=SOURCE, **fields)["id"]

    answer = service.client.post(f"/channels/{channel_id}/start")

    assert_problem(answer, 409)
    assert remedy in answer.json()["detail"]


def test_stop_ends_the_fetching_and_a_blocked_channel_is_not_started(service: Running) -> None:
    channel_id = service.create(source_url=SOURCE)["id"]
    post(service, channel_id, "start")

    assert post(service, channel_id, "stop")["pulling"] is False
    answer = service.client.post(f"/channels/{channel_id}/start")
    assert_problem(answer, 409)
    assert "unblock first" in answer.json()["detail"]
    assert post(service, channel_id, "unblock")["pulling"] is False
    assert post(service, channel_id, "start")["pulling"] is True


def test_complete_ends_the_session_and_the_fetching(service: Running) -> None:
    channel_id = service.create(source_url=SOURCE)["id"]
    post(service, channel_id, "start")
    session = go_live(service, channel_id, "pulled")

    assert post(service, channel_id, "complete")["pulling"] is False
    assert service.state.sessions.get(session.id).close is Close.COMPLETE


@pytest.mark.parametrize("host", ["127.0.0.1:1935", "[fe80::1]:1935", "10.0.0.7"])
def test_a_source_inside_is_refused_when_it_is_given(service: Running, host: str) -> None:
    channel_id = service.create(source_url=SOURCE)["id"]

    answer = service.client.patch(f"/channels/{channel_id}", json={"source_url": f"rtmp://u:word@{host}/a"})

    assert_problem(answer, 422)
    assert answer.json()["errors"][0]["field"] == "source_url"
    assert "STREAMKEEP_ALLOWED_NETWORKS" in answer.json()["detail"]
    assert "word" not in answer.text


@pytest.mark.parametrize("change", [{"source_url": None}, {"source_url": ""}, {"enabled": False}])
def test_taking_the_source_away_ends_the_fetching(service: Running, change: dict[str, Any]) -> None:
    channel_id = service.create(source_url=SOURCE)["id"]
    post(service, channel_id, "start")

    service.client.patch(f"/channels/{channel_id}", json=change).raise_for_status()

    assert not is_wished(service, channel_id)


def test_another_source_leaves_the_fetching_on(service: Running) -> None:
    channel_id = service.create(source_url=SOURCE)["id"]
    post(service, channel_id, "start")

    service.client.patch(f"/channels/{channel_id}", json={"source_url": "rtmp://live.example/a/b"}).raise_for_status()

    assert is_wished(service, channel_id)


def test_a_deleted_channel_is_fetched_no_more(service: Running) -> None:
    channel_id = service.create(source_url=SOURCE)["id"]
    post(service, channel_id, "start")

    service.client.delete(f"/channels/{channel_id}").raise_for_status()

    assert not is_wished(service, channel_id)


def test_an_answer_shows_no_credentials_and_can_be_sent_back(service: Running) -> None:
    channel = service.create(source_url=SOURCE)
    fields = {"name": "Gate", "source_url": channel["source_url"]}

    put = service.client.put(f"/channels/{channel['id']}", json=fields).raise_for_status().json()

    assert channel["source_url"] == put["source_url"] == SHOWN
    assert service.state.channels.get(channel["id"]).source_url == SOURCE


def test_credentials_that_are_not_kept_cannot_be_left_out(service: Running) -> None:
    answer = service.client.post("/channels", json={"source_url": SHOWN})

    assert_problem(answer, 422)
    assert "in full" in answer.json()["detail"]
    assert service.create(source_url=None)["source_url"] is None


def test_why_nothing_comes_is_shown_while_nobody_publishes(service: Running) -> None:
    channel_id = service.create(source_url=SOURCE)["id"]
    post(service, channel_id, "start")
    trouble = Reason(code="source_unavailable", detail="connection refused", since=datetime.now(UTC))
    air = service.state.sessions.air(channel_id)
    assert air.pull is not None
    service.state.sessions.save(air=air.changed(pull=type(air.pull)(since=air.pull.since, trouble=trouble)))

    shown = service.read(channel_id)["state_reason"]
    listed = service.client.get("/channels").json()["items"]

    assert (shown["code"], shown["detail"]) == ("source_unavailable", "connection refused")
    assert shown in [each["state_reason"] for each in listed]
    go_live(service, channel_id, "published")
    assert service.read(channel_id)["state_reason"] is None
