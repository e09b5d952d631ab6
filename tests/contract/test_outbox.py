from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from services.adapters.opening import State
from services.domain.errors import SequenceTaken, VersionConflict
from services.domain.event import CHANNEL_BLOCKED, Event
from services.domain.outbox import APPEND_MAX, DeadLetter
from services.domain.ports import Position
from services.domain.session import Air
from tests.contract import racing_tasks
from tests.contract.racing import RACERS, Racers
from tests.contract.worlds import STATES
from tests.doubles.still_clock import StillClock
from tests.examples import NOW, a_session, an_event

STREAM = "session/session"


def some(first: int, count: int, session_id: str = "session") -> list[Event]:
    return [an_event(number, session_id=session_id) for number in range(first, first + count)]


def numbers(events: Sequence[Event]) -> list[int]:
    return [event.sequence for event in events]


def a_letter(name: str = "letter", /, **facts: object) -> DeadLetter:
    told: dict[str, object] = {"sink": "hook", "event": an_event(1), "error": "410", "tries": 9, "at": NOW, **facts}
    return DeadLetter(id=name, **told)  # type: ignore[arg-type] # fields of a letter


def test_events_are_given_back_in_order_as_they_were(state: State) -> None:
    told = [an_event(1, data={"key": "snapshots/ä.jpg", "flags": ["black"]}), an_event(2, type=CHANNEL_BLOCKED)]

    state.outbox.append(told[:1])
    state.outbox.append(told[1:])

    assert state.outbox.read(STREAM, 0, 10) == told
    assert state.outbox.last(STREAM) == 2


def test_a_stream_that_never_had_an_event_is_empty(state: State) -> None:
    assert state.outbox.last(STREAM) == 0
    assert state.outbox.read(STREAM, 0, 10) == []
    assert state.outbox.backlogs(10) == []


def test_reading_begins_after_a_number_and_ends_at_a_limit(state: State) -> None:
    for first in (1, 4, 7):
        state.outbox.append(some(first, 3))

    assert numbers(state.outbox.read(STREAM, 2, 5)) == [3, 4, 5, 6, 7]
    assert numbers(state.outbox.read(STREAM, 7, 5)) == [8, 9]


def test_events_that_are_kept_already_change_nothing_and_new_ones_behind_them_are_kept(state: State) -> None:
    state.outbox.append(some(1, 3))
    state.outbox.append(some(1, 3))
    state.outbox.append(some(2, 4))

    assert state.outbox.read(STREAM, 0, 10) == some(1, 5)


def test_a_number_that_another_event_has_is_refused_and_nothing_is_kept(state: State) -> None:
    state.outbox.append(some(1, 2))

    with pytest.raises(SequenceTaken):
        state.outbox.append([an_event(2, id="another"), an_event(3)])

    assert state.outbox.read(STREAM, 0, 10) == some(1, 2)


def test_a_hole_is_refused_and_nothing_is_kept(state: State) -> None:
    state.outbox.append(some(1, 1))

    with pytest.raises(SequenceTaken):
        state.outbox.append(some(3, 2))

    assert state.outbox.last(STREAM) == 1


@pytest.mark.parametrize(
    "events",
    [[an_event(1), an_event(3)], [an_event(1), an_event(2, session_id="other")], some(1, APPEND_MAX + 1)],
    ids=["a hole", "two streams", "too many"],
)
def test_what_is_no_run_of_one_stream_is_a_mistake_of_the_caller(state: State, events: list[Event]) -> None:
    with pytest.raises(ValueError, match=r"are appended at once|not all of the events are of"):
        state.outbox.append(events)


def test_forgotten_events_are_gone_and_the_numbers_go_on(state: State) -> None:
    state.outbox.append(some(1, 3))
    state.outbox.forget(STREAM, 2)
    assert numbers(state.outbox.read(STREAM, 0, 10)) == [3]

    state.outbox.forget(STREAM, 99)
    state.outbox.append(some(4, 1))

    assert numbers(state.outbox.read(STREAM, 0, 10)) == [4]


def test_a_forgotten_event_is_known_again_and_another_of_its_number_refused(state: State) -> None:
    state.outbox.append(some(1, APPEND_MAX))
    state.outbox.forget(STREAM, APPEND_MAX)

    state.outbox.append(some(1, APPEND_MAX))
    with pytest.raises(SequenceTaken):
        state.outbox.append([an_event(APPEND_MAX, id="another")])

    assert state.outbox.backlogs(10) == []


def test_a_backlog_says_how_far_each_sink_has_come(state: State) -> None:
    state.outbox.append(some(1, 5))
    state.outbox.delivered(STREAM, "hook", 4)
    state.outbox.delivered(STREAM, "hook", 2)
    state.outbox.delivered(STREAM, "queue", 99)
    state.outbox.forget(STREAM, 1)

    (backlog,) = state.outbox.backlogs(10)

    assert (backlog.stream, backlog.last, dict(backlog.delivered)) == (STREAM, 5, {"hook": 4, "queue": 5})
    assert backlog.since == NOW


def test_a_stream_of_which_all_is_forgotten_has_no_backlog_until_the_next_event(state: State) -> None:
    state.outbox.append(some(1, 2))
    state.outbox.delivered(STREAM, "hook", 2)
    state.outbox.forget(STREAM, 2)
    assert state.outbox.backlogs(10) == []

    state.outbox.append(some(3, 1))

    (backlog,) = state.outbox.backlogs(10)
    assert (backlog.last, dict(backlog.delivered)) == (3, {})


def test_streams_are_listed_by_how_long_they_have_waited_page_after_page(state_world: str, tmp_path: Path) -> None:
    for minute, name in enumerate(("c", "a", "b", "d")):
        later = STATES[state_world](tmp_path, StillClock(NOW + timedelta(minutes=minute)))
        later.outbox.append(some(1, 1, name))
        later.close()
    state = STATES[state_world](tmp_path)
    state.outbox.append(some(2, 1, "c"))
    state.outbox.forget("session/b", 1)

    first = state.outbox.backlogs(2)
    rest = state.outbox.backlogs(2, after=first[-1])
    state.close()

    assert [backlog.stream for backlog in (*first, *rest)] == ["session/c", "session/a", "session/d"]


def test_of_appenders_that_race_for_a_number_one_wins_and_no_event_is_lost_or_doubled(
    state: State, state_world: str, tmp_path: Path, racers: Racers
) -> None:
    racers.run(racing_tasks.append_events, state_world, tmp_path)

    kept = state.outbox.read(STREAM, 0, 1_000)
    assert numbers(kept) == list(range(1, RACERS * racing_tasks.EVENTS_EACH + 1))
    for racer in range(RACERS):
        own = [event.id for event in kept if event.id.startswith(f"{racer}-")]
        assert own == [f"{racer}-{number}" for number in range(racing_tasks.EVENTS_EACH)]


def test_a_session_and_the_event_that_tells_of_it_are_stored_together(state: State) -> None:
    state.sessions.save(session=a_session(), air=Air(channel_id="camera").opened("session"), events=[an_event(1)])

    assert state.sessions.get("session").id == "session"
    assert numbers(state.outbox.read(STREAM, 0, 10)) == [1]


def test_neither_is_stored_when_the_events_number_is_taken_or_the_session_has_changed(state: State) -> None:
    state.outbox.append(some(1, 1))
    with pytest.raises(VersionConflict):
        state.sessions.save(session=a_session(), events=[an_event(1, id="another")])
    assert state.sessions.page(10) == []

    state.sessions.save(session=a_session())
    with pytest.raises(VersionConflict):
        state.sessions.save(session=a_session(), events=some(2, 1))
    assert state.outbox.last(STREAM) == 1


def test_a_letter_is_given_back_as_it_was_until_it_is_taken_out(state: State) -> None:
    letter = a_letter("hook/" + "long" * 60, replaying=True)
    state.outbox.bury(letter)
    assert state.outbox.letter(letter.id) == letter

    state.outbox.unbury(letter.id)
    state.outbox.unbury(letter.id)

    assert state.outbox.letter(letter.id) is None
    assert state.outbox.letters(10) == state.outbox.letters(10, replaying=True) == []


def test_letters_are_listed_newest_first_by_sink_and_by_whether_they_are_to_be_sent_again(state: State) -> None:
    for minute, (name, sink) in enumerate((("a", "hook"), ("b", "queue"), ("c", "hook"), ("d", "hook"))):
        state.outbox.bury(a_letter(name, sink=sink, at=NOW + timedelta(minutes=minute)))
    for name, minute in (("b", 1), ("c", 2)):
        state.outbox.bury(a_letter(name, sink="queue", at=NOW + timedelta(minutes=minute), replaying=True))

    def listed(limit: int = 10, **chosen: object) -> str:
        return "".join(letter.id for letter in state.outbox.letters(limit, **chosen))  # type: ignore[arg-type] # of it

    assert listed() == "dcba"
    assert listed(2, after=Position(at=NOW + timedelta(minutes=2), id="c")) == "ba"
    assert listed(sink="hook") == "da"
    assert listed(replaying=True) == "cb"
    assert listed(1, sink="queue", replaying=True) == "c"
    assert listed(sink="hook", replaying=True) == ""


def test_letters_of_the_same_moment_are_paged_without_missing_or_repeating_one(state: State) -> None:
    names = {f"hook/{number}" for number in range(7)}
    for name in names:
        state.outbox.bury(a_letter(name))

    listed: list[str] = []
    after = None
    while page := state.outbox.letters(3, after=after):
        listed += [letter.id for letter in page]
        after = Position(at=page[-1].at, id=page[-1].id)

    assert sorted(listed) == sorted(names)


def test_of_a_sink_s_letters_the_newest_stay_and_no_other_sink_s_go(state: State) -> None:
    for minute in range(60):
        state.outbox.bury(a_letter(f"{minute:02}", at=NOW + timedelta(minutes=minute)))
    state.outbox.bury(a_letter("other", sink="queue", at=NOW - timedelta(days=1)))

    assert state.outbox.prune("hook", 5) == 55
    assert state.outbox.prune("hook", 5) == state.outbox.prune("hook") == state.outbox.prune("nobody", 0) == 0

    assert [letter.id for letter in state.outbox.letters(100)] == ["59", "58", "57", "56", "55", "other"]
