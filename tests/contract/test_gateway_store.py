from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.adapters.dynamodb_gateways import DynamodbGateways
from services.adapters.dynamodb_items import Items
from services.adapters.dynamodb_table import GATEWAYS, Newest
from services.adapters.opening import State
from services.domain.errors import InvalidInput
from services.domain.gateways import CONNECTIONS_MAX, FORGOTTEN_AFTER, Connection, Gateway
from tests.contract import dynamodb_world
from tests.contract.worlds import STATES
from tests.doubles.still_clock import StillClock
from tests.emulators import Emulators, where_installed
from tests.examples import NOW


def a_gateway(name: str = "gw/1", **facts: Any) -> Gateway:  # noqa: ANN401 - any field of the record
    places = {"pull_url": "rtmp://10.0.0.7:1935/stream", "control_url": "http://10.0.0.7:8002"}
    return Gateway(**{"name": name, "seen_at": NOW, **places, **facts})


FULL = a_gateway(
    zone="eu-central-1a",
    connections=(Connection(channel_id="camera", client_id="1"), Connection(channel_id="stage", client_id="22")),
    draining_since=NOW + timedelta(seconds=1),
)


@pytest.mark.parametrize("gateway", [a_gateway(), FULL], ids=["idle", "busy and draining"])
def test_a_gateways_row_is_given_as_it_was_stored(state: State, gateway: Gateway) -> None:
    state.gateways.put(gateway)

    assert state.gateways.get("gw/1") == gateway
    assert state.gateways.all() == [gateway]


def test_a_gateway_that_never_wrote_has_no_row(state: State) -> None:
    assert state.gateways.get("gw/1") is None
    assert state.gateways.all() == []


def test_a_row_takes_the_place_of_the_one_before(state: State) -> None:
    later = replace(FULL, seen_at=NOW + timedelta(seconds=2), connections=(), draining_since=None)

    state.gateways.put(FULL)
    state.gateways.put(later)

    assert state.gateways.all() == [later]


def test_each_life_of_a_gateway_has_a_row_of_its_own_and_they_are_given_by_name(state: State) -> None:
    for name in ("b/1", "a/2", "a/1"):
        state.gateways.put(a_gateway(name))

    assert [gateway.name for gateway in state.gateways.all()] == ["a/1", "a/2", "b/1"]


def test_a_removed_row_is_gone_and_to_remove_it_again_is_fine(state: State) -> None:
    state.gateways.put(a_gateway("a/1"))
    state.gateways.put(a_gateway("b/1"))

    for _ in range(2):
        state.gateways.remove("a/1")

    assert state.gateways.get("a/1") is None
    assert [gateway.name for gateway in state.gateways.all()] == ["b/1"]


def test_the_row_of_a_dead_gateway_is_kept_for_an_hour(state: State, state_world: str, tmp_path: Path) -> None:
    state.gateways.put(FULL)

    with closing(STATES[state_world](tmp_path, StillClock(NOW + FORGOTTEN_AFTER - timedelta(seconds=1)))) as then:
        assert then.gateways.get("gw/1") == FULL
        assert then.gateways.all() == [FULL]


def test_a_row_that_was_not_written_for_an_hour_counts_no_more(state: State, state_world: str, tmp_path: Path) -> None:
    state.gateways.put(FULL)
    now = NOW + FORGOTTEN_AFTER

    with closing(STATES[state_world](tmp_path, StillClock(now))) as then:
        assert then.gateways.get("gw/1") is None
        then.gateways.put(a_gateway("other/1", seen_at=now))
        assert [gateway.name for gateway in then.gateways.all()] == ["other/1"]


def test_a_row_holds_as_many_publishers_as_a_gateway_carries_and_refuses_more(state: State) -> None:
    many = tuple(
        Connection(channel_id=f"{number:064}", client_id=str(10**9 + number)) for number in range(CONNECTIONS_MAX + 1)
    )

    state.gateways.put(a_gateway(connections=many[1:]))

    with pytest.raises(InvalidInput, match="connections"):
        state.gateways.put(a_gateway(connections=many))
    stored = state.gateways.get("gw/1")
    assert stored is not None
    assert stored.connections == many[1:]


@pytest.fixture(params=[where_installed(world) for world in dynamodb_world.EMULATORS])
def table(request: pytest.FixtureRequest, tmp_path: Path, emulators: Emulators) -> Iterator[Items]:
    """Give the items of a table in which nothing is stored."""
    dynamodb_world.lend_table(tmp_path, emulators.url(dynamodb_world.EMULATORS[request.param]))
    with closing(Items((tmp_path / "table").read_text(), endpoint=(tmp_path / "endpoint").read_text())) as items:
        yield items


def test_a_beat_changes_nothing_in_dynamodbs_list_of_gateways(table: Items) -> None:
    gateways = DynamodbGateways(table, StillClock(NOW))

    gateways.put(FULL)
    gateways.put(replace(FULL, seen_at=NOW + timedelta(seconds=2), connections=()))

    listed = table.listed(Newest.Meta.index_name, GATEWAYS)
    assert [(entry.id, entry.place) for entry in listed] == [("gateway/gw/1", "gw/1")]
