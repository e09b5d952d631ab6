"""A stored picture in another width, by `?width=` on its link."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from PIL import Image

from services.domain import keys
from services.metadata.picture_cache import PictureCache
from services.metadata.problem import Problem
from services.metadata.resizing import AT_ONCE, MOST_WAITING, Resizer
from tests.metadata.broadcasts import START, go_live, store
from tests.metadata.pictures import jpeg, rendition, shot, show, stored
from tests.metadata.running import Running
from tests.metadata.test_bad_input import assert_problem
from tests.metadata.test_links import link


@pytest.fixture(scope="module")
def picture(service: Running, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the key of a picture of 320x180."""
    session = go_live(service, service.create()["id"], "resized")
    return stored(service, tmp_path_factory.mktemp("source"), session, START, shot(session, START)).key


def size(body: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(body)) as opened:
        return opened.size


def test_a_picture_is_given_in_the_width_that_is_asked_for(service: Running, picture: str) -> None:
    answer = service.anonymous.get(link(service, picture), params={"width": 100})

    assert (answer.status_code, size(answer.content)) == (200, (100, 56))
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    with Image.open(io.BytesIO(answer.content)) as opened:
        assert opened.getexif().get_ifd(0x8769)[0x9003] == "2026:11:20 10:00:00"


def test_a_picture_is_never_enlarged(service: Running, picture: str) -> None:
    whole = service.anonymous.get(link(service, picture)).content

    assert service.anonymous.get(link(service, picture), params={"width": 640}).content == whole


def test_a_resized_picture_is_asked_for_by_head_and_not_sent_to_who_has_it(service: Running, picture: str) -> None:
    url = f"{link(service, picture)}?width=64"
    answer = service.anonymous.get(url)

    head = service.anonymous.head(url)
    known = service.anonymous.get(url, headers={"If-None-Match": answer.headers["ETag"]})

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(answer.content))
    assert (known.status_code, known.content) == (304, b"")


def test_a_size_that_lies_in_the_store_is_served_as_it_lies(service: Running, tmp_path: Path) -> None:
    session = go_live(service, service.create()["id"], "has-sizes")
    entry = stored(service, tmp_path, session, START, shot(session, START, widths=(160,)))
    lying = rendition(service, tmp_path, entry.key, 160)

    answer = service.anonymous.get(link(service, entry.key), params={"width": 160})

    assert answer.content == service.objects.read(lying.key).body


def test_only_a_links_holder_has_a_picture_resized(service: Running, picture: str) -> None:
    expired = link(service, picture, timedelta(seconds=-1))

    assert_problem(service.anonymous.get(expired, params={"width": 100}), 403)


def test_what_is_kept_of_a_picture_is_not_given_when_that_is_gone(service: Running, tmp_path: Path) -> None:
    session = go_live(service, service.create()["id"], "forgotten")
    key = stored(service, tmp_path, session, START, shot(session, START)).key
    assert service.anonymous.get(link(service, key), params={"width": 100}).status_code == 200

    (service.objects_path / key).unlink()

    assert_problem(service.anonymous.get(link(service, key), params={"width": 100}), 404)


def test_the_newest_picture_is_resized_as_it_is_now(service: Running) -> None:
    session = go_live(service, service.create()["id"], "newest-resized")
    url = f"/channels/{session.channel_id}/snapshots/latest"
    wanted = {"headers": {"Accept": "image/jpeg"}, "params": {"width": 64}}
    bodies = []
    for after in (0, 2.5):
        show(service, session, shot(session, START + timedelta(seconds=after)))
        answer = service.client.get(url, **wanted)  # type: ignore[arg-type] # a mapping of both
        assert answer.headers["Cache-Control"] == "no-cache"
        bodies.append(answer.content)
        linked = service.anonymous.get(link(service, keys.latest_snapshot(session.channel_id)), params={"width": 64})
        assert linked.content == answer.content

    assert [size(body) for body in bodies] == [(64, 36)] * 2
    assert bodies[0] != bodies[1]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("20261120T100000.000Z.jpg", b"no picture"),
        ("20261120T100001.000Z.jpg", jpeg()[:300]),
        ("20261120T100002.000Z.jpg", jpeg(10_000, 6_000)),
        ("20261120T100003.000Z.mp4", jpeg()),
    ],
    ids=["garbage", "cut off", "too many pixels", "a film"],
)
def test_what_cannot_be_resized_is_refused_by_name(service: Running, tmp_path: Path, name: str, body: bytes) -> None:
    key = store(service, tmp_path, f"snapshots/camera/2026/11/20/10/refused/{name}", body)

    problem = assert_problem(service.anonymous.get(link(service, key), params={"width": 100}), 422)

    assert [error["field"] for error in problem["errors"]] == ["width"]


@pytest.mark.parametrize("width", ["15", "3841", "wide", "-1", "1e3"])
def test_an_impossible_width_is_refused_by_name(service: Running, picture: str, width: str) -> None:
    problem = assert_problem(service.anonymous.get(link(service, picture), params={"width": width}), 422)

    assert [error["field"] for error in problem["errors"]] == ["width"]


def test_who_comes_when_too_many_pictures_are_being_resized_is_sent_away() -> None:
    resizer, go, running = Resizer(), threading.Event(), threading.Semaphore(0)

    def slow() -> bytes:
        running.release()
        go.wait(10)
        return jpeg()

    most = AT_ONCE + MOST_WAITING
    with ThreadPoolExecutor(most) as threads:
        asked = [threads.submit(resizer.resized, f"picture-{number}", slow, 64) for number in range(AT_ONCE)]
        for _ in asked:
            assert running.acquire(timeout=10)
        impatient = Resizer(wait_seconds=0.01)
        impatient._turns = resizer._turns
        with pytest.raises(Problem) as refused:
            impatient.resized("another", jpeg, 64)
        go.set()
        assert all(size(each.result(10)) == (64, 36) for each in asked)

    assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "1")


def test_what_is_kept_of_pictures_is_bounded_in_bytes() -> None:
    cache = PictureCache(limit=100)
    for number in range(10):
        cache.put(f"picture-{number}", 64, bytes(30))
        cache.get("picture-0", 64)

    kept = [number for number in range(10) if cache.get(f"picture-{number}", 64) is not None]

    assert kept == [0, 8, 9]
    cache.put("huge", 64, bytes(101))
    assert cache.get("huge", 64) is None
