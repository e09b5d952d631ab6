"""A process that is killed between any two writes of a broadcast leaves what the next start understands."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from services.adapters.opening import State
from services.domain.errors import LeaseHeld
from services.domain.session import SessionState
from tests.contract.broadcast_writes import (
    CLAIMED,
    ENDED,
    OPENED,
    RELEASED,
    TTL,
    WRITES,
    Broadcast,
    channel_of,
    killed_each,
)
from tests.contract.racing import Racers
from tests.contract.worlds import STATES
from tests.examples import NOW

ALL = range(1, len(WRITES) + 1)


@pytest.fixture
def left(state_world: str, tmp_path: Path, racers: Racers) -> Iterator[State]:
    """Open what processes left that were killed, each after another number of writes to a channel of its own."""
    ended = racers.run(killed_each, state_world, tmp_path)
    assert [code for codes in ended for code in codes] == [-signal.SIGKILL] * len(WRITES)
    with closing(STATES[state_world](tmp_path)) as state:
        yield state


def test_after_a_kill_between_any_two_writes_all_reads_agree(left: State) -> None:
    is_open = [OPENED <= writes < ENDED for writes in ALL]
    for writes in ALL:
        broadcast = Broadcast(left, channel_of(writes), "next")
        standing = broadcast.standing()

        assert standing.channel == left.channels.get(broadcast.channel_id)
        assert standing.air == left.sessions.air(broadcast.channel_id)
        assert standing.air.session_id == (broadcast.session_id if is_open[writes - 1] else None), writes
        assert standing.air.last_session_id == (broadcast.session_id if writes >= OPENED else None), writes
        assert (standing.session is not None) is is_open[writes - 1], writes
        if standing.session is not None:
            assert standing.session == left.sessions.get(standing.air.session_id or "")
            assert standing.lease == left.leases.get(standing.session.id)
        elif writes >= OPENED:
            assert left.sessions.get(broadcast.session_id).state is SessionState.ENDED

    open_ids = {Broadcast(left, channel_of(writes), "").session_id for writes in ALL if is_open[writes - 1]}
    assert {session.id for session in left.sessions.open_sessions()} == open_ids
    assert {standing.session.id for standing in left.overview.open_sessions() if standing.session} == open_ids


def test_after_a_kill_between_any_two_writes_the_next_worker_gets_the_lease_once_it_is_over(left: State) -> None:
    for writes in ALL:
        broadcast = Broadcast(left, channel_of(writes), "next")
        if CLAIMED <= writes < RELEASED:
            with pytest.raises(LeaseHeld):
                broadcast.claim()
            broadcast = Broadcast(left, channel_of(writes), "next", NOW + TTL)
        broadcast.claim()

        assert broadcast.lease().holder == "next"
        assert broadcast.lease().epoch == (2 if writes >= CLAIMED else 1), writes


def test_after_a_kill_between_any_two_writes_the_rest_of_them_is_made_by_the_next(left: State) -> None:
    for writes in ALL:
        broadcast = Broadcast(left, channel_of(writes), "next", NOW + TTL)
        if CLAIMED <= writes < RELEASED:
            broadcast.claim()
        for write in WRITES[writes:]:
            write(broadcast)

        session, standing = left.sessions.get(broadcast.session_id), broadcast.standing()
        assert (session.state, session.closing, session.version) == (SessionState.ENDED, True, 4), writes
        assert (standing.air.session_id, standing.air.media_sequence, standing.air.version) == (None, 1, 2), writes
        assert not broadcast.lease().is_valid(NOW + TTL)

    assert left.sessions.open_sessions() == []


def test_after_a_kill_between_any_two_writes_the_channel_can_go_on_air_again(left: State) -> None:
    for writes in ALL:
        broadcast = Broadcast(left, channel_of(writes), "next", NOW + TTL)
        if OPENED <= writes < ENDED:
            broadcast.end()
        broadcast.session_id = f"next-of-{broadcast.channel_id}"
        for write in WRITES[1:]:
            write(broadcast)

        assert broadcast.standing().air.last_session_id == broadcast.session_id
