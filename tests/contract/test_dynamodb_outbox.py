"""What events cost in DynamoDB, counted between the adapter and an emulator, and what becomes of lost answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from services.adapters.dynamodb_state import DynamodbState
from services.domain.event import Event
from services.domain.outbox import KEPT, DeadLetter
from tests.contract.dynamodb_world import lend_table
from tests.counting_proxy import CountingProxy
from tests.doubles.dynamodb_between import Between, error
from tests.doubles.still_clock import StillClock
from tests.emulators import Emulators
from tests.examples import NOW, an_event

STREAM = "session/session"
PICTURE = {
    "key": "snapshots/camera-of-an-usual-length/2026/11/20/10/01jd4e8v7r9w2x3y4z5a6b7c8d/20261120T100000.000Z.jpg",
    "captured_at": "2026-11-20T10:00:00.000Z",
    "bytes": 123_456,
    "sha256": "0" * 64,
    "part": 0,
    "width": 1280,
    "height": 720,
    "flags": [],
    "phash": "ffffffff00000000",
    "sizes": [],
    "name": "A camera",
    "labels": {"site": "north", "tenant": "4711"},
}
UNIT_BYTES = 1024


@pytest.fixture
def place(tmp_path: Path, emulators: Emulators) -> Path:
    lend_table(tmp_path, emulators.url("ministack"))
    return tmp_path


def opened(place: Path, endpoint: str) -> DynamodbState:
    return DynamodbState((place / "table").read_text(), endpoint=endpoint, clock=StillClock(NOW))


@pytest.fixture
def counted(place: Path) -> Iterator[tuple[DynamodbState, CountingProxy]]:
    address = urlsplit((place / "endpoint").read_text())
    with CountingProxy(address.hostname or "", address.port or 0) as proxy, closing(opened(place, proxy.url)) as state:
        yield state, proxy


@pytest.fixture
def between(place: Path) -> Iterator[tuple[DynamodbState, Between]]:
    with Between((place / "endpoint").read_text()) as between, closing(opened(place, between.url)) as state:
        yield state, between


def pictures(first: int, count: int = 1) -> list[Event]:
    ids = (f"01jd4e8v7r9w2x3y4z5a6b7c8d/snapshot.created/{PICTURE['key']}-{n}" for n in range(first, first + count))
    return [an_event(number, id=name, data=PICTURE) for number, name in enumerate(ids, first)]


def stored(place: Path, prefix: str) -> list[dict[str, Any]]:
    """Give the items whose id begins so, as DynamoDB has them."""
    client = boto3.client("dynamodb", endpoint_url=(place / "endpoint").read_text(), region_name="eu-central-1")
    items = client.scan(TableName=(place / "table").read_text())["Items"]
    return [item for item in items if item["id"]["S"].startswith(prefix)]


def size(item: dict[str, Any]) -> int:
    return sum(len(name) + len(str(*value.values())) for name, value in item.items())


def test_an_event_that_is_fetched_at_once_costs_two_writes_from_its_append_until_it_is_forgotten(
    counted: tuple[DynamodbState, CountingProxy], place: Path
) -> None:
    state, proxy = counted
    state.outbox.append(pictures(1, 16))
    state.outbox.forget(STREAM, 16)
    proxy.reset()

    state.outbox.append(pictures(17))
    appended = proxy.reset()
    (item,) = stored(place, "outbox/")
    state.outbox.forget(STREAM, 17)
    forgotten = proxy.reset()
    (empty,) = stored(place, "outbox/")

    print(f"a stream with one event: {size(item)} bytes, with none: {size(empty)}")
    assert appended.calls == forgotten.calls == {"GetItem": 1, "PutItem": 1}
    assert size(item) <= 2 * UNIT_BYTES
    assert size(empty) <= UNIT_BYTES
    assert stored(place, "event/") == []


def test_events_that_wait_cost_an_item_each_besides_and_no_transaction(
    counted: tuple[DynamodbState, CountingProxy], place: Path
) -> None:
    state, proxy = counted
    for first in (1, 5, 9):
        state.outbox.append(pictures(first, 4))
    calls = proxy.reset()

    assert calls.calls == {"GetItem": 3, "PutItem": 3, "BatchWriteItem": 2}
    assert calls.items["BatchWriteItem"] == 8
    assert [event.sequence for event in state.outbox.read(STREAM, 0, 100)] == list(range(1, 13))
    assert {item["gone_at"]["N"] for item in stored(place, "event/")} == {str(int((NOW + KEPT).timestamp()))}


def test_looking_for_streams_with_events_is_one_query_however_many_there_are_without(
    counted: tuple[DynamodbState, CountingProxy],
) -> None:
    state, proxy = counted
    for name in "abc":
        state.outbox.append([an_event(1, session_id=name)])
        state.outbox.forget(f"session/{name}", 1)
    proxy.reset()

    assert state.outbox.backlogs(100) == []
    assert proxy.reset().calls == {"Query": 1}


def test_an_append_whose_answer_is_lost_is_made_once(between: tuple[DynamodbState, Between]) -> None:
    state, link = between

    def lost(_request: dict[str, Any], forward: Any) -> None:  # noqa: ANN401 - what carries it out
        forward()

    link.on("PutItem", lost)
    state.outbox.append(pictures(1, 2))
    state.outbox.append(pictures(3))

    assert [event.sequence for event in state.outbox.read(STREAM, 0, 10)] == [1, 2, 3]


def test_events_that_dynamodb_takes_only_in_part_are_sent_again(between: tuple[DynamodbState, Between]) -> None:
    state, link = between

    def half(request: dict[str, Any], _forward: Any) -> tuple[int, dict[str, Any]]:  # noqa: ANN401 - as above
        return 200, {"UnprocessedItems": request["RequestItems"]}

    state.outbox.append(pictures(1, 2))
    link.on("BatchWriteItem", half, lambda *_: error("ThrottlingException"))
    state.outbox.append(pictures(3))

    assert [event.sequence for event in state.outbox.read(STREAM, 0, 10)] == [1, 2, 3]


def test_letters_that_dynamodb_removes_only_in_part_are_removed_again(between: tuple[DynamodbState, Between]) -> None:
    state, link = between
    for minute in range(3):
        at = NOW + timedelta(minutes=minute)
        state.outbox.bury(DeadLetter(id=f"{minute}", sink="hook", event=an_event(1), error="410", tries=1, at=at))

    def half(request: dict[str, Any], _forward: Any) -> tuple[int, dict[str, Any]]:  # noqa: ANN401 - as above
        return 200, {"UnprocessedItems": request["RequestItems"]}

    link.on("BatchWriteItem", half, lambda *_: error("ThrottlingException"))

    assert state.outbox.prune("hook", 1) == 2
    assert [letter.id for letter in state.outbox.letters(10)] == ["2"]


def test_pruning_reads_keys_only_and_removes_in_batches(counted: tuple[DynamodbState, CountingProxy]) -> None:
    state, proxy = counted
    for number in range(30):
        at = NOW + timedelta(minutes=number)
        state.outbox.bury(DeadLetter(id=f"{number}", sink="hook", event=an_event(1), error="410", tries=1, at=at))
    proxy.reset()

    state.outbox.prune("hook", 4)

    assert proxy.reset().calls == {"Query": 1, "BatchWriteItem": 2}
