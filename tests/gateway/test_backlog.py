"""Real publishers, a real nginx that records them, and the app that a worker asks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from services.domain.session import Session
from services.gateway.backlog.names import RecordingName
from tests.gateway.backlog_reading import as_worker, connections, fetched, joined, listed
from tests.gateway.journal import Journal
from tests.gateway.world import World
from tests.media import Clip, Media
from tests.rtmp import VIDEO, LivePublisher, Tag, read_flv
from tests.waiting import eventually

CHANNELS = {"camera": Clip(seconds=10), "silent": Clip(seconds=10, sound=False), "radio": Clip(codec=None, seconds=10)}
BASE = 4_000_000
"""Publishers' times begin here, in ms: a connection's beginning is not their zero."""


@dataclass(frozen=True, slots=True)
class Broadcasts:
    """Three that run for some seconds, and a reconnect of one of them in the second of its leaving."""

    world: World
    sent: dict[str, list[Tag]]
    pushed: dict[str, LivePublisher]
    sessions: dict[str, Session]
    files: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, media: Path) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("backlog")
    before = structlog.get_config()
    journal = Journal()
    structlog.configure(processors=[journal])
    backlog = str(folder / "backlog")
    world = World(folder, media, journal, None, BACKLOG_PATH=backlog, MIN_FREE_BYTES="0")
    world.nginx.variables["STREAMKEEP_BACKLOG_PATH"] = backlog
    for channel_id in (*CHANNELS, "other"):
        world.add_channel(channel_id)
    world.start()
    yield world
    world.close()
    structlog.configure(**before)


def publisher(world: World, channel_id: str, tags: list[Tag]) -> LivePublisher:
    url = f"{world.nginx.rtmp_url}/{world.key(channel_id)}"
    return LivePublisher(url, tags, time_of=lambda _, since: BASE + since)


@pytest.fixture(scope="module")
def broadcasts(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broadcasts]:
    clips = Media(tmp_path_factory.mktemp("clips"))
    sent = {channel_id: read_flv(clips.file(clip)) for channel_id, clip in CHANNELS.items()}
    with contextlib.ExitStack() as stack:
        pushed = {
            channel_id: stack.enter_context(publisher(world, channel_id, tags)) for channel_id, tags in sent.items()
        }
        world.until_on_air("camera")
        sessions = {channel_id: world.session(channel_id) for channel_id in CHANNELS}
        eventually(lambda: len(listed(world, sessions["silent"])) > 1, within=15, what="silent's second file")
        eventually(lambda: len(listed(world, sessions["camera"])) > 1, within=15, what="camera's second file")
        for each in pushed.values():
            each.leave()
        stack.enter_context(publisher(world, "camera", sent["camera"]))
        eventually(lambda: len(connections(listed(world, sessions["camera"]))) == 2, what="camera's second connection")
        files = {channel_id: listed(world, session) for channel_id, session in sessions.items()}
        yield Broadcasts(world, sent, pushed, sessions, files)


def media_of(tags: list[Tag]) -> list[tuple[int, int, bytes]]:
    """Give the media with their times since the first of them."""
    media = [tag for tag in tags if not tag.is_header and len(tag.body) > 5]
    return [(tag.kind, tag.timestamp - media[0].timestamp, tag.body) for tag in media]


@pytest.mark.parametrize("channel_id", ["camera", "silent", "radio"])
def test_the_files_of_a_connection_hold_every_packet_once_with_the_publishers_times(
    broadcasts: Broadcasts, channel_id: str
) -> None:
    files = connections(broadcasts.files[channel_id])[0]
    got = media_of(joined(broadcasts.world, broadcasts.sessions[channel_id], files))
    sent = media_of(broadcasts.sent[channel_id])[: len(got)]

    assert [(kind, body) for kind, _, body in got] == [(kind, body) for kind, _, body in sent]
    assert max(abs(one[1] - other[1]) for one, other in zip(got, sent, strict=True)) <= 1
    video = [body for kind, _, body in got if kind == VIDEO]
    assert channel_id == "radio" or len(video) == len(broadcasts.pushed[channel_id].sent)
    assert len(files) == (1 if channel_id == "radio" else 2)


def test_each_file_of_video_begins_with_a_keyframe_and_what_decoders_need(broadcasts: Broadcasts) -> None:
    for each in broadcasts.files["camera"]:
        body = fetched(broadcasts.world, broadcasts.sessions["camera"], each["name"]).content
        path = broadcasts.world.folder / each["name"]
        path.write_bytes(body)
        tags = read_flv(path)

        first = next(number for number, tag in enumerate(tags) if not tag.is_header)
        assert tags[first].is_keyframe
        assert {tag.kind for tag in tags[:first]} == {8, 9}


def test_the_list_says_what_each_file_has_and_of_which_connection(broadcasts: Broadcasts) -> None:
    world, session = broadcasts.world, broadcasts.sessions["camera"]
    publisher = world.session("camera").publisher
    before, after = connections(broadcasts.files["camera"])

    assert publisher is not None
    assert (after[0]["gateway"], after[0]["client_id"]) == (publisher.gateway, publisher.client_id)
    assert session.publisher is not None
    assert (before[0]["gateway"], before[0]["client_id"]) == (session.publisher.gateway, session.publisher.client_id)
    assert [each["step_ms"] is None for each in (*before, *after)] == [True, False, True]
    assert [each["is_open"] for each in (*before, *after)] == [False, False, True]
    assert {(each["video"], each["audio"]) for each in before} == {(True, True)}
    assert [(each["video"], each["audio"]) for each in broadcasts.files["silent"]] == [(True, False)] * 2
    assert [(each["video"], each["audio"]) for each in broadcasts.files["radio"]] == [(False, True)]


def test_a_reconnect_in_the_same_second_overwrites_nothing(broadcasts: Broadcasts) -> None:
    names = [RecordingName.parse(each["name"]) for each in broadcasts.files["camera"]]

    assert all(names)
    assert len({str(name) for name in names}) == 3


def test_the_times_of_a_file_are_those_at_which_its_packets_arrived(broadcasts: Broadcasts) -> None:
    pushed = broadcasts.pushed["silent"].sent
    files = broadcasts.files["silent"]

    assert files[0]["began_at"] == pytest.approx(pushed[0].at, abs=0.03)
    assert files[-1]["ended_at"] == pytest.approx(pushed[-1].at, abs=0.03)
    assert files[1]["began_at"] - files[0]["began_at"] == pytest.approx(files[1]["step_ms"] / 1000, abs=0.002)


def test_a_file_that_grows_is_fetched_on_from_where_it_ended(broadcasts: Broadcasts) -> None:
    world, session = broadcasts.world, broadcasts.sessions["camera"]
    name = broadcasts.files["camera"][-1]["name"]
    whole = fetched(world, session, name)
    rest = fetched(world, session, name, Range="bytes=1000-")
    some = fetched(world, session, name, Range="bytes=13-99")
    last = fetched(world, session, broadcasts.files["camera"][0]["name"], Range="bytes=-4")

    assert whole.status_code == 200
    assert whole.headers["accept-ranges"] == "bytes"
    assert rest.status_code == 206
    assert rest.content.startswith(whole.content[1000:])
    assert some.content == whole.content[13:100]
    assert some.headers["content-range"].startswith("bytes 13-99/")
    assert int.from_bytes(last.content, "big") > 11
    assert fetched(world, session, name, Range="bytes=999999999-").status_code == 416


def test_only_the_worker_of_the_channels_open_session_reads(broadcasts: Broadcasts) -> None:
    world, session = broadcasts.world, broadcasts.sessions["camera"]
    name = broadcasts.files["camera"][0]["name"]
    as_other = as_worker(broadcasts.sessions["silent"])

    for path in ("/backlog/camera", f"/backlog/camera/{name}"):
        assert world.http.get(path).status_code == 401
        assert world.http.get(path, headers=as_other).status_code == 401
    assert world.http.get("/backlog/other", headers=as_worker(session)).status_code == 404
    assert world.http.get("/backlog/silent/" + name, headers=as_other).status_code == 404


@pytest.mark.parametrize("name", ["..%2F..%2Fstate.db", "%2Fetc%2Fpasswd", "camera-1.ab.flv", "camera.flv"])
def test_no_name_leads_elsewhere(broadcasts: Broadcasts, name: str) -> None:
    answer = fetched(broadcasts.world, broadcasts.sessions["camera"], name)

    assert answer.status_code == 404


def test_a_worker_that_is_known_reads_while_state_is_away(broadcasts: Broadcasts) -> None:
    world, session = broadcasts.world, broadcasts.sessions["camera"]
    world.take_state_away()
    try:
        known = world.http.get("/backlog/camera", headers=as_worker(session))
        stranger = world.http.get("/backlog/camera", headers={"Authorization": "Bearer nobody"})
    finally:
        world.bring_state_back()

    assert known.status_code == 200
    assert stranger.status_code == 503
    assert stranger.headers["retry-after"]


def test_too_many_readers_are_asked_to_come_again(broadcasts: Broadcasts) -> None:
    world, session = broadcasts.world, broadcasts.sessions["camera"]
    backlog = world.served.app.backlog
    assert backlog is not None
    readers = backlog.served.readers
    while readers.enter():
        pass
    answer = world.http.get("/backlog/camera", headers=as_worker(session))
    for _ in range(readers.most):
        readers.leave()

    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert world.http.get("/backlog/camera", headers=as_worker(session)).status_code == 200
