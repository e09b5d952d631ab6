"""How announcements come into the outbox: in order, each once, through outages, kills and others' numbers."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from services.adapters.sqlite_state import SqliteState
from services.domain.errors import LeaseLost
from services.domain.event import SESSION_FAILED
from services.runtime import metrics
from services.worker.announcing.announcement import Announcement
from services.worker.announcing.journal import Journal
from services.worker.announcing.remembered import IDS_MAX
from tests.doubles.faulty_outbox import FaultyOutbox
from tests.examples import an_event
from tests.worker.announcements import a_journal, announce, flush, kept, numbered, some_news, told
from tests.worker.heard import until
from tests.worker.life import Killed, Life
from tests.worker.spool import SESSION

pytestmark = pytest.mark.anyio

LATENCY_SECONDS = 0.1


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with a_journal(tmp_path) as journal:
        yield journal


async def test_announcements_are_numbered_in_their_order_and_say_whose_they_are(
    journal: Journal, state: SqliteState
) -> None:
    news = some_news(journal, state.outbox)
    announce(news, *range(40))
    await flush(news)

    assert told(state.outbox) == numbered(*range(40))
    first = kept(state.outbox)[0]
    assert (first.channel_id, first.session_id) == ("camera", SESSION)
    assert first.data == {"text": "", "name": "Gate", "labels": {"site": "north"}}


async def test_an_event_is_in_the_outbox_at_once(journal: Journal, state: SqliteState) -> None:
    news = some_news(journal, state.outbox)
    assert news.feeder is not None
    running = asyncio.create_task(news.feeder.run())
    seconds = []
    for number in range(1, 101):
        began = time.monotonic()
        announce(news, number)
        await until(lambda: news.feeder.journal.sequence == number)  # type: ignore[union-attr] # noqa: B023 - it is there
        seconds.append(time.monotonic() - began)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    seconds.sort()
    print(f"announced until in the outbox: p50 {seconds[50] * 1000:.1f} ms, p95 {seconds[94] * 1000:.1f} ms")
    assert seconds[94] < LATENCY_SECONDS
    assert state.outbox.last(f"session/{SESSION}") == 100


async def test_the_same_happening_is_an_event_once_also_for_a_successor(
    tmp_path: Path, journal: Journal, state: SqliteState
) -> None:
    news = some_news(journal, state.outbox)
    announce(news, 1, 1)
    await flush(news)

    with a_journal(tmp_path) as later:
        news = some_news(later, state.outbox)
        announce(news, 1, 2)
        await flush(news)

    assert told(state.outbox) == numbered(1, 2)


async def test_what_happens_while_state_is_away_is_told_when_it_is_back(journal: Journal, state: SqliteState) -> None:
    outbox = FaultyOutbox(state.outbox)
    news = some_news(journal, outbox)
    outbox.is_away.set()
    announce(news, 1)
    flushing = asyncio.create_task(flush(news))
    await until(lambda: outbox.asked >= 2)
    announce(news, *range(2, 30))
    outbox.is_away.clear()
    await flushing

    assert told(state.outbox) == numbered(*range(1, 30))


async def test_an_append_whose_answer_is_lost_is_made_once(journal: Journal, state: SqliteState) -> None:
    outbox = FaultyOutbox(state.outbox)
    news = some_news(journal, outbox)
    outbox.loses_answers.set()
    announce(news, 1, 2)
    flushing = asyncio.create_task(flush(news))
    await until(lambda: outbox.asked >= 2)
    announce(news, 3)
    outbox.loses_answers.clear()
    await flushing

    assert told(state.outbox) == numbered(1, 2, 3)


async def test_numbers_that_another_took_are_passed_over(journal: Journal, state: SqliteState) -> None:
    """A worker on another machine, or the gateway, has told something of the session."""
    news = some_news(journal, state.outbox)
    announce(news, 1)
    await flush(news)
    state.outbox.append([an_event(2, session_id=SESSION, id="other", type=SESSION_FAILED)])
    state.outbox.forget(f"session/{SESSION}", 2)

    announce(news, 2, 3)
    await flush(news)

    assert told(state.outbox) == [(3, "2"), (4, "3")]


async def test_one_that_was_appended_before_another_took_the_next_number_is_not_told_again(
    tmp_path: Path, state: SqliteState
) -> None:
    outbox = FaultyOutbox(state.outbox)
    with a_journal(tmp_path) as journal:
        news = some_news(journal, outbox)
        outbox.loses_answers.set()
        announce(news, 1, 2)
        flushing = asyncio.create_task(flush(news))
        await until(lambda: outbox.asked >= 1 and state.outbox.last(f"session/{SESSION}") == 2)
        flushing.cancel()
        await asyncio.gather(flushing, return_exceptions=True)
        announce(news, 3)
    state.outbox.append([an_event(3, session_id=SESSION, id="other")])

    with a_journal(tmp_path) as later:
        await flush(some_news(later, state.outbox))

    assert told(state.outbox) == numbered(1, 2, "other", 3)


async def test_who_has_lost_the_lease_tells_nothing_more(journal: Journal, state: SqliteState) -> None:
    def lost() -> None:
        raise LeaseLost

    news = some_news(journal, state.outbox, lost)
    announce(news, 1)

    with pytest.raises(LeaseLost):
        await flush(news)
    assert kept(state.outbox) == []


async def test_over_the_bound_the_oldest_are_given_up_and_the_rest_has_no_hole(
    tmp_path: Path, state: SqliteState
) -> None:
    before = metrics.EVENTS_DROPPED._value.get()
    with a_journal(tmp_path, bytes_max=20_000, compact_bytes=5_000) as journal:
        news = some_news(journal, state.outbox)
        announce(news, *range(100), size=1_000)
        size = (tmp_path / SESSION / "events.jsonl").stat().st_size
    dropped = int(metrics.EVENTS_DROPPED._value.get() - before)

    with a_journal(tmp_path) as later:
        await flush(some_news(later, state.outbox))

    assert 80 <= dropped <= 85
    assert size <= 2 * 20_000 + 5_000
    assert told(state.outbox) == numbered(*range(dropped, 100))


async def test_a_journal_does_not_grow_with_the_session_and_knows_the_last_ids_again(
    tmp_path: Path, state: SqliteState
) -> None:
    path = tmp_path / SESSION / "events.jsonl"
    with a_journal(tmp_path) as journal:
        news = some_news(journal, state.outbox)
        for first in range(0, 2_000, 200):
            announce(news, *range(first, first + 200), size=300)
            await flush(news)
        assert path.stat().st_size < 400_000

    with a_journal(tmp_path) as later:
        announce(some_news(later, state.outbox), *range(2_000 - IDS_MAX, 2_000))
        assert len(later) == 0
        assert later.sequence == 2_000


async def test_a_line_that_a_kill_cut_short_is_left_out_and_spoils_no_other(tmp_path: Path, state: SqliteState) -> None:
    with a_journal(tmp_path) as journal:
        announce(some_news(journal, state.outbox), 1, 2)
    path = tmp_path / SESSION / "events.jsonl"
    path.write_bytes(path.read_bytes()[:-20])

    for number in (3, 4):
        with a_journal(tmp_path) as later:
            announce(some_news(later, state.outbox), number)
    with a_journal(tmp_path) as last:
        await flush(some_news(last, state.outbox))

    assert told(state.outbox) == numbered(1, 3, 4)


async def test_a_folder_that_is_gone_and_cannot_be_made_costs_no_event_once_it_can(
    tmp_path: Path, journal: Journal, state: SqliteState
) -> None:
    announce(some_news(journal, state.outbox), 1)
    shutil.rmtree(tmp_path / SESSION)
    (tmp_path / SESSION).write_text("in the way")
    announce(some_news(journal, state.outbox), 2)
    (tmp_path / SESSION).unlink()
    announce(some_news(journal, state.outbox), 3)

    with a_journal(tmp_path) as later:
        await flush(some_news(later, state.outbox))

    assert told(state.outbox) == numbered(1, 2, 3)


class MortalJournal(Journal):
    """A journal whose writer may die before and after each line."""

    def __init__(self, path: Path, life: Life) -> None:
        self.life = life
        super().__init__(path, bytes_max=10_000, compact_bytes=600)

    def add(self, announcement: Announcement) -> bool:
        self.life.step()
        is_new = super().add(announcement)
        self.life.step()
        return is_new

    def told(self, through: int, sequence: int) -> None:
        self.life.step()
        super().told(through, sequence)
        self.life.step()


async def tell(journal: Journal, outbox: object, numbers: Sequence[int]) -> None:
    news = some_news(journal, outbox)
    for number in numbers:
        announce(news, number)
        if number % 2:
            await flush(news)
    await flush(news)


@pytest.mark.parametrize("steps", range(32))
async def test_after_a_kill_between_any_two_steps_none_is_lost_and_none_has_two_numbers(
    tmp_path: Path, state: SqliteState, steps: int
) -> None:
    """Whoever dies over one happening does it again: its successor announces all from there on."""
    life = Life(steps)
    with MortalJournal(tmp_path / SESSION / "events.jsonl", life) as journal, pytest.raises(Killed):
        await tell(journal, FaultyOutbox(state.outbox, life.step), range(8))
    with a_journal(tmp_path) as again:
        await tell(again, state.outbox, range(max(0, journal._number - 1), 8))

    assert told(state.outbox) == numbered(*range(8))
