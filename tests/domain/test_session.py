from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.session import (
    Air,
    Block,
    Close,
    Lease,
    Reason,
    Session,
    SessionState,
    channel_state,
)
from tests.examples import NOW, a_publisher, a_session

WINDOW = timedelta(seconds=180)
LOST = Reason(code="ffmpeg_lost", detail="ffmpeg ended", since=NOW)

STEPS: list[Callable[[Session], Session]] = [
    lambda session: session.with_publisher(a_publisher()),
    lambda session: session.went_live(),
    lambda session: session.lost_publisher(NOW),
    lambda session: session.troubled(LOST),
    lambda session: session.asked_to_close(Close.COMPLETE),
    lambda session: session.asked_to_close(Close.STOP),
    lambda session: session.began_closing(),
    lambda session: session.ended(NOW),
    lambda session: session.failed(NOW, LOST),
]


@given(st.lists(st.sampled_from(STEPS)))
def test_every_change_gives_the_next_version_and_what_changes_nothing_the_session_itself(
    steps: list[Callable[[Session], Session]],
) -> None:
    session = a_session()
    for step in steps:
        changed = step(session)
        assert changed is session or changed.version == session.version + 1
        session = changed

    assert (session.id, session.channel_id, session.started_at) == ("session", "camera", NOW)


@pytest.mark.parametrize("step", STEPS)
def test_a_session_that_has_ended_changes_no_more(step: Callable[[Session], Session]) -> None:
    ended = a_session().ended(NOW)

    assert step(ended) is ended


def test_what_arrives_after_the_publisher_left_makes_nothing_live() -> None:
    left = a_session().lost_publisher(NOW)

    assert left.went_live() is left


def test_a_new_session_is_starting_and_open() -> None:
    assert (a_session().state, a_session().state.is_open) == (SessionState.STARTING, True)


@pytest.mark.parametrize("state", [SessionState.ENDED, SessionState.FAILED])
def test_an_ended_or_failed_session_is_not_open(state: SessionState) -> None:
    assert not state.is_open


def test_a_session_with_media_is_live_and_has_no_reason_to_give() -> None:
    session = a_session().with_publisher(a_publisher()).troubled(LOST).went_live()

    assert (session.state, session.state_reason) == (SessionState.LIVE, None)


def test_a_session_without_its_publisher_is_interrupted_and_says_why() -> None:
    session = a_session().with_publisher(a_publisher()).went_live().lost_publisher(NOW)

    assert session.state is SessionState.INTERRUPTED
    assert session.publisher is None
    assert session.state_reason == Reason(code="publisher_away", detail="the publisher is not connected", since=NOW)


def test_a_reconnect_ends_the_waiting_but_only_media_makes_it_live() -> None:
    session = a_session().with_publisher(a_publisher("1")).went_live().lost_publisher(NOW)

    back = session.with_publisher(a_publisher("2"))

    assert (back.absent_since, back.state) == (None, SessionState.INTERRUPTED)
    assert back.went_live().state is SessionState.LIVE


def test_a_publisher_was_heard_only_if_the_worker_was_listening() -> None:
    session = a_session().with_publisher(a_publisher())

    heard = session.heard()

    assert session.publisher is not None
    assert heard.publisher is not None
    assert (session.publisher.listening, heard.publisher.listening) == (False, True)


def test_nobody_is_heard_where_nobody_publishes() -> None:
    session = a_session(publisher=None)

    assert session.heard() == session


@pytest.mark.parametrize(("gateway", "client_id"), [("gw/1", "2"), ("gw/2", "1")])
def test_another_life_of_the_gateway_or_another_client_is_another_connection(gateway: str, client_id: str) -> None:
    assert a_publisher("1").is_same_connection("gw/1", "1")
    assert not a_publisher("1").is_same_connection(gateway, client_id)


@pytest.mark.parametrize(("gateway", "cut"), [("gw/2", True), ("gw/1", False), ("other/2", False)])
def test_a_later_life_of_the_same_gateway_tells_that_a_connection_was_cut(gateway: str, cut: bool) -> None:  # noqa: FBT001 - the case
    assert a_publisher().was_cut_by_restart(gateway) is cut


def test_a_stop_outranks_a_completion_in_either_order() -> None:
    session = a_session()

    assert session.asked_to_close(Close.STOP).asked_to_close(Close.COMPLETE).close is Close.STOP
    assert session.asked_to_close(Close.COMPLETE).asked_to_close(Close.STOP).close is Close.STOP


def test_a_session_on_air_is_not_due_to_end() -> None:
    assert not a_session().with_publisher(a_publisher()).is_due_to_end(NOW + timedelta(days=30), WINDOW)


def test_an_interrupted_session_is_due_to_end_after_the_reconnect_window() -> None:
    session = a_session().with_publisher(a_publisher()).lost_publisher(NOW)

    assert not session.is_due_to_end(NOW + WINDOW - timedelta(milliseconds=1), WINDOW)
    assert session.is_due_to_end(NOW + WINDOW, WINDOW)


def test_a_completed_session_is_due_to_end_as_soon_as_nobody_publishes() -> None:
    completed = a_session().with_publisher(a_publisher()).asked_to_close(Close.COMPLETE)

    assert not completed.is_due_to_end(NOW, WINDOW)
    assert completed.lost_publisher(NOW).is_due_to_end(NOW, WINDOW)


def test_a_stopped_session_is_due_to_end_whoever_publishes() -> None:
    assert a_session().with_publisher(a_publisher()).asked_to_close(Close.STOP).is_due_to_end(NOW, WINDOW)


def test_a_session_that_began_to_close_is_due_to_end() -> None:
    assert a_session().with_publisher(a_publisher()).began_closing().is_due_to_end(NOW, WINDOW)


def test_an_ended_session_has_an_end_and_no_publisher() -> None:
    session = a_session().with_publisher(a_publisher()).went_live().ended(NOW)

    assert (session.state, session.ended_at, session.publisher) == (SessionState.ENDED, NOW, None)


def test_a_failed_session_says_why() -> None:
    session = a_session().failed(NOW, LOST)

    assert (session.state, session.ended_at, session.state_reason) == (SessionState.FAILED, NOW, LOST)


def test_a_ban_holds_until_its_time() -> None:
    block = Block(until=NOW, reason="", since=NOW)

    assert block.holds(NOW - timedelta(milliseconds=1))
    assert not block.holds(NOW)


def test_a_ban_without_a_time_holds_until_it_is_lifted() -> None:
    air = Air(channel_id="camera").changed(block=Block(until=None, reason="", since=NOW))

    assert air.blocked(NOW + timedelta(days=36_500)) is air.block
    assert air.changed(block=None).blocked(NOW) is None


def test_a_lease_is_valid_until_it_runs_out() -> None:
    lease = Lease(session_id="session", epoch=1, holder="worker", expires_at=NOW)

    assert lease.is_valid(NOW - timedelta(milliseconds=1))
    assert not lease.is_valid(NOW)


@pytest.mark.parametrize(
    ("session", "state"),
    [
        (None, "idle"),
        (a_session(), "starting"),
        (a_session().went_live(), "live"),
        (a_session().lost_publisher(NOW), "interrupted"),
        (a_session().ended(NOW), "idle"),
        (a_session().failed(NOW, LOST), "idle"),
    ],
)
def test_a_channels_state_is_that_of_its_open_session(session: Session | None, state: str) -> None:
    assert channel_state(Air(channel_id="camera"), session, NOW) == state


def test_a_blocked_channel_is_blocked_whatever_its_session() -> None:
    air = Air(channel_id="camera", block=Block(until=None, reason="", since=NOW))

    assert channel_state(air, a_session().went_live(), NOW) == "blocked"
