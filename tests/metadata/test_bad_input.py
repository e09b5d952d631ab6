"""Bad input: each answer says what to mend, and nothing is stored."""

from __future__ import annotations

import http.client
import json
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.examples import a_channel
from tests.metadata.broadcasts import go_live
from tests.metadata.running import DEADLINE_SECONDS, TOKEN, Running

MEDIA_TYPE = "application/problem+json"


def assert_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    problem = dict(answer.json())
    assert {"type", "title", "status", "detail"} <= set(problem)
    assert problem["status"] == status
    assert problem["detail"]
    return problem


def stored(service: Running) -> int:
    return len(service.state.channels.page(1000))


IMPOSSIBLE: list[tuple[str, Any]] = [
    ("image_time", 0),
    ("image_time", -1),
    ("image_time", "abc"),
    ("image_time", 1e9),
    ("image_time", "NaN"),
    ("image_time", "1e1"),
    ("image_time", ""),
    ("image_time", None),
    ("image_time", True),
    ("image_time", 10**300),
    ("image_time", [5]),
    ("image_time", {"seconds": {"of": [{}]}}),
    ("video_time", 1.9),
    ("hls_time", "31"),
    ("hls_list_size", 3.5),
    ("hls_list_size", 2),
    ("reconnect_window", 3601),
    ("isImage", "yes"),
    ("is_image", 1),
    ("enabled", None),
    ("name", "n" * 201),
    ("videoname", 5),
    ("name", "a\0b\n\x1b[31m"),
    ("videoname", "two\nlines"),
    ("name", "\x85"),
    ("description", "\x1b[31m"),
    ("description", "over\rwritten"),
    ("labels", {"": "sport"}),
    ("labels", {" ": "sport"}),
    ("labels", {"te\nam": "sport"}),
    ("labels", {"team": "\x7f"}),
    ("description", "d" * 2001),
    ("labels", {str(number): "" for number in range(21)}),
    ("labels", {"team": 5}),
    ("labels", {"l" * 201: ""}),
    ("labels", []),
    ("outdate", "tomorrow"),
    ("outdate", "2030-02-30"),
    ("outdate", "2030/13/1"),
    ("outdate", "2030-12-09T10:00:00"),
    ("outdate", "1969-12-31"),
    ("outdate", "0001-01-01T00:00:00+23:00"),
    ("outdate", 1670544000),
    ("second_publisher", "both"),
    ("second_publisher", {}),
    ("colour", "red"),
    ("older_fields", {}),
    ("key_version", 1),
    ("", 1),
]


@pytest.mark.parametrize(("field", "value"), IMPOSSIBLE)
@pytest.mark.parametrize("route", ["/channels", "/videostream"])
def test_an_impossible_field_is_refused_by_the_callers_name(
    service: Running, route: str, field: str, value: object
) -> None:
    before = stored(service)

    problem = assert_problem(service.client.post(route, json={"description": "fine", field: value}), 422)

    assert [error["field"] for error in problem["errors"]] == [field]
    assert problem["errors"][0]["problem"]
    assert stored(service) == before


def test_text_of_all_other_kinds_is_taken_as_it_is(service: Running) -> None:
    sent = {"name": "Küche “1” ☕", "description": "one\ntwo\r\n\tthree", "labels": {"team": "", "日本 語": "🎥"}}

    channel = service.create(**sent)

    assert {name: service.read(channel["id"])[name] for name in sent} == sent


def test_a_channel_that_was_stored_with_such_text_is_still_read_and_changed(service: Running) -> None:
    hostile = "a\0b\n\x1b[31m"
    service.state.channels.add(a_channel("hostile", name=hostile, labels={"": hostile}, key_secret="new"))

    changed = service.client.patch("/channels/hostile", json={"image_time": 5})

    assert changed.status_code == 200
    assert service.read("hostile")["name"] == service.client.get("/videostream/hostile").json()["videoname"] == hostile


def test_an_id_is_not_the_callers_to_choose(service: Running) -> None:
    problem = assert_problem(service.client.post("/channels", json={"id": "../../etc/passwd"}), 422)

    assert problem["errors"] == [{"field": "id", "problem": "is set by the service; leave it out"}]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_an_impossible_change_changes_nothing(service: Running, method: str) -> None:
    channel = service.create(image_time=5)

    answer = service.client.request(method, f"/channels/{channel['id']}", json={"name": "new", "image_time": 0})

    assert_problem(answer, 422)
    assert service.read(channel["id"])["version"] == 1


def test_every_impossible_field_is_named_at_once(service: Running) -> None:
    body = {"image_time": 0, "isHls": "perhaps", "colour": 1, "isFlv": True}

    problem = assert_problem(service.client.post("/channels", json=body), 422)

    assert {error["field"] for error in problem["errors"]} == set(body)


def test_a_field_given_in_both_spellings_is_refused(service: Running) -> None:
    problem = assert_problem(service.client.post("/channels", json={"is_hls": True, "isHls": False}), 422)

    assert [error["field"] for error in problem["errors"]] == ["isHls"]


def test_an_absurdly_long_field_name_is_answered_shortened(service: Running) -> None:
    answer = service.client.post("/channels", json={"x" * 100_000: 1})

    assert_problem(answer, 422)
    assert len(answer.content) < 1000


@pytest.mark.parametrize(
    ("field", "value"),
    [("isFlv", True), ("is_flv", "true"), ("image_format", "webp"), ("relays", [{}])],
)
def test_a_feature_that_is_not_built_is_refused_by_name(service: Running, field: str, value: object) -> None:
    problem = assert_problem(service.client.post("/channels", json={field: value}), 422)

    assert problem["errors"] == [{"field": field, "problem": "is not built yet; leave it out or switch it off"}]


@pytest.mark.parametrize("value", [False, "false", "", None, [], {}, {"snapshots": None, "hls": None}])
def test_a_feature_that_is_not_built_may_be_switched_off(service: Running, value: object) -> None:
    assert service.client.post("/channels", json={"watermark": value, "isFlv": value}).status_code == 201


NO_JSON = [
    b"",
    b"{",
    b"[]",
    b"5",
    b'"text"',
    b"null",
    b'{"image_time": NaN}',
    b'{"image_time": -Infinity}',
    b'{"image_time": 1e999}',
    b'{"image_time": ' + b"9" * 5000 + b"}",
    b'{"name": "\xff"}',
    b'{"name": "\\ud800"}',
    b'{"\\udfff": 1}',
    b'{"name": "a", "name": "b"}',
    b'{"labels": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"labels": ' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}",
    b'{"isFlv": ' + b"[" * 40 + b"]" * 40 + b"}",
    b"<xml/>",
]


@pytest.mark.parametrize("body", NO_JSON, ids=range(len(NO_JSON)))
@pytest.mark.parametrize("route", ["/channels", "/videostream"])
def test_a_body_that_is_no_json_object_is_refused(service: Running, route: str, body: bytes) -> None:
    before = stored(service)

    assert_problem(service.client.post(route, content=body, headers={"Content-Type": "application/json"}), 400)

    assert stored(service) == before


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", ";"])
def test_a_body_of_another_type_is_refused(service: Running, kind: str) -> None:
    answer = service.client.post("/channels", content=b'{"image_time": 5}', headers={"Content-Type": kind})

    assert "application/json" in assert_problem(answer, 415)["detail"]


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"]
)
def test_json_is_read_by_any_of_its_names(service: Running, kind: str) -> None:
    channel_id = service.create()["id"]

    answer = service.client.patch(
        f"/channels/{channel_id}", content=b'{"image_time": 5}', headers={"Content-Type": kind}
    )

    assert answer.status_code == 200


def five_megabytes() -> Iterator[bytes]:
    for _ in range(5 * 16):
        yield b" " * 65_536


@pytest.mark.parametrize("route", ["/channels", "/videostream", "/channels/x/stop", "/nowhere"])
def test_a_long_body_is_refused_whether_it_tells_its_length_or_not(service: Running, route: str) -> None:
    assert_problem(service.client.post(route, content=b"".join(five_megabytes())), 413)
    assert_problem(service.client.post(route, content=five_megabytes()), 413)


def test_a_body_of_just_the_limit_is_read(service: Running) -> None:
    body = b'{"image_time": 5}'.ljust(256 * 1024)
    headers = {"Content-Type": "application/json"}

    assert service.client.post("/channels", content=body, headers=headers).status_code == 201
    assert_problem(service.client.post("/channels", content=body + b" ", headers=headers), 413)


def test_a_refused_long_body_is_answered_before_it_was_sent(service: Running) -> None:
    head = f"POST /channels HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 5000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.settings.port), DEADLINE_SECONDS) as connection:
        connection.sendall(head.encode())

        answer = http.client.HTTPResponse(connection)
        answer.begin()

        assert answer.status == 413
        assert json.load(answer)["status"] == 413


@pytest.mark.parametrize(
    "path",
    [
        "/channels/../../etc/passwd",
        "/channels/..%2f..%2fetc%2fpasswd",
        "/channels/%2e%2e",
        "/channels/..%5c..%5cetc",
        "/channels/a%00b",
        "/channels/%ff%fe",
        "/channels/" + "a" * 65,
        "/channels/unknown",
        "/channels/unknown/sessions",
        "/channels/unknown/snapshots",
        "/channels/unknown/snapshots/latest",
        "/channels/unknown/recordings",
        "/sessions/unknown",
        "/sessions/..%2f..%2fstate.db",
        "/videostream/..%2f",
        "/videostream/unknown",
    ],
)
def test_what_does_not_exist_is_not_found(service: Running, path: str) -> None:
    request = httpx.Request("GET", service.url, headers={"Authorization": f"Bearer {TOKEN}"})
    request.url = request.url.copy_with(raw_path=path.encode())

    assert_problem(service.client.send(request), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/clips/1"),
        ("POST", "/channels/x/snapshots/"),
        ("GET", "/channels/"),
    ],
)
def test_a_route_that_is_not_built_is_not_found(service: Running, method: str, path: str) -> None:
    assert_problem(service.client.request(method, path), 404)


def test_a_method_that_a_route_does_not_take_is_refused_with_those_it_takes(service: Running) -> None:
    for path, allowed in (
        ("/sessions/x", "DELETE, GET"),
        ("/channels", "GET, POST"),
        ("/videostream/x", "DELETE, GET, PUT"),
    ):
        answer = service.client.patch(path)

        assert_problem(answer, 405)
        assert answer.headers["Allow"] == allowed


def test_an_unexpected_failure_tells_nothing_of_the_inside(fresh_service: Running) -> None:
    channel_id = fresh_service.create()["id"]
    broken = fresh_service.objects_path / "sessions" / channel_id / "s" / "head.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{}")
    go_live(fresh_service, channel_id, "s")

    answer = fresh_service.client.get("/sessions/s")

    assert assert_problem(answer, 500)["detail"] == "something went wrong on our side"


def test_a_state_that_cannot_be_read_is_said_to_be_unavailable(fresh_service: Running) -> None:
    with closing(sqlite3.connect(fresh_service.state_path)) as connection:
        connection.execute("DROP TABLE channels")

    answer = fresh_service.client.get("/channels")

    problem = assert_problem(answer, 503)
    assert problem["detail"] == "The state store does not answer. Try again."
    assert str(fresh_service.state_path) not in answer.text


def test_whether_a_change_was_made_is_not_said_where_it_is_not_known(fresh_service: Running) -> None:
    with closing(sqlite3.connect(fresh_service.state_path)) as connection:
        connection.execute("DROP TABLE channels")

    for method, path in (
        ("POST", "/channels"),
        ("PUT", "/channels/x"),
        ("PATCH", "/channels/x"),
        ("DELETE", "/channels/x"),
    ):
        problem = assert_problem(fresh_service.client.request(method, path, json={}), 503)

        assert "It is not known whether anything was changed: look before you try again." in problem["detail"]
