from __future__ import annotations

import multiprocessing
import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from services.adapters.opening import State
from services.domain.errors import SessionNotFound, VersionConflict
from services.domain.ports import Position
from services.domain.session import Air, Block, Close, Reason, Session, SessionState
from tests.contract import racing_tasks
from tests.contract.racing import RACERS, Racers
from tests.contract.worlds import STATES
from tests.examples import NOW, a_publisher, a_session
from tests.waiting import eventually

AIR = Air(channel_id="camera")


def test_a_stored_session_is_given_back_as_it_was(state: State) -> None:
    session = a_session(
        state=SessionState.INTERRUPTED,
        state_reason=Reason(code="publisher_away", detail="gone", since=NOW),
        publisher=a_publisher(listening=True),
        absent_since=NOW,
        close=Close.STOP,
        media_sequence=7,
        discontinuity_sequence=2,
    )

    state.sessions.save(session=session)

    assert state.sessions.get("session") == session


def test_an_unknown_session_is_not_found(state: State) -> None:
    with pytest.raises(SessionNotFound):
        state.sessions.get("session")


def test_a_channel_never_seen_does_nothing(state: State) -> None:
    assert state.sessions.air("camera") == Air(channel_id="camera", version=0)


def test_a_stored_air_is_given_back_as_it_was(state: State) -> None:
    air = AIR.changed(session_id="session", block=Block(until=None, reason="", since=NOW), media_sequence=3)

    state.sessions.save(air=air)

    assert state.sessions.air("camera") == air


def test_an_open_session_and_its_air_are_stored_together(state: State) -> None:
    state.sessions.save(session=a_session(), air=AIR.changed(session_id="session"))

    assert state.sessions.air("camera").session_id == state.sessions.get("session").id


def test_nothing_is_stored_when_the_air_changed_since_it_was_read(state: State) -> None:
    state.sessions.save(air=AIR.changed())

    with pytest.raises(VersionConflict):
        state.sessions.save(session=a_session(), air=AIR.changed(session_id="session"))

    assert state.sessions.page(10) == []


def test_nothing_is_stored_when_the_session_changed_since_it_was_read(state: State) -> None:
    session = a_session()
    state.sessions.save(session=session)
    state.sessions.save(session=session.went_live())

    with pytest.raises(VersionConflict):
        state.sessions.save(session=session.ended(NOW), air=AIR.changed(session_id="session"))

    assert state.sessions.air("camera") == AIR


def test_a_session_is_opened_once(state: State) -> None:
    state.sessions.save(session=a_session())

    with pytest.raises(VersionConflict):
        state.sessions.save(session=a_session())


def test_a_session_that_nobody_opened_has_no_next_version(state: State) -> None:
    with pytest.raises(VersionConflict):
        state.sessions.save(session=a_session().went_live())


def test_sessions_are_listed_newest_first_across_channels(state: State) -> None:
    for minute, channel in ((1, "a"), (3, "b"), (2, "a")):
        started = NOW + timedelta(minutes=minute)
        state.sessions.save(session=a_session(f"at-{minute}", channel_id=channel, started_at=started))

    assert [session.id for session in state.sessions.page(10)] == ["at-3", "at-2", "at-1"]


def test_a_channels_list_holds_its_own_sessions_only(state: State) -> None:
    state.sessions.save(session=a_session("mine", channel_id="a"))
    state.sessions.save(session=a_session("theirs", channel_id="b"))

    assert [session.id for session in state.sessions.page(10, channel_id="a")] == ["mine"]


@pytest.mark.parametrize("channel_id", ["camera", None])
def test_pages_miss_and_repeat_no_session_although_many_began_at_once(state: State, channel_id: str | None) -> None:
    for n in range(11):
        state.sessions.save(session=a_session(f"s{n:02d}", started_at=NOW + timedelta(milliseconds=n // 4)))

    listed: list[str] = []
    after = None
    while page := state.sessions.page(3, channel_id=channel_id, after=after):
        listed += [session.id for session in page]
        after = Position(at=page[-1].started_at, id=page[-1].id)

    assert listed == [f"s{n:02d}" for n in reversed(range(11))]


def test_open_sessions_are_those_that_have_not_ended_or_failed(state: State) -> None:
    for minute, name in enumerate(("starting", "live", "ended", "failed")):
        state.sessions.save(session=a_session(name, started_at=NOW + timedelta(minutes=minute)))
    reason = Reason(code="worker_lost", detail="gone", since=NOW)
    state.sessions.save(session=state.sessions.get("live").went_live())
    state.sessions.save(session=state.sessions.get("ended").ended(NOW))
    state.sessions.save(session=state.sessions.get("failed").failed(NOW, reason))

    assert [session.id for session in state.sessions.open_sessions()] == ["live", "starting"]


def test_four_processes_that_change_one_record_lose_no_update(
    state: State, state_world: str, tmp_path: Path, racers: Racers
) -> None:
    racers.run(racing_tasks.count_up, state_world, tmp_path)

    air = state.sessions.air("camera")
    assert air.media_sequence == air.version == RACERS * racing_tasks.SAVES_EACH


def test_the_same_next_version_is_stored_by_one_of_two_only(state: State) -> None:
    state.sessions.save(air=AIR.changed())

    with pytest.raises(VersionConflict):
        state.sessions.save(air=AIR.changed())


def test_a_writer_that_is_killed_leaves_all_that_it_stored_and_nothing_half(state_world: str, tmp_path: Path) -> None:
    told = _version_told_before_the_kill(state_world, tmp_path)

    state = STATES[state_world](tmp_path)
    air, session = eventually(lambda: _air_and_session(state), what="no write is under way")
    open_sessions = [each.id for each in state.sessions.open_sessions()]
    state.sessions.save(session=a_session("next"), air=air.opened("next"))
    state.close()

    assert air.version >= told
    assert (air.session_id == session.id) is session.state.is_open
    assert air.version == 2 * int(session.id.removeprefix("session-")) - session.state.is_open
    assert open_sessions == [session.id] * session.state.is_open


def _version_told_before_the_kill(state_world: str, place: Path) -> int:
    context = multiprocessing.get_context("spawn")
    progress, theirs = context.Pipe(duplex=False)
    writer = context.Process(target=racing_tasks.save_until_killed, args=(state_world, place, theirs))
    writer.start()
    theirs.close()
    told = 0
    while told < 100:
        assert progress.poll(30), "the writer does not write"
        told = progress.recv()
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join(30)
    while progress.poll(0):
        try:
            told = progress.recv()
        except EOFError:
            break
    return int(told)


def _air_and_session(state: State) -> tuple[Air, Session] | None:
    """Give both as they stood at one moment: the last write may arrive after its writer's end."""
    air = state.sessions.air("camera")
    assert air.last_session_id is not None
    session = state.sessions.get(air.last_session_id)
    return (air, session) if state.sessions.air("camera") == air else None


def test_what_became_of_an_ended_session_is_given_back_as_it_was(state: State) -> None:
    session = a_session()
    state.sessions.save(session=session)
    ended = session.ended(NOW)
    state.sessions.save(session=ended)
    expired = ended.with_expired(frozenset({"hls"}))
    state.sessions.save(session=expired)
    state.sessions.save(session=expired.with_erased(frozenset({"hls"})))

    state.sessions.save(session=state.sessions.get("session").held(Reason(code="held", detail="a court", since=NOW)))

    found = state.sessions.get("session")
    assert (found.expired, found.erased) == (frozenset({"hls"}), frozenset({"hls"}))
    assert found.hold == Reason(code="held", detail="a court", since=NOW)


def test_a_session_that_was_taken_down_is_in_no_list_but_that_of_removals(state: State) -> None:
    kept = a_session("kept").ended(NOW)
    removed = a_session("removed").ended(NOW)
    for session in (a_session("kept"), a_session("removed")):
        state.sessions.save(session=session)
    state.sessions.save(session=kept)
    state.sessions.save(session=removed)

    state.sessions.save(session=removed.taken_down(NOW))

    assert [each.id for each in state.sessions.removals()] == ["removed"]
    assert [each.id for each in state.sessions.page(10)] == ["kept"]
    assert [each.id for each in state.sessions.page(10, channel_id="camera")] == ["kept"]
    assert state.sessions.open_sessions() == []
    assert state.sessions.get("removed").removed_at == NOW


def test_a_forgotten_session_is_gone_and_a_changed_one_is_not_forgotten(state: State) -> None:
    session = a_session()
    state.sessions.save(session=session)
    ended = session.ended(NOW)
    state.sessions.save(session=ended)
    removed = ended.taken_down(NOW)
    state.sessions.save(session=removed)

    with pytest.raises(VersionConflict):
        state.sessions.forget(ended)
    state.sessions.forget(removed)

    with pytest.raises(SessionNotFound):
        state.sessions.get("session")
    assert state.sessions.removals() == []
    with pytest.raises(VersionConflict):
        state.sessions.forget(removed)
