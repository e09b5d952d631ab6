from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from services.adapters.opening import State
from services.domain.errors import SessionNotFound
from services.domain.session import LEASE_KEPT, Air, Close, Lease, Pull, Session
from services.domain.standing import Followed, Standing
from tests.contract.worlds import STATES
from tests.doubles.still_clock import StillClock
from tests.examples import NOW, a_channel, a_session

TTL = timedelta(seconds=10)


def a_broadcast(state: State, channel_id: str = "camera", *, minute: int = 0) -> tuple[Session, Air, Lease]:
    """Store a channel that is on air, with a worker."""
    state.channels.add(a_channel(channel_id))
    session = a_session(f"of-{channel_id}", channel_id=channel_id, started_at=NOW + timedelta(minutes=minute))
    air = Air(channel_id=channel_id).opened(session.id)
    state.sessions.save(session=session, air=air)
    return session, air, state.leases.claim(session.id, "worker", ttl=TTL, now=NOW)


def test_all_that_bears_on_a_channel_is_given_together(state: State) -> None:
    session, air, lease = a_broadcast(state)

    (standing,) = state.overview.of_channels(["camera"])

    assert standing == Standing(channel=a_channel(), air=air, session=session, lease=lease)


def test_of_a_channel_that_was_never_seen_nothing_is_known(state: State) -> None:
    (standing,) = state.overview.of_channels(["camera"])

    assert standing == Standing(channel=None, air=Air(channel_id="camera"), session=None, lease=None)


def test_a_channel_that_was_never_on_air_has_settings_only(state: State) -> None:
    state.channels.add(a_channel())

    (standing,) = state.overview.of_channels(["camera"])

    assert standing == Standing(channel=a_channel(), air=Air(channel_id="camera"), session=None, lease=None)


def test_a_deleted_channel_keeps_its_session_while_that_is_open(state: State) -> None:
    session, air, lease = a_broadcast(state)
    state.channels.remove("camera")

    (standing,) = state.overview.of_channels(["camera"])

    assert standing == Standing(channel=None, air=air, session=session, lease=lease)


def test_a_session_that_has_ended_is_left_out_with_its_lease(state: State) -> None:
    session, air, _ = a_broadcast(state)
    state.sessions.save(session=session.ended(NOW), air=air.changed())

    (standing,) = state.overview.of_channels(["camera"])

    assert (standing.session, standing.lease, standing.air.last_session_id) == (None, None, session.id)


def test_a_forgotten_lease_is_left_out(state: State, state_world: str, tmp_path: Path) -> None:
    a_broadcast(state)

    with closing(STATES[state_world](tmp_path, StillClock(NOW + TTL + LEASE_KEPT))) as later:
        leases = [each.lease for each in (*later.overview.of_channels(["camera"]), *later.overview.open_sessions())]

    assert leases == [None, None]


def test_channels_are_given_in_the_order_in_which_they_are_named(state: State) -> None:
    for name in ("a", "b", "c"):
        state.channels.add(a_channel(name))

    standings = state.overview.of_channels(["b", "unknown", "c", "a", "b"])

    assert [each.air.channel_id for each in standings] == ["b", "unknown", "c", "a", "b"]
    assert [each.channel and each.channel.id for each in standings] == ["b", None, "c", "a", "b"]


def test_of_no_channels_nothing_is_given(state: State) -> None:
    assert list(state.overview.of_channels([])) == []


def test_more_channels_than_a_call_can_hold_are_all_given(state: State) -> None:
    names = [f"channel-{number}" for number in range(130)]
    for name in names:
        state.channels.add(a_channel(name))
    _, air, lease = a_broadcast(state, "last")

    standings = state.overview.of_channels([*names, "last"])

    assert [each.channel and each.channel.id for each in standings] == [*names, "last"]
    assert (standings[-1].air, standings[-1].lease) == (air, lease)


def test_open_sessions_are_given_newest_first_with_all_that_bears_on_them(state: State) -> None:
    broadcasts = {name: a_broadcast(state, name, minute=minute) for name, minute in (("a", 1), ("b", 3), ("c", 2))}

    standings = state.overview.open_sessions()

    expected = {
        name: Standing(channel=a_channel(name), air=air, session=session, lease=lease)
        for name, (session, air, lease) in broadcasts.items()
    }
    assert list(standings) == [expected["b"], expected["c"], expected["a"]]


def test_a_session_that_is_not_open_any_more_is_not_among_the_open_ones(state: State) -> None:
    session, air, _ = a_broadcast(state)
    a_broadcast(state, "other")
    state.sessions.save(session=session.ended(NOW), air=air.changed(session_id=None))

    assert [each.air.channel_id for each in state.overview.open_sessions()] == ["other"]


def test_an_open_session_is_given_although_its_channel_is_deleted_and_nobody_works_for_it(state: State) -> None:
    session = a_session()
    state.sessions.save(session=session)

    assert list(state.overview.open_sessions()) == [
        Standing(channel=None, air=Air(channel_id="camera"), session=session, lease=None)
    ]


def test_more_open_sessions_than_a_call_can_hold_are_all_given(state: State) -> None:
    for number in range(40):
        a_broadcast(state, f"channel-{number}", minute=number)

    standings = state.overview.open_sessions()

    assert [each.channel and each.channel.id for each in standings] == [f"channel-{n}" for n in reversed(range(40))]
    assert all(each.session and each.lease for each in standings)


def test_a_worker_follows_its_session_and_the_channels_settings(state: State) -> None:
    session, _, lease = a_broadcast(state)
    session = session.asked_to_close(Close.COMPLETE)
    state.channels.replace(a_channel().changed(NOW, name="new"))
    state.sessions.save(session=session)

    assert state.overview.follow("camera", session.id) == Followed(
        channel=a_channel().changed(NOW, name="new"), session=session, lease=lease
    )


def test_a_worker_sees_that_another_has_taken_its_session(state: State) -> None:
    session, _, lease = a_broadcast(state)
    newer = state.leases.claim(session.id, "another", ttl=TTL, now=NOW + TTL)

    seen = state.overview.follow("camera", session.id).lease

    assert seen == newer
    assert newer.epoch > lease.epoch


def test_a_forgotten_lease_is_not_followed(state: State, state_world: str, tmp_path: Path) -> None:
    session, _, _ = a_broadcast(state)

    with closing(STATES[state_world](tmp_path, StillClock(NOW + TTL + LEASE_KEPT))) as later:
        assert later.overview.follow("camera", session.id).lease is None


def test_a_worker_follows_its_session_although_the_channel_is_deleted(state: State) -> None:
    session, _, lease = a_broadcast(state)
    state.channels.remove("camera")

    assert state.overview.follow("camera", session.id) == Followed(channel=None, session=session, lease=lease)


def test_nobody_follows_a_session_that_does_not_exist(state: State) -> None:
    state.channels.add(a_channel())

    with pytest.raises(SessionNotFound):
        state.overview.follow("camera", "session")


def started(state: State, channel_id: str, *, minute: int = 0) -> Air:
    """Store a channel whose source is to be fetched."""
    state.channels.add(a_channel(channel_id, source_url="rtmp://live.example/app/name"))
    air = Air(channel_id=channel_id).changed(pull=Pull(since=NOW + timedelta(minutes=minute)))
    state.sessions.save(air=air)
    return air


def test_channels_whose_source_is_to_be_fetched_are_listed(state: State) -> None:
    a_broadcast(state, "published")
    airs = {name: started(state, name, minute=minute) for minute, name in enumerate(("b", "a"))}

    found = state.overview.pulls()

    assert {each.air.channel_id: each.air for each in found} == airs
    assert {each.channel.id for each in found if each.channel is not None} == {"a", "b"}


def test_a_channel_whose_source_is_no_more_to_be_fetched_is_listed_no_more(state: State) -> None:
    air = started(state, "a")
    state.sessions.save(air=air.changed(pull=None))

    assert list(state.overview.pulls()) == []


def test_a_channel_on_air_stays_listed_with_its_session(state: State) -> None:
    air = started(state, "a")
    session = a_session("of-a", channel_id="a")
    state.sessions.save(session=session, air=air.opened(session.id))

    (found,) = state.overview.pulls()

    assert found.session == session
