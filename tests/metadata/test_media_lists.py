from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.domain import keys, times
from services.domain.session import Session
from tests.metadata.broadcasts import START, end, go_live, picture, recording, store, write_manifest
from tests.metadata.running import Running
from tests.metadata.test_bad_input import assert_problem


def two_sessions(service: Running, name: str) -> tuple[str, list[float]]:
    """Give a channel with pictures in chunks and tails of two sessions, and their seconds, newest first."""
    channel_id = service.create()["id"]
    first = go_live(service, channel_id, f"{name}-1")
    late = picture(first, 15)  # shipped after its successors: a list goes by capture time
    write_manifest(
        service,
        first,
        chunks=[
            [picture(first, at) for at in (0, 10, 20)] + [recording(first, 0)],
            [late, *(picture(first, at) for at in (30, 40))],
        ],
        tail=[picture(first, 50), recording(first, 60, 12.5)],
    )
    end(service, first, START + timedelta(minutes=2))
    second = go_live(service, channel_id, f"{name}-2", START + timedelta(minutes=5))
    write_manifest(service, second, tail=[picture(second, 300), picture(second, 310)])
    return channel_id, [310, 300, 50, 40, 30, 20, 15, 10, 0]


def seconds(items: list[dict[str, Any]], field: str = "captured_at") -> list[float]:
    return [(times.parse(item[field]) - START).total_seconds() for item in items]


def walk(service: Running, path: str, **query: str | int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: dict[str, str | int] = {}
    for _ in range(100):
        page = service.client.get(path, params=query | cursor).raise_for_status().json()
        items += page["items"]
        if page["next"] is None:
            return items
        assert len(page["items"]) == query["limit"]
        cursor = {"cursor": page["next"]}
    pytest.fail("the list has no end")


@pytest.mark.parametrize("limit", [1, 2, 3, 8, 9, 10])
def test_snapshots_of_all_sessions_are_listed_newest_first_in_pages_of_any_size(service: Running, limit: int) -> None:
    channel_id, expected = two_sessions(service, f"paged-{limit}")

    assert seconds(walk(service, f"/channels/{channel_id}/snapshots", limit=limit)) == expected


def test_recordings_tell_begin_and_length(service: Running) -> None:
    channel_id, _ = two_sessions(service, "recorded")

    items = walk(service, f"/channels/{channel_id}/recordings", limit=1)

    assert seconds(items, "started_at") == [60, 0]
    assert [item["duration"] for item in items] == [12.5, 60]
    assert {"key", "url", "expires_at", "bytes", "sha256", "started_at", "duration"} == set(items[0])


def test_a_window_holds_its_begin_and_not_its_end(service: Running) -> None:
    channel_id, _ = two_sessions(service, "windowed")
    query: dict[str, str | int] = {"from": "2026-11-20T10:00:10Z", "to": "2026-11-20T10:00:40Z", "limit": 2}

    assert seconds(walk(service, f"/channels/{channel_id}/snapshots", **query)) == [30, 20, 15, 10]


def test_a_window_after_everything_or_before_it_is_empty(service: Running) -> None:
    channel_id, expected = two_sessions(service, "missed")
    path = f"/channels/{channel_id}/snapshots"

    assert walk(service, path, **{"from": "2030-01-01"}) == []
    assert walk(service, path, to="2020/1/1") == []
    assert seconds(walk(service, path, to="2030-01-01")) == expected


def test_chunks_outside_the_window_are_not_read(service: Running) -> None:
    channel_id, _ = two_sessions(service, "spared")
    for number in (0, 1):
        (service.objects_path / keys.chunk(channel_id, "spared-1", number)).write_bytes(b"unreadable")

    newest = service.client.get(f"/channels/{channel_id}/snapshots", params={"limit": 2})
    apart = service.client.get(f"/channels/{channel_id}/snapshots", params={"from": "2026-11-20T10:00:45Z"})

    assert seconds(newest.json()["items"]) == [310, 300]
    assert seconds(apart.json()["items"]) == [310, 300, 50]


def test_a_page_goes_on_where_it_was_while_new_pictures_arrive_and_the_tail_becomes_a_chunk(service: Running) -> None:
    channel_id = service.create()["id"]
    session = go_live(service, channel_id, "growing")
    shots = [picture(session, at) for at in range(5)]
    write_manifest(service, session, tail=shots)
    path = f"/channels/{channel_id}/snapshots"
    first = service.client.get(path, params={"limit": 2}).json()
    (service.objects_path / keys.head(channel_id, "growing")).unlink()
    write_manifest(service, session, chunks=[shots], tail=[picture(session, 5)])

    second = service.client.get(path, params={"limit": 3, "cursor": first["next"]}).json()

    assert seconds(first["items"] + second["items"]) == [4, 3, 2, 1, 0]


@pytest.mark.parametrize(("field", "value"), [("from", "soon"), ("to", "2026-11-20T10:00:00"), ("cursor", "x")])
@pytest.mark.parametrize("kind", ["snapshots", "recordings"])
def test_an_impossible_query_is_refused_by_name(service: Running, kind: str, field: str, value: str) -> None:
    channel_id = service.create()["id"]

    problem = assert_problem(service.client.get(f"/channels/{channel_id}/{kind}", params={field: value}), 422)

    assert [error["field"] for error in problem["errors"]] == [field]


def test_a_cursor_of_another_channel_opens_nothing(service: Running) -> None:
    channel_id, _ = two_sessions(service, "private")
    cursor = service.client.get(f"/channels/{channel_id}/snapshots", params={"limit": 1}).json()["next"]
    other = service.create()["id"]

    answer = service.client.get(f"/channels/{other}/snapshots", params={"cursor": cursor})

    assert answer.json() == {"items": [], "next": None}


def test_a_listed_picture_can_be_fetched_by_its_link(service: Running, tmp_path: Path) -> None:
    channel_id = service.create()["id"]
    session = go_live(service, channel_id, "fetched")
    shot = picture(session, 0)
    store(service, tmp_path, shot.key, b"jpeg bytes")
    write_manifest(service, session, tail=[shot])
    (item,) = service.client.get(f"/channels/{channel_id}/snapshots").json()["items"]

    answer = service.anonymous.get(item["url"])

    assert (answer.status_code, answer.content) == (200, b"jpeg bytes")
    assert answer.headers["Content-Type"] == "image/jpeg"


def with_latest(service: Running, name: str) -> Session:
    session = go_live(service, service.create()["id"], name)
    write_manifest(service, session, tail=[picture(session, 0), picture(session, 10)])
    service.objects.replace(keys.latest_snapshot(session.channel_id), b"newest", etag=None)
    return session


def test_the_latest_snapshot_is_a_link(service: Running) -> None:
    session = with_latest(service, "latest")

    item = service.client.get(f"/channels/{session.channel_id}/snapshots/latest").json()

    assert item["key"] == picture(session, 10).key
    assert {"url", "expires_at", "bytes", "sha256", "captured_at", "width", "height"} < set(item)


@pytest.mark.parametrize("accept", ["image/jpeg", "image/avif,image/*;q=0.8,*/*;q=0.5", "IMAGE/JPEG"])
def test_the_latest_snapshot_is_the_picture_itself_for_who_accepts_it(service: Running, accept: str) -> None:
    session = with_latest(service, "seen-" + hashlib.sha256(accept.encode()).hexdigest()[:8])

    answer = service.client.get(f"/channels/{session.channel_id}/snapshots/latest", headers={"Accept": accept})

    assert (answer.content, answer.headers["Content-Type"]) == (b"newest", "image/jpeg")
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("accept", ["*/*", "image/jpeg"])
def test_a_channel_without_a_picture_has_no_latest(service: Running, accept: str) -> None:
    channel_id = service.create()["id"]

    assert_problem(service.client.get(f"/channels/{channel_id}/snapshots/latest", headers={"Accept": accept}), 404)
