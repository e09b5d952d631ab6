"""What of all that happens to a session is an event, and what it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.adapters.directory_store import DirectoryStore
from services.adapters.sqlite_state import SqliteState
from services.domain import event as events
from services.domain import times
from services.domain.artifact import Artifact, Kind, Rendition
from services.domain.event import Event
from services.domain.manifest import Gap, Part
from services.domain.session import Close, Reason, Session, SessionState
from services.worker.announcing.news import News
from services.worker.succession.ledger import Ledger
from tests.doubles.faulty_outbox import FaultyOutbox
from tests.doubles.faulty_store import FaultyStore
from tests.examples import NOW, a_session
from tests.worker.announcements import a_journal, flush, kept, some_news
from tests.worker.life import Killed, Life
from tests.worker.spool import SESSION, Spool, a_head, a_keeper, a_segment, a_spool, a_successor, an_entry
from tests.worker.test_killed_between_steps import MortalLedger

pytestmark = pytest.mark.anyio


@pytest.fixture
def news(tmp_path: Path, state: SqliteState) -> Iterator[News]:
    with a_journal(tmp_path) as journal:
        yield some_news(journal, state.outbox)


def at(seconds: float) -> Any:  # noqa: ANN401 - a time
    return NOW + timedelta(seconds=seconds)


def away(since: float, **facts: Any) -> Session:  # noqa: ANN401 - any field of a session
    reason = Reason(code="publisher_away", detail="gone", since=at(since))
    return a_session(state=SessionState.INTERRUPTED, state_reason=reason, publisher=None, **facts)


def a_gap(start: float, end: float, cause: str = "publisher_away") -> Gap:
    return Gap(started_at=at(start), ended_at=at(end), outputs=("snapshots",), cause=cause)


async def told(news: News, state: SqliteState) -> list[Event]:
    await flush(news)
    return kept(state.outbox)


async def types(news: News, state: SqliteState) -> list[str]:
    return [event.type for event in await told(news, state)]


async def test_a_picture_tells_where_it_lies_when_it_was_taken_and_what_was_found_in_it(
    news: News, state: SqliteState
) -> None:
    small = Rendition(key="snapshots/a-w320.jpg", width=320, height=180, bytes=5, sha256="2" * 64)
    facts: dict[str, Any] = {"width": 1280, "height": 720, "flags": ("black",), "phash": "ff00", "sizes": (small,)}
    news.shipped(replace(an_entry(1, at=at(1)), **facts))

    (event,) = await told(news, state)

    assert (event.type, event.at) == (events.SNAPSHOT_CREATED, at(1))
    assert event.data == {
        "key": "snapshots/000001.jpg",
        "captured_at": times.text(at(1)),
        "bytes": 10,
        "sha256": "0" * 64,
        "part": 0,
        "width": 1280,
        "height": 720,
        "flags": ["black"],
        "phash": "ff00",
        "sizes": [{"key": small.key, "width": 320, "height": 180, "bytes": 5, "sha256": small.sha256}],
        "name": "Gate",
        "labels": {"site": "north"},
    }


async def test_a_recording_tells_its_length_and_a_segment_is_no_event(news: News, state: SqliteState) -> None:
    entry = Artifact(
        kind=Kind.RECORDING, key="recordings/a.mp4", captured_at=NOW, bytes=3, sha256="1" * 64, part=2, seconds=60.04
    )
    news.shipped(a_segment(1))
    news.shipped(entry)

    (event,) = await told(news, state)

    assert event.type == events.RECORDING_CREATED
    assert (event.data["seconds"], event.data["part"], event.data["captured_at"]) == (60.04, 2, times.text(NOW))
    assert "flags" not in event.data


async def test_a_session_begins_is_interrupted_and_goes_on(news: News, state: SqliteState) -> None:
    news.began(Part(number=0, started_at=at(0)))
    news.followed(away(10))
    news.followed(away(10))
    news.began(Part(number=1, started_at=at(15)))
    news.missed(Part(number=1, started_at=at(15)), [a_gap(10, 15)])

    started, interrupted, resumed = await told(news, state)

    assert [started.type, started.at] == [events.SESSION_STARTED, at(0)]
    assert [interrupted.type, interrupted.at] == [events.SESSION_INTERRUPTED, at(10)]
    assert interrupted.data["reason"] == {"code": "publisher_away", "detail": "gone", "since": times.text(at(10))}
    assert [resumed.type, resumed.at] == [events.SESSION_RESUMED, at(15)]
    assert (resumed.data["part"], resumed.data["interrupted_at"]) == (1, times.text(at(10)))


async def test_an_interruption_that_state_tells_late_or_never_is_told_before_the_media_after_it(
    news: News, state: SqliteState
) -> None:
    """State was away while the publisher was: the worker knows it by the gap alone, and state says it afterwards."""
    news.began(Part(number=0, started_at=at(0)))
    again = Part(number=1, started_at=at(15))
    news.began(again)
    news.missed(again, [a_gap(10, 15)])
    news.followed(away(10))

    assert await types(news, state) == [events.SESSION_STARTED, events.SESSION_INTERRUPTED, events.SESSION_RESUMED]


async def test_a_part_that_follows_without_a_publisher_away_is_no_interruption(news: News, state: SqliteState) -> None:
    news.began(Part(number=0, started_at=at(0)))
    again = Part(number=1, started_at=at(15))
    news.began(again)
    news.missed(again, [a_gap(14, 15, "ffmpeg_lost")])

    assert await types(news, state) == [events.SESSION_STARTED]


@pytest.mark.parametrize("facts", [{"close": Close.STOP}, {"closing": True}])
async def test_the_publisher_that_leaves_a_session_that_ends_interrupts_nothing(
    news: News, state: SqliteState, facts: dict[str, object]
) -> None:
    news.began(Part(number=0, started_at=at(0)))
    news.followed(away(10, **facts))

    assert await types(news, state) == [events.SESSION_STARTED]


async def test_a_session_that_never_had_media_is_not_interrupted(news: News, state: SqliteState) -> None:
    news.followed(away(10))

    assert await types(news, state) == []


async def test_a_successor_knows_how_the_session_stands(tmp_path: Path, state: SqliteState) -> None:
    head = a_head(parts=(Part(number=0, started_at=at(0)),))
    for number in range(2):
        with a_journal(tmp_path) as journal:
            news = some_news(journal, state.outbox)
            news.took_over(head, [], is_of_another_machine=False)
            news.followed(away(10))
            await flush(news)
            assert len(kept(state.outbox)) == 2, number

    with a_journal(tmp_path) as journal:
        news = some_news(journal, state.outbox)
        news.took_over(head, [a_gap(9, 10, "worker_lost")], is_of_another_machine=False)
        news.began(Part(number=1, started_at=at(15)))

        assert await types(news, state) == [
            events.SESSION_STARTED,
            events.SESSION_INTERRUPTED,
            events.GAP_DECLARED,
            events.SESSION_RESUMED,
        ]


async def test_a_successor_on_another_machine_does_not_begin_the_session_again(news: News, state: SqliteState) -> None:
    head = a_head(parts=(Part(number=0, started_at=at(0)),))
    news.took_over(head, [], is_of_another_machine=True)
    news.began(Part(number=1, started_at=at(5)))
    news.followed(away(10))
    news.began(Part(number=2, started_at=at(15)))

    assert await types(news, state) == [events.SESSION_INTERRUPTED, events.SESSION_RESUMED]


async def test_a_gap_is_an_event_and_what_makes_it_longer_is_none(
    news: News, state: SqliteState, objects: DirectoryStore, tmp_path: Path
) -> None:
    keeper = a_keeper(FaultyStore(objects), tmp_path)
    keeper.news = news
    for gap in (a_gap(0, 1, "store_dropped"), a_gap(1, 2, "store_dropped"), a_gap(5, 6), a_gap(9, 9)):
        keeper.declare_gap(gap)

    first, second = await told(news, state)

    assert (first.data["from"], first.data["to"], first.data["cause"]) == (
        times.text(at(0)),
        times.text(at(1)),
        "store_dropped",
    )
    assert (second.data["cause"], second.data["outputs"]) == ("publisher_away", ["snapshots"])
    assert len(keeper.head.gaps) == 2


async def test_without_subscribers_nothing_is_noted() -> None:
    news = News()
    news.began(Part(number=0, started_at=NOW))
    news.followed(away(1))
    news.shipped(an_entry(1))
    news.gap(a_gap(0, 1))

    assert news.feeder is None


async def ship_until_killed(spool: Spool, ledger: MortalLedger, state: SqliteState) -> None:
    """Ship and tell of three pictures, as far as the worker lives."""
    spool.ledger = spool.shipping.ledger = ledger
    with ledger, a_journal(spool.folder.parent) as journal:
        spool.manifest.news = some_news(journal, FaultyOutbox(state.outbox, ledger.life.step))
        for picture in [spool.snapshot(number) for number in range(3)]:
            await spool.ship(picture)
            await flush(spool.manifest.news)


@pytest.mark.parametrize("steps", range(12))
async def test_each_picture_is_told_once_although_its_worker_is_killed_between_any_two_steps_of_shipping(
    tmp_path: Path, objects: DirectoryStore, state: SqliteState, steps: int
) -> None:
    spool = a_spool(tmp_path / SESSION, objects)
    ledger = MortalLedger(spool.folder / "ledger.jsonl", Life(steps))
    with spool.ledger, pytest.raises((Killed, BaseExceptionGroup)):
        await ship_until_killed(spool, ledger, state)

    with Ledger(spool.folder / "ledger.jsonl") as again, a_journal(tmp_path) as journal:
        later, inherited = await a_successor(spool.folder, objects, again)
        later.manifest.news = some_news(journal, state.outbox)
        await later.ship(*inherited.leftovers.waiting, parcels=inherited.leftovers.parcels)
        all_told = await told(later.manifest.news, state)

    entries = later.manifest.head.tail
    assert [event.data["key"] for event in all_told] == [entry.key for entry in entries]
    assert [event.sequence for event in all_told] == [1, 2, 3]
