"""The newest snapshot: the picture itself says what it is, before any manifest does."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.domain import keys, times
from services.domain.session import Session
from tests.metadata.broadcasts import START, go_live, write_manifest
from tests.metadata.pictures import jpeg, rendition, shot, show, stored
from tests.metadata.running import Running
from tests.metadata.test_bad_input import assert_problem

AT = START + timedelta(seconds=61.234)


def on_air(service: Running, name: str) -> Session:
    return go_live(service, service.create()["id"], name)


def path(session: Session) -> str:
    return f"/channels/{session.channel_id}/snapshots/latest"


def test_a_picture_is_told_of_before_its_manifest_lists_it(service: Running, tmp_path: Path) -> None:
    session = on_air(service, "told")
    body = shot(session, AT, flags=("black",), widths=(160,))
    entry = stored(service, tmp_path, session, AT, body)
    size = rendition(service, tmp_path, entry.key, 160)
    show(service, session, body)

    item = service.client.get(path(session)).raise_for_status().json()

    assert (item["key"], item["captured_at"]) == (entry.key, "2026-11-20T10:01:01.234Z")
    assert (item["bytes"], item["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    assert (item["width"], item["height"], item["flags"], item["phash"]) == (320, 180, ["black"], "ab" * 16)
    assert service.anonymous.get(item["url"]).content == body
    (small,) = item["sizes"]
    assert {name: small[name] for name in ("key", "width", "height", "bytes", "sha256")} == {
        name: getattr(size, name) for name in ("key", "width", "height", "bytes", "sha256")
    }
    assert service.anonymous.get(small["url"]).headers["Content-Length"] == str(size.bytes)


def test_a_picture_whose_object_is_on_its_way_leaves_the_one_before_it_the_newest(
    service: Running, tmp_path: Path
) -> None:
    session = on_air(service, "on-its-way")
    first = shot(session, AT)
    entry = stored(service, tmp_path, session, AT, first)
    show(service, session, first)
    assert service.client.get(path(session)).json()["key"] == entry.key
    later = AT + timedelta(seconds=2)
    second = shot(session, later)
    show(service, session, second)

    assert service.client.get(path(session)).json()["key"] == entry.key

    arrived = stored(service, tmp_path, session, later, second)
    assert service.client.get(path(session)).json()["key"] == arrived.key


def test_a_picture_that_says_nothing_of_itself_leaves_the_manifest_to_tell(service: Running, tmp_path: Path) -> None:
    session = on_air(service, "older")
    entry = replace(stored(service, tmp_path, session, AT, jpeg()), flags=("frozen",), phash="0f")
    write_manifest(service, session, tail=[entry])
    show(service, session, jpeg())

    item = service.client.get(path(session)).json()

    assert (item["key"], item["flags"], item["phash"], item["sizes"]) == (entry.key, ["frozen"], "0f", [])


@pytest.mark.parametrize("seconds", [1, 600, 604_800])
def test_links_live_as_long_as_is_asked(service: Running, tmp_path: Path, seconds: int) -> None:
    session = on_air(service, f"lives-{seconds}")
    body = shot(session, AT, widths=(160,))
    stored(service, tmp_path, session, AT, body)
    show(service, session, body)
    before = datetime.now(UTC)

    item = service.client.get(path(session), params={"expires_in": seconds}).json()

    for link in (item, *item["sizes"]):
        left = (times.parse(link["expires_at"]) - before).total_seconds()
        assert seconds <= left <= seconds + 2


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"expires_in": "0"}, "expires_in"),
        ({"expires_in": "604801"}, "expires_in"),
        ({"expires_in": "soon"}, "expires_in"),
        ({"width": "15"}, "width"),
        ({"width": "3841"}, "width"),
        ({"width": "320"}, "width"),  # goes with the picture itself
    ],
)
def test_an_impossible_query_is_refused_by_name(service: Running, query: dict[str, str], field: str) -> None:
    session = on_air(service, f"refused-{field}-{query[field]}")

    problem = assert_problem(service.client.get(path(session), params=query), 422)

    assert [error["field"] for error in problem["errors"]] == [field]


def test_the_picture_is_not_sent_again_to_who_has_it(service: Running) -> None:
    session = on_air(service, "known")
    show(service, session, shot(session, AT))
    wanted = {"Accept": "image/jpeg"}
    answer = service.client.get(path(session), headers=wanted)
    assert answer.headers["Last-Modified"] == "Fri, 20 Nov 2026 10:01:01 GMT"

    by_tag = service.client.get(path(session), headers=wanted | {"If-None-Match": answer.headers["ETag"]})
    by_time = service.client.get(path(session), headers=wanted | {"If-Modified-Since": answer.headers["Last-Modified"]})

    for known in (by_tag, by_time):
        assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", answer.headers["ETag"])
    show(service, session, shot(session, AT + timedelta(seconds=2)))
    fresh = service.client.get(path(session), headers=wanted | {"If-None-Match": answer.headers["ETag"]})
    assert (fresh.status_code, fresh.headers["Content-Type"]) == (200, "image/jpeg")


def test_a_picture_that_was_taken_down_is_not_told_of(service: Running, tmp_path: Path) -> None:
    session = on_air(service, "taken-down")
    body = shot(session, AT)
    entry = stored(service, tmp_path, session, AT, body)
    show(service, session, body)
    assert service.client.get(path(session)).status_code == 200

    (service.objects_path / entry.key).unlink()
    (service.objects_path / keys.latest_snapshot(session.channel_id)).unlink()

    assert_problem(service.client.get(path(session)), 404)


@pytest.mark.parametrize("accept", ["application/json", "image/jpeg"])
def test_a_channel_without_a_picture_says_so(service: Running, accept: str) -> None:
    session = on_air(service, f"none-{accept.replace('/', '-')}")

    problem = assert_problem(service.client.get(path(session), headers={"Accept": accept}), 404)

    assert "no picture yet" in problem["detail"]


@pytest.mark.parametrize("accept", ["application/json", "image/jpeg"])
def test_the_newest_picture_is_looked_at_by_its_headers_alone(service: Running, tmp_path: Path, accept: str) -> None:
    session = on_air(service, f"head-{accept.replace('/', '-')}")
    body = shot(session, AT)
    stored(service, tmp_path, session, AT, body)
    show(service, session, body)

    given = service.client.get(path(session), headers={"Accept": accept})
    head = service.client.head(path(session), headers={"Accept": accept})

    assert (head.status_code, head.content) == (200, b"")
    same = ("Content-Type", "ETag", "Last-Modified", "Vary")
    assert [head.headers.get(name) for name in same] == [given.headers.get(name) for name in same]
    assert accept != "image/jpeg" or head.headers["Content-Length"] == str(len(body))
    assert "HEAD" in service.client.delete(path(session)).headers["Allow"]


@pytest.mark.parametrize("accept", ["image/jpeg;q=0", "image/*, image/jpeg; Q=0.000", "image/jpeg;q=0, */*"])
def test_who_refuses_pictures_is_given_the_links(service: Running, tmp_path: Path, accept: str) -> None:
    session = on_air(service, f"refuses-{len(accept)}")
    body = shot(session, AT)
    stored(service, tmp_path, session, AT, body)
    show(service, session, body)

    assert service.client.get(path(session), headers={"Accept": accept}).json()["bytes"] == len(body)
