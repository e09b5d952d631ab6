"""Real broadcasts through kills, an absent publisher and an absent state: what is told is what the manifest has."""

from __future__ import annotations

import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from services.domain import event as events
from services.domain import keys, times
from services.domain.artifact import Artifact, Kind
from services.domain.clock import SystemClock
from services.domain.event import Event
from services.domain.manifest import decode_chunk
from services.domain.session import Close, SessionState
from tests.doubles.open_gateway import OpenGateway, open_gateway
from tests.examples import a_publisher
from tests.media import Clip, Media
from tests.waiting import eventually
from tests.worker.a_worker import CHANNEL, SESSION, AWorker, publishing
from tests.worker.announcements import kept


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[OpenGateway]:
    with open_gateway(tmp_path) as gateway:
        yield gateway


def told(worker: AWorker, kind: str) -> list[Event]:
    return [event for event in kept(worker.state.outbox) if event.type == kind]


def until_told(worker: AWorker, kind: str, more: int = 1) -> None:
    wanted = len(told(worker, kind)) + more
    eventually(lambda: len(told(worker, kind)) >= wanted, within=20, what=f"{more} more of {kind}")


def entries(worker: AWorker) -> list[Artifact]:
    head = worker.head()
    assert head is not None
    chunks = [decode_chunk(worker.objects.read(chunk.key).body) for chunk in head.chunks]
    return [*(entry for chunk in chunks for entry in chunk), *head.tail]


def leave(worker: AWorker) -> None:
    """Say in state that the publisher has left, as the gateway does."""
    worker.state.sessions.save(session=worker.session().lost_publisher(SystemClock().now()))


def come(worker: AWorker) -> None:
    again = a_publisher("2", accepted_at=SystemClock().now(), listening=True)
    worker.state.sessions.save(session=worker.session().with_publisher(again))


def kill(worker: AWorker) -> None:
    worker.signal(signal.SIGKILL)
    worker.wait(10)
    worker.start()


def test_all_that_the_manifest_has_is_told_once_and_in_order(
    tmp_path: Path, gateway: OpenGateway, media: Media
) -> None:
    clip = media.file(Clip(seconds=8, gop_seconds=1))
    with AWorker(tmp_path, gateway, STREAMKEEP_REREAD_SECONDS="0.5") as worker:
        with publishing(clip, gateway):
            worker.on_air(video_time=2, name="Gate", labels={"site": "north"})
            until_told(worker, events.SNAPSHOT_CREATED, 2)
            kill(worker)
            until_told(worker, events.SNAPSHOT_CREATED, 2)
            kill(worker)
            until_told(worker, events.RECORDING_CREATED)
        leave(worker)
        until_told(worker, events.SESSION_INTERRUPTED)
        with publishing(clip, gateway):
            come(worker)
            until_told(worker, events.SESSION_RESUMED)
            until_told(worker, events.SNAPSHOT_CREATED)
            worker.state.sessions.save(session=worker.session().asked_to_close(Close.STOP))
            assert worker.wait(20) == 0
        head, all_told = worker.head(), kept(worker.state.outbox)

        assert head is not None
        assert worker.session().state is SessionState.ENDED
        assert [event.sequence for event in all_told] == list(range(1, len(all_told) + 1))
        assert max(Counter(event.id for event in all_told).values()) == 1
        assert [all_told[0].type, all_told[-1].type] == [events.SESSION_STARTED, events.SESSION_ENDED]
        assert all_told[0].at == head.parts[0].started_at
        for kind, output in ((events.SNAPSHOT_CREATED, Kind.SNAPSHOT), (events.RECORDING_CREATED, Kind.RECORDING)):
            listed = {entry.key: entry.sha256 for entry in entries(worker) if entry.kind is output}
            assert {event.data["key"]: event.data["sha256"] for event in told(worker, kind)} == listed
            assert list(listed) == [event.data["key"] for event in told(worker, kind)]
        gaps = {(times.text(gap.started_at), gap.cause) for gap in head.gaps}
        assert {(event.data["from"], event.data["cause"]) for event in told(worker, events.GAP_DECLARED)} == gaps
        assert "worker_lost" in {cause for _, cause in gaps}
        ended = all_told[-1].data
        assert (ended["gaps"], ended["counts"], ended["parts"]) == (len(head.gaps), head.totals, len(head.parts))
        assert ended["vod"] == keys.vod_playlist(CHANNEL, SESSION)
        assert {(event.data["name"], event.data["labels"]["site"]) for event in all_told} == {("Gate", "north")}
        assert not (worker.spool / SESSION).exists()


def test_a_worker_whose_state_is_away_at_the_end_leaves_what_it_has_to_tell_to_the_next(
    tmp_path: Path, gateway: OpenGateway, media: Media
) -> None:
    clip = media.file(Clip(seconds=8, gop_seconds=1))
    with AWorker(tmp_path, gateway, STREAMKEEP_STOP_SECONDS="1") as worker:
        with publishing(clip, gateway), closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other:
            worker.on_air()
            until_told(worker, events.SNAPSHOT_CREATED)
            other.execute("BEGIN IMMEDIATE")
            before = len(worker.stored("snapshots/**/*Z.jpg"))
            eventually(lambda: len(worker.stored("snapshots/**/*Z.jpg")) > before + 1, within=15, what="more pictures")
            worker.signal(signal.SIGINT)
            eventually(lambda: worker.said("left_in_spool"), within=15, what="the worker waits no longer")
            worker.signal(signal.SIGKILL)
            worker.wait(10)
            other.execute("ROLLBACK")
        untold = len(worker.stored("snapshots/**/*Z.jpg")) - len(told(worker, events.SNAPSHOT_CREATED))
        worker.state.sessions.save(session=worker.session().asked_to_close(Close.STOP))
        worker.start()
        assert worker.wait(20) == 0

        listed = [entry.key for entry in entries(worker) if entry.kind is Kind.SNAPSHOT]
        assert untold > 0
        assert [event.data["key"] for event in told(worker, events.SNAPSHOT_CREATED)] == listed
        assert kept(worker.state.outbox)[-1].type == events.SESSION_ENDED


def test_where_events_are_off_nothing_is_written(tmp_path: Path, gateway: OpenGateway, media: Media) -> None:
    with AWorker(tmp_path, gateway, STREAMKEEP_EVENTS="false") as worker:
        with publishing(media.file(Clip(seconds=8, gop_seconds=1)), gateway):
            worker.on_air()
            eventually(lambda: worker.stored("snapshots/**/*Z.jpg"), within=15, what="a picture")
            assert not (worker.spool / SESSION / "events.jsonl").exists()
            worker.state.sessions.save(session=worker.session().asked_to_close(Close.STOP))
            assert worker.wait(20) == 0

        assert worker.session().state is SessionState.ENDED
        assert kept(worker.state.outbox) == []
