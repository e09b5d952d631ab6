"""The routes of events that a sink did not take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.domain.event import SNAPSHOT_CREATED, Event
from services.domain.outbox import DeadLetter
from tests.metadata.running import Running
from tests.metadata.test_bad_input import assert_problem

# What was given up a month ago is forgotten: letters of tests are young.
YOUNG = datetime.now(UTC).replace(microsecond=0)


def bury(service: Running, number: int, sink: str = "hook") -> str:
    at = YOUNG + timedelta(milliseconds=number)
    event = Event(
        id=f"event-{number}",
        type=SNAPSHOT_CREATED,
        channel_id="channel-1",
        session_id="session-1",
        sequence=number,
        at=at,
    )
    letter = DeadLetter(id=f"{sink}-{number}", sink=sink, event=event, error="it answers 422", tries=3, at=at)
    service.state.outbox.bury(letter)
    return letter.id


def listed(service: Running, **query: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever a query takes
    return dict(service.client.get("/dead-letters", params=query).raise_for_status().json())


def test_letters_are_listed_newest_first_a_page_at_a_time(fresh_service: Running) -> None:
    for number in (1, 2, 3):
        bury(fresh_service, number)
    bury(fresh_service, 4, sink="other")

    first = listed(fresh_service, sink="hook", limit=2)
    rest = listed(fresh_service, sink="hook", limit=2, cursor=first["next"])

    assert [each["id"] for each in first["items"]] == ["hook-3", "hook-2"]
    assert [each["id"] for each in rest["items"]] == ["hook-1"]
    assert rest["next"] is None
    assert len(listed(fresh_service)["items"]) == 4


def test_a_letter_says_what_was_to_be_sent_and_why_it_was_not(fresh_service: Running) -> None:
    letter = fresh_service.client.get(f"/dead-letters/{bury(fresh_service, 1)}").raise_for_status().json()

    assert (letter["error"], letter["tries"], letter["replaying"]) == ("it answers 422", 3, False)
    assert (letter["event"]["specversion"], letter["event"]["id"]) == ("1.0", "event-1")
    assert (letter["channel_id"], letter["session_id"]) == ("channel-1", "session-1")


def test_a_replay_marks_one_letter_or_all_of_a_sink(fresh_service: Running) -> None:
    for number in (1, 2):
        bury(fresh_service, number)
    bury(fresh_service, 3, sink="other")

    one = fresh_service.client.post("/dead-letters/other-3/replay")
    all_of_it = fresh_service.client.post("/dead-letters/replay", json={"sink": "hook"})

    assert (one.status_code, one.json()["replaying"]) == (202, True)
    assert (all_of_it.status_code, all_of_it.json()) == (202, {"replaying": 2})
    assert len(fresh_service.state.outbox.letters(10, replaying=True)) == 3


def test_a_replay_of_a_sink_that_never_was_is_refused_by_name(fresh_service: Running) -> None:
    own = fresh_service.create(sinks=[{"url": "https://example.com/hook"}])["sinks"][0]["name"]
    bury(fresh_service, 1, sink="of-old")

    def answered(sink: str) -> int:
        return fresh_service.client.post("/dead-letters/replay", json={"sink": sink}).status_code

    assert [answered(sink) for sink in ("hook", "of-old", own)] == [202, 202, 202]
    assert answered(own[:-1]) == answered("camera.12345678") == 422
    refused = assert_problem(fresh_service.client.post("/dead-letters/replay", json={"sink": "hok"}), 422)
    assert [each["field"] for each in refused["errors"]] == ["sink"]


def test_a_letter_that_is_deleted_is_gone(fresh_service: Running) -> None:
    path = f"/dead-letters/{bury(fresh_service, 1)}"

    assert fresh_service.client.delete(path).status_code == 204
    assert fresh_service.client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/dead-letters/none", 404),
        ("POST", "/dead-letters/none/replay", 404),
        ("DELETE", "/dead-letters/none", 404),
        ("POST", "/dead-letters/replay", 400),
        ("GET", "/dead-letters?cursor=none", 422),
    ],
)
def test_what_is_not_there_is_a_problem(service: Running, method: str, path: str, status: int) -> None:
    answer = service.client.request(method, path)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
