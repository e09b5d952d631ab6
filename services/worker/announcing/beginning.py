"""How a worker begins to announce what happens to its session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.domain.outbox import Outbox
from services.worker.announcing.feeder import Feeder
from services.worker.announcing.journal import Journal
from services.worker.announcing.news import News
from services.worker.delivery.patience import Patience
from services.worker.following import Following

JOURNAL = "events.jsonl"


@contextmanager
def announcing(following: Following, outbox: Outbox | None, folder: Path) -> Iterator[Patience]:
    """Have what happens noted in the session's `folder` and told to the outbox, if any; give the patience with state.

    Somebody has to run the feeder of `following.news`.
    """
    with Patience(name="state") as patience:
        if outbox is None:
            yield patience
            return
        with Journal(folder / JOURNAL) as journal:
            feeder = Feeder(
                outbox=outbox,
                journal=journal,
                patience=patience,
                check=following.tenure.check,
                channel_id=following.channel.id,
                session_id=following.session.id,
            )
            following.news = News(feeder=feeder, channel=lambda: following.channel)
            yield patience
