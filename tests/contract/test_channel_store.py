from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.adapters.opening import State
from services.domain.channel import DESCRIPTION_MAX, LABEL_MAX, LABELS_MAX, NAME_MAX, OLDER_FIELDS_MAX
from services.domain.errors import AlreadyExists, ChannelNotFound, InvalidInput, VersionConflict
from services.domain.ports import Position
from tests.contract import racing_tasks
from tests.contract.racing import Racers
from tests.examples import NOW, a_channel


def test_a_stored_channel_is_given_back_as_it_was(state: State) -> None:
    channel = a_channel(name='Küche "1"\n', labels={"room": "☕"}, image_time=0.5, older_fields={"isMotion": False})

    state.channels.add(channel)

    assert state.channels.get("camera") == channel


LARGEST = {
    "name": "\0" * NAME_MAX,
    "description": "\0" * DESCRIPTION_MAX,
    "labels": {f"{n:02d}".ljust(LABEL_MAX, "\0"): "\0" * LABEL_MAX for n in range(LABELS_MAX)},
}
"""What takes the most bytes: six for a character."""


def test_a_channel_with_all_that_is_allowed_is_kept(state: State) -> None:
    channel = a_channel(**LARGEST, older_fields={"ld": "x" * (OLDER_FIELDS_MAX - len('{"ld": ""}'))})

    state.channels.add(channel)

    assert state.channels.get("camera") == channel


def test_a_channel_whose_older_fields_are_too_much_is_refused_and_nothing_is_stored(state: State) -> None:
    older_fields = {"isFlv": True, "ld": "x" * OLDER_FIELDS_MAX}
    state.channels.add(a_channel("there"))

    with pytest.raises(InvalidInput, match=r"^ld: .*shorten or empty this one"):
        state.channels.add(a_channel(older_fields=older_fields))
    with pytest.raises(InvalidInput, match=r"^ld: .*shorten or empty this one"):
        state.channels.replace(a_channel("there").changed(NOW, older_fields=older_fields))

    assert state.channels.page(10) == [a_channel("there")]


def test_an_unknown_channel_is_not_found(state: State) -> None:
    with pytest.raises(ChannelNotFound):
        state.channels.get("camera")


def test_an_id_is_given_to_one_channel_only(state: State) -> None:
    state.channels.add(a_channel(name="first"))

    with pytest.raises(AlreadyExists):
        state.channels.add(a_channel(name="second"))

    assert state.channels.get("camera").name == "first"


def test_the_next_version_replaces_the_one_before(state: State) -> None:
    channel = a_channel()
    state.channels.add(channel)

    state.channels.replace(channel.changed(NOW, name="new"))

    assert (state.channels.get("camera").name, state.channels.get("camera").version) == ("new", 2)


def test_a_change_of_a_version_that_is_no_longer_stored_is_refused(state: State) -> None:
    channel = a_channel()
    state.channels.add(channel)
    state.channels.replace(channel.changed(NOW, name="mine"))

    with pytest.raises(VersionConflict):
        state.channels.replace(channel.changed(NOW, name="late"))

    assert state.channels.get("camera").name == "mine"


def test_an_unknown_channel_cannot_be_replaced(state: State) -> None:
    with pytest.raises(ChannelNotFound):
        state.channels.replace(a_channel().changed(NOW))


def test_a_removed_channel_is_not_found(state: State) -> None:
    state.channels.add(a_channel())

    state.channels.remove("camera")

    with pytest.raises(ChannelNotFound):
        state.channels.get("camera")


def test_a_removal_of_a_version_that_is_not_stored_is_refused(state: State) -> None:
    state.channels.add(a_channel())

    with pytest.raises(VersionConflict):
        state.channels.remove("camera", 2)

    assert state.channels.get("camera").version == 1


def test_an_unknown_channel_cannot_be_removed(state: State) -> None:
    with pytest.raises(ChannelNotFound):
        state.channels.remove("camera", 1)


def test_channels_are_listed_newest_first(state: State) -> None:
    for minute in (2, 1, 3):
        state.channels.add(a_channel(f"at-{minute}", created_at=NOW + timedelta(minutes=minute)))

    assert [channel.id for channel in state.channels.page(10)] == ["at-3", "at-2", "at-1"]


def test_pages_miss_and_repeat_no_channel_although_many_have_the_same_time(state: State) -> None:
    made = [a_channel(f"c{n:02d}", created_at=NOW + timedelta(milliseconds=n // 5)) for n in range(23)]
    for channel in made:
        state.channels.add(channel)

    listed: list[str] = []
    after = None
    while page := state.channels.page(4, after):
        listed += [channel.id for channel in page]
        after = Position(at=page[-1].created_at, id=page[-1].id)

    assert listed == sorted((channel.id for channel in made), reverse=True)


def test_a_channel_made_while_somebody_pages_does_not_move_the_next_page(state: State) -> None:
    for minute in range(4):
        state.channels.add(a_channel(f"at-{minute}", created_at=NOW + timedelta(minutes=minute)))
    last = state.channels.page(2)[-1]
    state.channels.add(a_channel("newest", created_at=NOW + timedelta(hours=1)))

    following = state.channels.page(2, Position(at=last.created_at, id=last.id))

    assert [channel.id for channel in following] == ["at-1", "at-0"]


def test_a_later_version_keeps_the_channels_place_in_the_list(state: State) -> None:
    old = a_channel("old")
    state.channels.add(old)
    state.channels.add(replace(a_channel("new"), created_at=NOW + timedelta(minutes=1)))

    state.channels.replace(old.changed(NOW + timedelta(hours=1), name="changed"))

    assert [channel.id for channel in state.channels.page(10)] == ["new", "old"]


def test_each_of_many_ids_is_got_by_one_of_four_processes(
    state: State, state_world: str, tmp_path: Path, racers: Racers
) -> None:
    got = racers.run(racing_tasks.add_all, state_world, tmp_path)

    names = {channel.id: channel.name for channel in state.channels.page(100)}
    assert names == {channel_id: f"of {number}" for number, mine in enumerate(got) for channel_id in mine}
    assert sum(map(len, got)) == len(names) == racing_tasks.KEYS_EACH
