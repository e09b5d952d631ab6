"""Retention, holds and takedowns as a caller of the API sees them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.domain.session import Session
from tests.metadata.broadcasts import START, end, go_live, picture, recording, write_manifest
from tests.metadata.running import Running
from tests.metadata.test_bad_input import assert_problem

FOR_EVER = {"snapshots": None, "recordings": None, "hls": None}


def live(service: Running) -> Session:
    channel_id = service.create()["id"]
    return go_live(service, channel_id, f"session-of-{channel_id}")


def ended(service: Running) -> Session:
    session = live(service)
    write_manifest(service, session, tail=[picture(session, 1), recording(session, 0)])
    return end(service, session, START + timedelta(minutes=5))


def test_retention_is_for_ever_until_it_is_set_and_each_kind_has_its_own(service: Running) -> None:
    channel = service.create()
    assert channel["retention"] == FOR_EVER

    changed = service.client.patch(f"/channels/{channel['id']}", json={"retention": {"snapshots": 30, "hls": "7"}})

    assert changed.json()["retention"] == {"snapshots": 30, "recordings": None, "hls": 7}
    assert service.read(channel["id"])["retention"] == {"snapshots": 30, "recordings": None, "hls": 7}


@pytest.mark.parametrize("off", [None, "", False, {}, {"hls": None}])
def test_retention_is_switched_off_again(service: Running, off: object) -> None:
    channel = service.create(retention={"hls": 1})

    changed = service.client.patch(f"/channels/{channel['id']}", json={"retention": off})

    assert changed.json()["retention"] == FOR_EVER


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"hls": 0}, "hls: must be a whole number from 1 to 36500 days, or null for ever"),
        ({"snapshots": 1.5}, "snapshots: must be a whole number"),
        ({"recordings": "soon"}, "recordings: must be a whole number"),
        ({"videos": 3}, "must be an object of snapshots, recordings, hls"),
        (7, "must be an object of snapshots, recordings, hls"),
    ],
)
def test_an_impossible_retention_is_refused_by_name(service: Running, value: object, says: str) -> None:
    problem = assert_problem(service.client.post("/channels", json={"retention": value}), 422)

    assert problem["errors"][0]["field"] == "retention"
    assert says in problem["errors"][0]["problem"]


def test_a_session_that_is_taken_down_is_nowhere_to_be_seen(service: Running) -> None:
    session = ended(service)

    assert service.client.delete(f"/sessions/{session.id}").status_code == 204

    assert service.client.get(f"/sessions/{session.id}").status_code == 404
    assert session.id not in [each["id"] for each in service.client.get("/sessions").json()["items"]]
    for of_channel in ("sessions", "snapshots", "recordings"):
        assert service.client.get(f"/channels/{session.channel_id}/{of_channel}").json()["items"] == []
    assert service.client.delete(f"/sessions/{session.id}").status_code == 404
    assert session.id in [each.id for each in service.state.sessions.removals()]


def test_a_session_on_air_is_not_taken_down_and_not_held(service: Running) -> None:
    session = live(service)

    for refused in (
        service.client.delete(f"/sessions/{session.id}"),
        service.client.put(f"/sessions/{session.id}/hold", json={}),
    ):
        assert "stop or complete its channel first" in assert_problem(refused, 409)["detail"]


def test_a_held_session_is_taken_down_only_once_it_is_released(service: Running) -> None:
    session = ended(service)
    path = f"/sessions/{session.id}"

    held = service.client.put(f"{path}/hold", json={"reason": "a court asks for it"})

    assert held.json()["hold"]["detail"] == "a court asks for it"
    assert "held; release it first" in assert_problem(service.client.delete(path), 409)["detail"]
    assert service.client.delete(f"{path}/hold").json()["hold"] is None
    assert service.client.delete(path).status_code == 204


def test_kinds_whose_time_is_over_are_listed_no_more_and_the_session_says_so(service: Running) -> None:
    session = ended(service)
    service.state.sessions.save(session=session.with_expired(frozenset({"recordings"})))

    assert service.client.get(f"/sessions/{session.id}").json()["expired"] == ["recordings"]
    assert service.client.get(f"/channels/{session.channel_id}/recordings").json()["items"] == []
    assert len(service.client.get(f"/channels/{session.channel_id}/snapshots").json()["items"]) == 1
