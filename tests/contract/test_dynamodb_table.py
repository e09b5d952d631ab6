"""What is true of the DynamoDB table besides the contract."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest

from services.adapters import dynamodb_table
from services.adapters.dynamodb_state import DynamodbState
from services.domain.errors import InvalidInput, StateUnavailable
from services.domain.session import LEASE_KEPT, Air, Reason
from tests.contract import dynamodb_world, racing_tasks
from tests.contract.dynamodb_world import table_of
from tests.contract.racing import Racers
from tests.contract.test_dynamodb_answers import EVERY_EMULATOR
from tests.doubles.still_clock import StillClock
from tests.emulators import Emulators
from tests.examples import NOW, a_channel, a_session

TTL = racing_tasks.TTL
Client = Any  # botocore makes its methods at run time
REGION_AND_KEYS = (
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
)


@pytest.fixture(params=EVERY_EMULATOR)
def endpoint(request: pytest.FixtureRequest, emulators: Emulators) -> str:
    return emulators.url(request.param)


@pytest.fixture
def table(tmp_path: Path) -> str:
    return table_of(tmp_path)


@pytest.fixture
def client(endpoint: str) -> Client:
    return boto3.client("dynamodb", endpoint_url=endpoint, region_name="eu-central-1")


@pytest.fixture
def state(table: str, endpoint: str, tmp_path: Path) -> Iterator[DynamodbState]:
    dynamodb_world.make_table(tmp_path, endpoint)
    with DynamodbState(table, endpoint=endpoint, clock=StillClock(NOW)) as state:
        yield state


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Give an environment that names neither region nor credentials."""
    for name in REGION_AND_KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


def items_of(client: Client, table: str) -> dict[str, dict[str, Any]]:
    return {item["id"]["S"]: item for item in client.scan(TableName=table)["Items"]}


def test_preparing_makes_a_table_that_is_paid_by_use_with_the_indexes_and_expiry(
    table: str, endpoint: str, client: Client
) -> None:
    dynamodb_table.prepare(table, endpoint=endpoint)

    found = client.describe_table(TableName=table)["Table"]
    expiry = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    projections = {index["IndexName"]: index["Projection"] for index in found["GlobalSecondaryIndexes"]}
    assert found["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert found["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert {name: shown["ProjectionType"] for name, shown in projections.items()} == {
        "newest": "KEYS_ONLY",
        "of_channel": "KEYS_ONLY",
        "open": "INCLUDE",
    }
    assert (expiry["TimeToLiveStatus"], expiry["AttributeName"]) == ("ENABLED", "gone_at")


def test_preparing_again_changes_nothing(table: str, endpoint: str) -> None:
    dynamodb_table.prepare(table, endpoint=endpoint)
    with DynamodbState(table, endpoint=endpoint) as state:
        state.channels.add(a_channel())

        dynamodb_table.prepare(table, endpoint=endpoint)

        assert state.channels.get("camera") == a_channel()


def test_processes_that_prepare_the_same_table_at_once_all_succeed(table: str, endpoint: str, racers: Racers) -> None:
    racers.run(racing_tasks.prepare_table, table, endpoint)

    with DynamodbState(table, endpoint=endpoint) as state:
        assert state.channels.page(1) == []


def test_a_table_of_something_else_is_refused_and_left_alone(table: str, endpoint: str, client: Client) -> None:
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    )

    with pytest.raises(StateUnavailable, match="none of streamkeep's: name another in STREAMKEEP_TABLE"):
        dynamodb_table.prepare(table, endpoint=endpoint)

    assert client.describe_table(TableName=table)["Table"].get("GlobalSecondaryIndexes", []) == []


def test_every_call_to_a_table_that_does_not_exist_names_the_command_that_makes_it(table: str, endpoint: str) -> None:
    with DynamodbState(table, endpoint=endpoint) as state:
        calls = (
            lambda: state.channels.get("camera"),
            lambda: state.channels.add(a_channel()),
            lambda: state.channels.remove("camera"),
            lambda: state.channels.page(1),
            lambda: state.sessions.save(session=a_session(), air=Air(channel_id="camera").opened("session")),
            lambda: state.overview.of_channels(["camera"]),
        )
        for call in calls:
            with pytest.raises(StateUnavailable, match=f"{table} does not exist: `streamkeep prepare` makes it"):
                call()


def test_a_lease_has_the_time_of_its_going_and_is_in_no_index(state: DynamodbState, client: Client, table: str) -> None:
    lease = state.leases.claim("session", "worker", ttl=TTL, now=NOW)
    lease = state.leases.renew(lease, ttl=TTL, now=NOW + TTL)

    (item,) = items_of(client, table).values()

    assert set(item) == {"id", "record", "write_id", "epoch", "holder", "gone_at"}
    assert item["gone_at"] == {"N": str(int((lease.expires_at + LEASE_KEPT).timestamp()))}


def test_nothing_but_leases_ever_goes_by_itself(state: DynamodbState, client: Client, table: str) -> None:
    state.channels.add(a_channel())
    state.sessions.save(session=a_session(), air=Air(channel_id="camera").opened("session"))

    items = items_of(client, table)

    assert set(items) == {"channel/camera", "session/session", "air/camera"}
    assert not any("gone_at" in item for item in items.values())


def test_a_heartbeat_changes_the_lease_and_nothing_else(state: DynamodbState, client: Client, table: str) -> None:
    state.channels.add(a_channel())
    state.sessions.save(session=a_session(), air=Air(channel_id="camera").opened("session"))
    lease = state.leases.claim("session", "worker", ttl=TTL, now=NOW)
    before = items_of(client, table)

    state.leases.renew(lease, ttl=TTL, now=NOW + TTL)

    after = items_of(client, table)
    assert {key for key in after if after[key] != before[key]} == {"lease/session"}


def test_an_index_holds_only_what_it_lists(state: DynamodbState, client: Client, table: str) -> None:
    state.channels.add(a_channel())
    state.sessions.save(session=a_session(), air=Air(channel_id="camera").opened("session"))
    state.sessions.save(session=a_session("over"))
    state.sessions.save(session=a_session("over").ended(NOW))
    state.leases.claim("session", "worker", ttl=TTL, now=NOW)

    listed = {
        index: sorted(item["id"]["S"] for item in client.scan(TableName=table, IndexName=index)["Items"])
        for index in ("newest", "of_channel", "open")
    }

    assert listed == {
        "newest": ["channel/camera", "session/over", "session/session"],
        "of_channel": ["session/over", "session/session"],
        "open": ["session/session"],
    }


def test_a_change_leaves_a_channel_where_the_index_has_it(state: DynamodbState, client: Client, table: str) -> None:
    state.channels.add(a_channel())
    before = items_of(client, table)["channel/camera"]

    state.channels.replace(a_channel().changed(NOW + TTL, name="new"))

    after = items_of(client, table)["channel/camera"]
    assert {name for name in after if after[name] != before[name]} == {"record", "version", "write_id"}


def test_what_was_stored_is_there_when_the_table_is_opened_again(
    state: DynamodbState, table: str, endpoint: str
) -> None:
    state.channels.add(a_channel(name="kept"))

    with DynamodbState(table, endpoint=endpoint) as again:
        assert again.channels.get("camera").name == "kept"


def test_many_threads_may_use_one_state(state: DynamodbState, caplog: pytest.LogCaptureFixture) -> None:
    with ThreadPoolExecutor(32) as threads:
        list(threads.map(lambda n: state.channels.add(a_channel(f"c{n}")), range(100)))
        found = list(threads.map(lambda n: state.channels.get(f"c{n}").id, range(100)))

    assert found == [f"c{n}" for n in range(100)]
    assert "pool is full" not in caplog.text  # else connections would be made anew and thrown away


def test_an_item_that_is_too_large_all_the_same_is_bad_input_and_no_outage(state: DynamodbState) -> None:
    reason = Reason(code="x", detail="x" * 500_000, since=NOW)
    air = Air(channel_id="camera").opened("session")

    for saved in (None, air):
        with pytest.raises(InvalidInput, match="larger than the 400 KB that DynamoDB keeps"):
            state.sessions.save(session=a_session(state_reason=reason), air=saved)

    assert state.sessions.page(1) == []


def test_a_closed_state_refuses_calls(emulators: Emulators) -> None:
    state = DynamodbState("streamkeep", endpoint=emulators.url("ministack"))
    state.close()

    with pytest.raises(StateUnavailable, match="it was closed"):
        state.channels.get("camera")


@pytest.mark.usefixtures("emulators")
def test_an_endpoint_that_is_down_is_an_outage_within_ten_seconds() -> None:
    with closing(socket.socket()) as unheard:
        unheard.bind(("127.0.0.1", 0))  # and does not listen
        state = DynamodbState("streamkeep", endpoint=f"http://127.0.0.1:{unheard.getsockname()[1]}")
        begun = time.monotonic()

        with state, pytest.raises(StateUnavailable, match="it does not answer now"):
            state.channels.get("camera")

        assert time.monotonic() - begun < 10


@pytest.mark.usefixtures("bare_environment")
def test_a_missing_region_is_named_with_its_remedy() -> None:
    with pytest.raises(StateUnavailable, match="no region is set: set AWS_REGION"):
        DynamodbState("streamkeep")


def test_missing_credentials_are_named_with_their_remedy(bare_environment: pytest.MonkeyPatch) -> None:
    bare_environment.setenv("AWS_REGION", "eu-central-1")

    with pytest.raises(StateUnavailable, match="no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        DynamodbState("streamkeep")


def test_half_of_the_credentials_is_an_error_that_names_the_other(bare_environment: pytest.MonkeyPatch) -> None:
    bare_environment.setenv("AWS_REGION", "eu-central-1")
    bare_environment.setenv("AWS_ACCESS_KEY_ID", "test")

    with pytest.raises(StateUnavailable, match="set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        DynamodbState("streamkeep")


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION", None])
def test_the_region_is_that_of_a_variable_or_of_the_profile(
    bare_environment: pytest.MonkeyPatch, tmp_path: Path, name: str | None
) -> None:
    bare_environment.setenv("AWS_ACCESS_KEY_ID", "test")
    bare_environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
    if name is None:
        (tmp_path / "config").write_text("[default]\nregion = eu-west-3\n")
    else:
        bare_environment.setenv(name, "eu-west-3")

    with DynamodbState("streamkeep") as state:
        assert "eu-west-3" in repr(state._items._connection.connection)


def test_without_an_endpoint_the_usual_variable_names_it(
    emulators: Emulators, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dynamodb_world.make_table(tmp_path, emulators.url("ministack"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", emulators.url("ministack"))

    with DynamodbState(table_of(tmp_path)) as state:
        assert state.channels.page(1) == []


@pytest.mark.usefixtures("emulators")
def test_an_endpoint_that_is_no_address_is_named_with_its_variable() -> None:
    with pytest.raises(StateUnavailable, match="correct AWS_ENDPOINT_URL_DYNAMODB or AWS_ENDPOINT_URL"):
        DynamodbState("streamkeep", endpoint="127.0.0.1:8000")
