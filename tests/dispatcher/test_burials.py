"""What becomes of many events that a sink does not take: few letters, and few lines in the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.adapters.sqlite_state import SqliteState
from services.dispatcher.burials import TELL_SECONDS, Burials
from services.dispatcher.counts import Counts
from services.domain.outbox import DeadLetter
from services.domain.subscriber import Subscriber
from tests.examples import an_event

HOOK = Subscriber(name="hook", url="https://example.com")
BEFORE = datetime.now(UTC) - timedelta(days=1)


class Watch:
    """A clock that the test sets."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqliteState]:
    with closing(SqliteState(tmp_path / "state.db")) as state:
        yield state


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def burials(state: SqliteState, watch: Watch) -> Burials:
    return Burials(outbox=state.outbox, counts=Counts(), now=watch)


def a_letter(number: int) -> DeadLetter:
    at = BEFORE + timedelta(seconds=number)
    return DeadLetter(id=f"{number:06}", sink="hook", event=an_event(1), error="it answers 404", tries=3, at=at)


def bury(burials: Burials, first: int, count: int, subscriber: Subscriber = HOOK) -> None:
    for number in range(first, first + count):
        burials.bury(replace(a_letter(number), sink=subscriber.name), subscriber)


def test_the_first_event_given_up_is_told_of_and_then_a_sum_once_a_minute(burials: Burials, watch: Watch) -> None:
    with capture_logs() as log:
        bury(burials, 1, 40)
        burials.tell()
        assert [(each["event"], each["sink"], each.get("event_id")) for each in log] == [
            ("event_given_up", "hook", an_event(1).id)
        ]
        watch.seconds = TELL_SECONDS
        burials.tell()
        bury(burials, 41, 10)
        burials.tell()
        assert [(each["event"], each.get("count")) for each in log[1:]] == [("events_given_up", 39)]
        watch.seconds = TELL_SECONDS * 2
        burials.tell()

    assert (log[-1]["count"], log[-1]["error"]) == (10, "it answers 404")


def test_after_a_quiet_minute_an_event_is_told_of_by_itself_again(burials: Burials, watch: Watch) -> None:
    with capture_logs() as log:
        bury(burials, 1, 1)
        watch.seconds = TELL_SECONDS
        burials.tell()
        bury(burials, 2, 1)

    assert [each["event"] for each in log] == ["event_given_up", "event_given_up"]


def test_a_sink_s_letters_are_bounded_and_those_that_went_are_counted(burials: Burials, state: SqliteState) -> None:
    burials.letters_max, burials.prune_every = 20, 5
    own = replace(HOOK, name="camera.12345678", is_own=True)
    bury(burials, 1_000, 3, own)

    bury(burials, 1, 100)

    kept = [letter.id for letter in state.outbox.letters(200, sink="hook")]
    assert 20 <= len(kept) <= 25
    assert kept == sorted(kept, reverse=True)
    assert kept[0] == "000100"
    assert forgotten(burials, "hook") == 100 - len(kept)
    assert len(state.outbox.letters(200, sink=own.name)) == 3


def test_letters_that_another_dispatcher_left_over_the_bound_go_with_the_first(
    burials: Burials, state: SqliteState
) -> None:
    burials.letters_max = 20
    for number in range(1, 51):
        state.outbox.bury(a_letter(number))

    bury(burials, 51, 1)

    assert len(state.outbox.letters(200)) == 20
    assert forgotten(burials, "hook") == 31


def forgotten(burials: Burials, sink: str) -> float:
    name = "streamkeep_dead_letters_forgotten_total"
    return burials.counts.registry.get_sample_value(name, {"sink": sink}) or 0.0
