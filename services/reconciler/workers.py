"""What sessions need of workers; nothing is asked or done here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.domain.session import Lease, Session
from services.domain.tasks import Task
from services.reconciler.actions import Action, Fail, FreeLease, Launch, StopHung, StopOrphan
from services.reconciler.memory import Memory
from services.reconciler.sight import Sight, task_of

STARTING = timedelta(minutes=5)
"""A task that has not begun to run by then is given up."""
ORPHAN_SECONDS = 30.0
"""For how long a task may go on when its session is over; a worker that has recorded the end goes within a second."""
ORPHAN_SEEN_SECONDS = 5.0
"""How long it has to look so before anybody asks: most are on their way out."""
DOUBLE_SECONDS = 150.0
"""For how long a second worker may be there: one that has handed over ships what it has, for 120 s at most."""
GIVE_UP_ORDERS = 8
"""After so many workers have died over finalising a session it has failed: its channel must not wait any longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Judges by leases and tasks. `lease_seconds` is how long a worker's lease lasts."""

    lease_seconds: float

    def decide(self, sight: Sight, memory: Memory) -> Iterator[Action]:
        """Give what follows for the workers of all sessions, open or not."""
        if sight.tasks is None:
            return
        for session_id, standing in sight.standings.items():
            if standing.session is None:
                continue
            tasks = sight.by_session.get(session_id, ())
            lease = standing.lease
            if lease is None or not lease.is_valid(sight.now):
                yield from self._unled(standing.session, tasks, sight, memory)
            else:
                yield from _led(standing.session, lease, tasks, sight, memory)
        for session_id in sight.by_session.keys() - sight.standings.keys():
            yield from _orphans(session_id, sight, memory)

    def _unled(self, session: Session, tasks: Sequence[Task], sight: Sight, memory: Memory) -> Iterator[Action]:
        """See to a session that nobody holds: wait for a worker that starts, replace one that hangs, or order one."""
        late = [task for task in tasks if not task.is_running and sight.now >= task.started_at + STARTING]
        starting = [task for task in tasks if not task.is_running and task not in late]
        running = [task for task in tasks if task.is_running]
        if starting:
            return
        hung = late
        if running:
            # After an outage of state, in which every lease ends, all healthy workers have renewed by then.
            if memory.seconds(f"unled/{session.id}") < self.lease_seconds:
                return
            hung = [*late, *running]
        for task in hung:
            yield StopHung(reason="it has no lease", task_id=task.id, session_id=session.id)
        yield from _order(session, sight, memory)


def _order(session: Session, sight: Sight, memory: Memory) -> Iterator[Action]:
    """Order a worker, unless it is too early for another, or in vain."""
    if not memory.may_order(session.id):
        return
    orders = memory.orders.get(session.id)
    if session.closing and orders is not None and orders.closing >= GIVE_UP_ORDERS:
        reason = "its workers died again and again while they finalised it"
        yield Fail(reason=reason, session_id=session.id, channel_id=session.channel_id)
        return
    yield _launch(session, sight, "it has no worker")


def _launch(session: Session, sight: Sight, reason: str, *, is_successor: bool = False) -> Launch:
    return Launch(
        reason=reason,
        session_id=session.id,
        channel_id=session.channel_id,
        zone=_zone(session, sight),
        is_successor=is_successor,
        is_closing=session.closing,
    )


def _zone(session: Session, sight: Sight) -> str:
    """Give the zone of a session's publisher: bytes that cross zones cost more than the CPU."""
    gateway = None if session.publisher is None else sight.gateways.get(session.publisher.gateway)
    return "" if gateway is None else gateway.zone


def _led(session: Session, lease: Lease, tasks: Sequence[Task], sight: Sight, memory: Memory) -> Iterator[Action]:
    """See to a session that somebody holds: its worker may be dead, leaving, or one of two."""
    holder = task_of(lease)
    others = [task for task in tasks if task.id != holder]
    is_listed = holder in (sight.tasks or {})
    if lease.leaving and not others:
        yield _launch(session, sight, "its worker is leaving", is_successor=True)
    if not is_listed and memory.may_ask(f"{session.id}/{lease.epoch}"):  # it is stopping, or over
        reason = "its worker's task is not listed"
        yield FreeLease(reason=reason, session_id=session.id, channel_id=session.channel_id, task_id=holder)
    if lease.leaving or not is_listed:
        return
    if not session.closing:  # whose orders count to the end: its workers may live for a while and die all the same
        memory.works(session.id)
    for task in others:
        if task.is_running and memory.seconds(f"double/{task.id}") >= DOUBLE_SECONDS:
            yield StopHung(reason="another worker has its session", task_id=task.id, session_id=session.id)


def _orphans(session_id: str, sight: Sight, memory: Memory) -> Iterator[Action]:
    for task in sight.by_session[session_id]:
        if memory.seconds(f"orphan/{task.id}") >= ORPHAN_SEEN_SECONDS:
            yield StopOrphan(
                reason="its session is over", task_id=task.id, session_id=session_id, asked_for=task.started_at
            )
