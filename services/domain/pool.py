"""The warm pool: workers that run already and wait for a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from services.domain import times

BEAT_SECONDS = 10.0
"""How often an idle worker extends its row."""
DEAD_AFTER = timedelta(seconds=30)
"""An idle worker that has not extended its row for so long is no use to anybody."""
FORGOTTEN_AFTER = timedelta(hours=1)
"""How long after it was seen last an idle worker's row may go by itself."""
CLAIM_KEPT = timedelta(days=30)
"""How long after it was seen last a claimed worker's row may go by itself: it says for whom that task works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleWorker:
    """A worker that waits; once `channel_id` and `session_id` are set it is claimed, for good, for that session.

    `id` names it for ever: on AWS its task's ARN's last part. It is told of its claim at `control_url`, and reads its
    row again every 2 s besides. `zone` is the availability zone, empty where there are none.
    """

    id: str
    control_url: str
    seen_at: datetime
    zone: str = ""
    channel_id: str | None = None
    session_id: str | None = None

    @property
    def is_claimed(self) -> bool:
        """Say whether it is somebody's already."""
        return self.session_id is not None

    def is_alive(self, now: datetime) -> bool:
        """Say whether it has been seen lately."""
        return now < self.seen_at + DEAD_AFTER


class WorkerPool(Protocol):
    """Keeps the rows of idle workers. Every call may raise StateUnavailable."""

    def offer(self, worker: IdleWorker) -> None:
        """Store an unclaimed worker's row or extend it; raise VersionConflict once it is claimed."""
        ...

    def claim(self, channel_id: str, session_id: str, *, zone: str, now: datetime) -> IdleWorker | None:
        """Take a live idle worker for a session, one in `zone` before others, or None; each goes to one claimer."""
        ...

    def get(self, worker_id: str) -> IdleWorker | None:
        """Give a row as it was stored last, or None."""
        ...

    def all(self) -> Sequence[IdleWorker]:
        """Give every row, dead and claimed ones too, by id; each may lag behind by a second."""
        ...

    def remove(self, worker_id: str, *, unless_claimed: bool = False) -> None:
        """Forget a row; nothing happens where there is none. `unless_claimed`: raise VersionConflict if it is."""
        ...


def idle_worker_record(worker: IdleWorker) -> dict[str, Any]:
    """Give a worker's row as JSON values: every state adapter stores exactly these."""
    return {
        "id": worker.id,
        "control_url": worker.control_url,
        "seen_at": times.text(worker.seen_at),
        "zone": worker.zone,
        "channel_id": worker.channel_id,
        "session_id": worker.session_id,
    }


def idle_worker_from_record(record: dict[str, Any]) -> IdleWorker:
    """Read a worker's row back."""
    return IdleWorker(**{**record, "seen_at": times.parse(record["seen_at"])})
