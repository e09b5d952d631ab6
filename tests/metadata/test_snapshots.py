"""A snapshot taken now, by the worker that the channel's lease names; and the list that shows what was judged."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.domain import manifest, times
from services.domain.secrets import Secret
from services.domain.session import Session
from services.metadata import media_pages
from services.runtime.serving import listen
from services.worker.control import control_app
from tests.doubles.shutter import Shutter
from tests.metadata.broadcasts import START, end, go_live, picture, write_manifest
from tests.metadata.pictures import rendition
from tests.metadata.running import Running, served
from tests.metadata.test_bad_input import assert_problem
from tests.metadata.test_media_lists import seconds, walk

BURST = {"count": 3, "interval": 0.2}


@dataclass(frozen=True, kw_only=True)
class OnAir:
    """A channel whose worker answers."""

    service: Running
    session: Session
    shutter: Shutter

    def ask(self, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - httpx's answer
        return self.service.client.post(path(self.session), json=body or {})


def path(session: Session) -> str:
    return f"/channels/{session.channel_id}/snapshots"


@contextmanager
def on_air(service: Running, name: str, *, token: str = "pull") -> Iterator[OnAir]:  # noqa: S107 - a test's
    session = go_live(service, service.create()["id"], name)
    shutter = Shutter(picture(session, 0))

    async def nothing(_: object) -> None:
        return None

    app = control_app(Secret(token), asyncio.Event(), nothing, shutter)
    with listen("127.0.0.1", 0) as bound, served(app, bound):  # type: ignore[arg-type] # any ASGI application
        claim(service, session, f"http://127.0.0.1:{bound.getsockname()[1]}")
        yield OnAir(service=service, session=session, shutter=shutter)


def claim(service: Running, session: Session, control_url: str) -> None:
    """Take the session's lease, as a worker does that answers there."""
    now, ttl = datetime.now(UTC), timedelta(minutes=1)
    lease = service.state.leases.claim(session.id, "worker", ttl=ttl, now=now)
    service.state.leases.renew(replace(lease, control_url=control_url), ttl=ttl, now=now)


def test_a_snapshot_is_taken_now_and_is_the_same_object_within_a_gop(service: Running) -> None:
    with on_air(service, "now") as channel:
        first, again = channel.ask(), channel.ask()
        channel.shutter.next_gop()
        later = channel.ask()

    assert [answer.status_code for answer in (first, again, later)] == [201, 200, 201]
    assert first.json()["key"] == again.json()["key"]
    assert times.parse(later.json()["captured_at"]) > times.parse(first.json()["captured_at"])
    wanted = {
        "key",
        "url",
        "expires_at",
        "captured_at",
        "width",
        "height",
        "bytes",
        "sha256",
        "flags",
        "phash",
        "sizes",
    }
    assert set(first.json()) == wanted


def test_a_greatest_age_is_passed_on_to_the_worker(service: Running) -> None:
    with on_air(service, "aged") as channel:
        assert channel.ask({"max_age": 0.5}).status_code == 201
        assert channel.ask({"max_age": "0"}).status_code == 201
        assert channel.ask({"max_age": None}).status_code == 200

        assert channel.shutter.asked == [0.5, 0, None]


def test_many_who_ask_at_once_are_answered_from_few_pictures(service: Running) -> None:
    with on_air(service, "shared") as channel, ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: channel.ask({"max_age": 1}), range(16)))

    assert {answer.status_code for answer in answers} <= {200, 201}
    assert len({answer.json()["key"] for answer in answers}) <= len(channel.shutter.asked) <= 16


def test_a_burst_begins_at_once_and_another_waits_for_its_end(service: Running) -> None:
    with on_air(service, "burst") as channel:
        asked_at = datetime.now(UTC)
        answer, second = channel.ask(BURST), channel.ask(BURST)

    assert answer.status_code == 202
    body = answer.json()
    assert (body["count"], body["interval"], len(body["items"])) == (3, 0.2, 1)
    assert 0.3 <= (times.parse(body["until"]) - asked_at).total_seconds() < 3
    assert body["until"] in assert_problem(second, 409)["detail"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"max_age": -1}, ["max_age"]),
        ({"max_age": True}, ["max_age"]),
        ({"max_age": "soon"}, ["max_age"]),
        ({"max_age": 1e9}, ["max_age"]),
        ({"count": 1, "interval": 1}, ["count"]),
        ({"count": 61, "interval": 0.1}, ["count", "interval"]),
        ({"count": 2.5, "interval": 1}, ["count"]),
        ({"count": [], "interval": {}}, ["count", "interval"]),
        ({"count": 2}, ["interval"]),
        ({"interval": 2}, ["count"]),
        ({"count": 2, "interval": 1, "max_age": 1}, ["max_age"]),
        ({"quality": 5}, ["quality"]),
    ],
)
def test_an_impossible_order_is_refused_by_field(service: Running, body: dict[str, Any], fields: list[str]) -> None:
    channel_id = service.create()["id"]

    problem = assert_problem(service.client.post(f"/channels/{channel_id}/snapshots", json=body), 422)

    assert [error["field"] for error in problem["errors"]] == fields


def test_a_channel_that_is_not_on_air_says_what_to_do(service: Running) -> None:
    session = go_live(service, service.create()["id"], "away")
    service.state.sessions.save(session=session.lost_publisher(START))

    away = assert_problem(service.client.post(path(session)), 409)
    end(service, session, START)
    idle = assert_problem(service.client.post(path(session)), 409)

    assert "publisher is not connected" in away["detail"]
    assert "not on air" in idle["detail"]
    assert_problem(service.client.post("/channels/nobody/snapshots"), 404)


def test_a_worker_that_has_nothing_to_take_says_why(service: Running) -> None:
    with on_air(service, "sound-only") as channel:
        channel.shutter.refusal = "the stream has no video"

        assert assert_problem(channel.ask(), 409)["detail"] == "the stream has no video"
        assert assert_problem(channel.ask(BURST), 409)["detail"] == "the stream has no video"


def test_what_passes_is_worth_another_try(service: Running) -> None:
    with on_air(service, "busy") as channel:
        channel.shutter.refusal, channel.shutter.is_passing = "capture is just beginning", True

        answer = channel.ask()

        assert assert_problem(answer, 503)["detail"] == "capture is just beginning; try again"
        assert answer.headers["Retry-After"] == "1"


def test_a_worker_that_does_not_answer_is_told_of_within_a_second(service: Running) -> None:
    session = go_live(service, service.create()["id"], "silent")
    nobody = service.client.post(path(session))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    claim(service, session, url)

    gone = service.client.post(path(session))

    for answer in (nobody, gone):
        assert_problem(answer, 503)
        assert answer.headers["Retry-After"] == "1"
        assert answer.elapsed < timedelta(seconds=1)


def test_a_worker_of_another_session_is_none(service: Running) -> None:
    with on_air(service, "another", token="another session's") as channel:
        assert_problem(channel.ask(), 503)


def test_a_list_shows_what_pictures_were_judged_to_be_and_their_sizes(service: Running, tmp_path: Path) -> None:
    session = go_live(service, service.create()["id"], "judged")
    shot = picture(session, 0)
    size = rendition(service, tmp_path, shot.key, 160)
    write_manifest(service, session, tail=[replace(shot, flags=("black",), phash="00ff", sizes=(size,))])

    (item,) = service.client.get(path(session)).json()["items"]

    assert (item["flags"], item["phash"]) == (["black"], "00ff")
    assert [each["width"] for each in item["sizes"]] == [160]
    assert service.anonymous.get(item["sizes"][0]["url"]).headers["Content-Length"] == str(size.bytes)


def flagged(service: Running, name: str) -> Session:
    """Give a session whose every third picture is black, and every fifth frozen."""
    session = go_live(service, service.create()["id"], name)
    shots = [
        replace(picture(session, at), flags=("black",) * (at % 3 == 0) + ("frozen",) * (at % 5 == 0))
        for at in range(31)
    ]
    write_manifest(service, session, chunks=[shots[:10], shots[10:20]], tail=shots[20:])
    return session


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("black", range(30, -1, -3)),
        ("frozen", range(30, -1, -5)),
        ("black,frozen", [at for at in range(30, -1, -1) if at % 3 == 0 or at % 5 == 0]),
    ],
)
@pytest.mark.parametrize("limit", [1, 4, 100])
def test_a_list_is_narrowed_to_pictures_of_a_kind(
    service: Running, flags: str, expected: list[int], limit: int
) -> None:
    session = flagged(service, f"{flags.replace(',', '-')}-{limit}")

    found: list[dict[str, Any]] = walk(service, path(session), flags=flags, limit=limit) if limit < 100 else []
    found = found or service.client.get(path(session), params={"flags": flags}).json()["items"]

    assert seconds(found) == list(expected)


def test_a_search_that_finds_little_ends_its_page_early_and_goes_on(service: Running) -> None:
    session = go_live(service, service.create()["id"], "rare")
    many = media_pages.LOOKS_PER_PAGE + 10
    shots = [replace(picture(session, at), flags=("black",) * (at == 0)) for at in range(many)]
    chunks = [shots[at : at + manifest.CHUNK_ENTRIES] for at in range(0, many, manifest.CHUNK_ENTRIES)]
    write_manifest(service, session, chunks=chunks)

    first = service.client.get(path(session), params={"flags": "black"}).json()
    second = service.client.get(path(session), params={"flags": "black", "cursor": first["next"]}).json()

    assert first["items"] == []
    assert (seconds(second["items"]), second["next"]) == ([0], None)


def test_an_unknown_flag_is_refused_by_name(service: Running) -> None:
    session = go_live(service, service.create()["id"], "unknown-flag")

    problem = assert_problem(service.client.get(path(session), params={"flags": "red"}), 422)

    assert [error["field"] for error in problem["errors"]] == ["flags"]
