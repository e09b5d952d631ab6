"""What the adapter makes of answers that are lost, late, partial or no, and how often it asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.adapters import dynamodb_table
from services.adapters.dynamodb_state import DynamodbState
from services.domain.errors import AlreadyExists, ChannelNotFound, LeaseLost, StateUnavailable, VersionConflict
from services.domain.ports import Position
from services.domain.session import Air
from tests.contract import dynamodb_world
from tests.contract.dynamodb_world import table_of
from tests.doubles.dynamodb_between import Answer, Between, Forward, error
from tests.doubles.still_clock import StillClock
from tests.emulators import Emulators, where_installed
from tests.examples import NOW, a_channel, a_session

TTL = timedelta(seconds=10)
AIR = Air(channel_id="camera")
EVERY_EMULATOR = [where_installed(kind) for kind in dynamodb_world.EMULATORS.values()]
on_every_emulator = pytest.mark.parametrize("emulator", EVERY_EMULATOR)


@pytest.fixture
def emulator() -> str:
    return "ministack"


@pytest.fixture
def between(emulator: str, emulators: Emulators, tmp_path: Path) -> Iterator[Between]:
    """Stand before a new table."""
    dynamodb_world.make_table(tmp_path, emulators.url(emulator))
    with Between(emulators.url(emulator)) as between:
        yield between


@pytest.fixture
def state(between: Between, tmp_path: Path) -> Iterator[DynamodbState]:
    with DynamodbState(table_of(tmp_path), endpoint=between.url, clock=StillClock(NOW)) as state:
        yield state


def lost(_request: dict[str, Any], forward: Forward) -> None:
    """Carry a request out and lose the answer."""
    assert forward()[0] == 200


def left_out(request: dict[str, Any], _forward: Forward) -> Answer:
    """Answer that nothing could be read now."""
    return 200, {"Responses": {}, "UnprocessedKeys": request["RequestItems"]}


def failing(answer: Answer) -> Any:  # noqa: ANN401 - a rule
    return lambda _request, _forward: answer


@on_every_emulator
def test_a_channel_that_was_added_although_the_answer_was_lost_is_added(between: Between, state: DynamodbState) -> None:
    between.on("PutItem", lost)

    state.channels.add(a_channel())

    assert between.calls.count("PutItem") == 2
    assert state.channels.get("camera") == a_channel()


@on_every_emulator
def test_a_change_whose_answer_was_lost_is_made_once(between: Between, state: DynamodbState) -> None:
    state.channels.add(a_channel())
    between.on("PutItem", lost)

    state.channels.replace(a_channel().changed(NOW, name="new"))

    assert state.channels.get("camera").version == 2


@on_every_emulator
def test_a_session_and_its_air_whose_answer_was_lost_are_stored_once(between: Between, state: DynamodbState) -> None:
    between.on("TransactWriteItems", lost)

    state.sessions.save(session=a_session(), air=AIR.opened("session"))

    assert between.calls.count("TransactWriteItems") == 2
    assert (state.sessions.get("session").version, state.sessions.air("camera").version) == (1, 1)


@on_every_emulator
def test_a_removal_whose_answer_was_lost_is_success(between: Between, state: DynamodbState) -> None:
    state.channels.add(a_channel())
    between.on("DeleteItem", lost)

    state.channels.remove("camera", 1)

    with pytest.raises(ChannelNotFound):
        state.channels.get("camera")


@on_every_emulator
def test_a_claim_whose_answer_was_lost_is_ones_own(between: Between, state: DynamodbState) -> None:
    between.on("PutItem", lost)

    lease = state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)

    assert (lease.epoch, state.leases.get("session")) == (1, lease)


def test_a_renewal_and_a_release_whose_answers_were_lost_are_made(between: Between, state: DynamodbState) -> None:
    lease = state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)
    between.on("PutItem", lost)
    renewed = state.leases.renew(lease, ttl=TTL, now=NOW + TTL)
    between.on("PutItem", lost)

    state.leases.release(renewed)

    assert state.leases.get("session") == renewed.released(NOW)


def test_another_who_came_between_is_not_taken_for_oneself(between: Between, state: DynamodbState) -> None:
    def taken(_request: dict[str, Any], _forward: Forward) -> None:
        state.channels.add(a_channel())

    between.on("PutItem", taken)

    with pytest.raises(AlreadyExists):
        state.channels.add(a_channel())


def test_a_claim_that_another_came_before_is_decided_again(between: Between, state: DynamodbState) -> None:
    def come_before(_request: dict[str, Any], forward: Forward) -> Answer:
        state.leases.release(state.leases.claim("session", "worker-b", ttl=TTL, now=NOW))
        return forward()

    between.on("PutItem", come_before)

    assert state.leases.claim("session", "worker-a", ttl=TTL, now=NOW).epoch == 2


def test_a_renewal_after_another_has_claimed_is_refused_at_once(between: Between, state: DynamodbState) -> None:
    lease = state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)
    state.leases.claim("session", "worker-b", ttl=TTL, now=NOW + TTL)
    between.calls.clear()

    with pytest.raises(LeaseLost):
        state.leases.renew(lease, ttl=TTL, now=NOW)

    assert between.calls == ["PutItem", "BatchGetItem"]


CONFLICT = error(
    "TransactionCanceledException", CancellationReasons=[{"Code": "TransactionConflict"}, {"Code": "None"}]
)


def test_a_transaction_that_met_another_which_failed_is_made(between: Between, state: DynamodbState) -> None:
    between.on("TransactWriteItems", failing(CONFLICT), failing(CONFLICT))

    state.sessions.save(session=a_session(), air=AIR.opened("session"))

    assert state.sessions.air("camera").session_id == "session"


def test_a_transaction_that_met_another_which_won_is_a_version_conflict(between: Between, state: DynamodbState) -> None:
    def lose(_request: dict[str, Any], _forward: Forward) -> Answer:
        state.sessions.save(air=AIR.changed())
        return CONFLICT

    between.on("TransactWriteItems", lose)

    with pytest.raises(VersionConflict):
        state.sessions.save(session=a_session(), air=AIR.opened("session"))


def test_a_write_that_meets_transactions_again_and_again_is_given_up(between: Between, state: DynamodbState) -> None:
    between.on("PutItem", *[failing(error("TransactionConflictException"))] * 20)

    with pytest.raises(StateUnavailable, match="others keep writing the same"):
        state.sessions.save(air=AIR.changed())

    assert between.calls.count("PutItem") == 6


def test_a_transaction_for_which_there_is_no_capacity_is_an_outage(between: Between, state: DynamodbState) -> None:
    reasons = [{"Code": "ThrottlingError"}, {"Code": "None"}]
    between.on("TransactWriteItems", failing(error("TransactionCanceledException", CancellationReasons=reasons)))

    with pytest.raises(StateUnavailable, match="it does not answer now"):
        state.sessions.save(session=a_session(), air=AIR.opened("session"))


def test_what_is_left_out_of_an_answer_is_asked_again(between: Between, state: DynamodbState) -> None:
    for name in "abcd":
        state.channels.add(a_channel(name))

    def half(request: dict[str, Any], forward: Forward) -> Answer:
        status, answer = forward()
        ((table, asked),) = request["RequestItems"].items()
        found = answer["Responses"][table]
        some = {item["id"]["S"] for item in found[:2]}
        left = [key for key in asked["Keys"] if key["id"]["S"] not in some]
        return status, {"Responses": {table: found[:2]}, "UnprocessedKeys": {table: {**asked, "Keys": left}}}

    between.on("BatchGetItem", left_out, half)

    assert [channel.id for channel in state.channels.page(10)] == ["d", "c", "b", "a"]


def test_an_answer_that_always_leaves_something_out_is_an_outage(between: Between, state: DynamodbState) -> None:
    state.channels.add(a_channel())
    between.on("BatchGetItem", *[left_out] * 20)

    with pytest.raises(StateUnavailable, match="it answers too little at once"):
        state.channels.page(10)


@pytest.mark.parametrize("answer", [error("ThrottlingException"), error("InternalServerError", 500)])
def test_an_answer_that_stays_an_error_is_asked_for_three_times(
    between: Between, state: DynamodbState, answer: Answer
) -> None:
    between.on("GetItem", *[failing(answer)] * 5)
    begun = time.monotonic()

    with pytest.raises(StateUnavailable, match="it does not answer now"):
        state.channels.get("camera")

    assert between.calls == ["GetItem"] * 3
    assert time.monotonic() - begun < 10


def test_a_mistake_of_ours_is_not_asked_again_nor_taken_for_an_outage(between: Between, state: DynamodbState) -> None:
    between.on("GetItem", failing(error("ValidationException")))

    with pytest.raises(Exception, match="ValidationException") as caught:
        state.channels.get("camera")

    assert not isinstance(caught.value, StateUnavailable)
    assert between.calls == ["GetItem"]


def test_an_answer_that_does_not_come_is_asked_for_again_in_time(between: Between, state: DynamodbState) -> None:
    asked_again = threading.Event()

    def silent(_request: dict[str, Any], _forward: Forward) -> None:
        asked_again.wait(10)

    def seen(_request: dict[str, Any], forward: Forward) -> Answer:
        asked_again.set()
        return forward()

    state.channels.add(a_channel())
    between.on("GetItem", silent, seen)
    begun = time.monotonic()

    assert state.channels.get("camera") == a_channel()
    assert dynamodb_table.READ_SECONDS <= time.monotonic() - begun < dynamodb_table.READ_SECONDS + 2


def with_ghosts(request: dict[str, Any], forward: Forward) -> Answer:
    """Answer as an index does that has not heard yet of two removals: they stand first."""
    status, answer = forward()
    assert status == 200
    entries = [{**entry, "id": {"S": f"{entry['id']['S']}-gone"}} for entry in answer["Items"][:2]] + answer["Items"]
    shown = entries[: request.get("Limit", len(entries))]
    more = {"LastEvaluatedKey": shown[-1]} if len(shown) < len(entries) else {}
    return 200, {"Items": shown, "Count": len(shown), "ScannedCount": len(shown), **more}


def test_a_page_is_full_although_the_index_still_lists_what_is_gone(between: Between, state: DynamodbState) -> None:
    for minute in range(6):
        state.channels.add(a_channel(f"at-{minute}", created_at=NOW + timedelta(minutes=minute)))
    between.on("Query", with_ghosts)

    page = state.channels.page(4)

    assert [channel.id for channel in page] == ["at-5", "at-4", "at-3", "at-2"]


def test_pages_end_although_the_index_lists_nothing_but_what_is_gone(between: Between, state: DynamodbState) -> None:
    state.channels.add(a_channel())

    def ghost(_request: dict[str, Any], forward: Forward) -> Answer:
        status, answer = forward()
        return status, {**answer, "Items": [{**answer["Items"][0], "id": {"S": "channel/gone"}}]}

    between.on("Query", ghost)

    assert state.channels.page(1) == []


def test_an_index_that_is_behind_shows_no_closed_session_as_open(between: Between, state: DynamodbState) -> None:
    session = a_session()
    state.sessions.save(session=session)
    before: list[Answer] = []

    def remember(_request: dict[str, Any], forward: Forward) -> Answer:
        before.append(forward())
        return before[0]

    between.on("Query", remember, *[lambda *_: before[0]] * 2)
    assert [each.id for each in state.sessions.open_sessions()] == ["session"]
    state.sessions.save(session=session.ended(NOW))

    assert (state.sessions.open_sessions(), state.overview.open_sessions()) == ([], [])


def test_a_position_that_no_list_gave_is_no_mistake_of_ours(state: DynamodbState) -> None:
    state.channels.add(a_channel())

    assert [each.id for each in state.channels.page(1, Position(at=NOW, id="~" * 5_000))] == ["camera"]
    assert state.channels.page(1, Position(at=NOW, id="\ud800")) == []


def test_each_call_asks_no_more_than_it_must(between: Between, state: DynamodbState) -> None:
    state.channels.add(a_channel())
    air = AIR.opened("session")
    state.sessions.save(session=a_session(), air=air)
    lease = state.leases.claim("session", "worker", ttl=TTL, now=NOW)

    def asked(call: Any) -> list[str]:  # noqa: ANN401 - any call
        between.calls.clear()
        call()
        return list(between.calls)

    assert asked(lambda: state.overview.follow("camera", "session")) == ["BatchGetItem"]
    assert asked(lambda: state.overview.of_channels(["camera", "other"])) == ["BatchGetItem"] * 2
    assert asked(lambda: state.overview.of_channels(["other"])) == ["BatchGetItem"]
    assert asked(state.overview.open_sessions) == ["Query", "BatchGetItem"]
    assert asked(state.sessions.open_sessions) == ["Query", "BatchGetItem"]
    assert asked(lambda: state.channels.page(5)) == ["Query", "BatchGetItem"]
    assert asked(lambda: state.leases.renew(lease, ttl=TTL, now=NOW)) == ["PutItem"]
    assert asked(lambda: state.leases.release(lease)) == ["PutItem"]
    assert asked(lambda: state.leases.claim("session", "next", ttl=TTL, now=NOW)) == ["GetItem", "PutItem"]
    assert asked(lambda: state.sessions.save(session=a_session().went_live())) == ["PutItem"]
    assert asked(lambda: state.sessions.save(session=a_session("b"), air=air.changed())) == ["TransactWriteItems"]
    assert asked(state.sessions.save) == []


def test_only_what_bears_harm_is_read_consistently(between: Between, state: DynamodbState) -> None:
    state.sessions.save(session=a_session(), air=AIR.opened("session"))
    consistent: list[bool] = []

    def look(request: dict[str, Any], forward: Forward) -> Answer:
        asked = request.get("RequestItems", {None: request})
        consistent.append(next(iter(asked.values())).get("ConsistentRead", False))
        return forward()

    between.on("BatchGetItem", *[look] * 9)
    between.on("GetItem", *[look] * 9)
    state.overview.follow("camera", "session")
    state.overview.of_channels(["camera"])
    state.overview.open_sessions()
    assert not any(consistent)
    consistent.clear()

    state.sessions.get("session")
    state.sessions.air("camera")
    state.sessions.page(5)
    state.sessions.open_sessions()
    state.leases.get("session")

    assert consistent == [True] * 5


def test_a_lease_keeps_its_address_through_a_lost_answer(between: Between, state: DynamodbState) -> None:
    lease = state.leases.claim("session", "worker-a", ttl=TTL, now=NOW)
    between.on("PutItem", lost)

    renewed = state.leases.renew(replace(lease, control_url="http://127.0.0.1:9"), ttl=TTL, now=NOW)

    assert state.leases.get("session") == renewed
