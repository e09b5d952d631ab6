"""A session's announcements with a journal of their own, fed into any outbox."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from services.domain.event import SNAPSHOT_CREATED, Event
from services.domain.outbox import Outbox
from services.worker.announcing.feeder import Feeder
from services.worker.announcing.journal import Journal
from services.worker.announcing.news import News
from services.worker.delivery.patience import Patience
from tests.examples import NOW, a_channel
from tests.worker.spool import CHANNEL, SESSION

STREAM = f"session/{SESSION}"


def still_ours() -> None:
    """Say that the lease still holds."""


def a_journal(folder: Path, **bounds: Any) -> Journal:  # noqa: ANN401 - of the journal
    return Journal(folder / SESSION / "events.jsonl", **bounds)


def some_news(journal: Journal, outbox: object, check: Callable[[], None] = still_ours) -> News:
    """Give the news of a session that are brought into (what answers like) an outbox when they are flushed."""
    feeder = Feeder(
        outbox=cast("Outbox", outbox),
        journal=journal,
        patience=Patience(name="state"),
        check=check,
        channel_id=CHANNEL,
        session_id=SESSION,
    )
    return News(feeder=feeder, channel=lambda: a_channel(CHANNEL, name="Gate", labels={"site": "north"}))


def announce(news: News, *numbers: int, size: int = 0) -> None:
    for number in numbers:
        news.announce(SNAPSHOT_CREATED, NOW + timedelta(seconds=number), {"text": "x" * size}, str(number))


async def flush(news: News) -> None:
    assert news.feeder is not None
    await news.feeder.flush()


def kept(outbox: Outbox) -> list[Event]:
    """Give all events of the session that the outbox has."""
    events: list[Event] = []
    while found := outbox.read(STREAM, events[-1].sequence if events else 0, 100):
        events += found
    return events


def told(outbox: Outbox) -> list[tuple[int, str]]:
    """Give the number and the name of each event."""
    return [(event.sequence, event.id.removeprefix(f"{SESSION}/{SNAPSHOT_CREATED}/")) for event in kept(outbox)]


def numbered(*names: int | str) -> list[tuple[int, str]]:
    return [(number, str(name)) for number, name in enumerate(names, 1)]
