from __future__ import annotations

import json

import pytest

from services.domain import event as events
from services.domain.event import Event, envelope, event_from_record, event_record
from tests.examples import NOW


def _picture(**changes: object) -> Event:
    told: dict[str, object] = {
        "id": "s1/snapshot.created/snapshots/demo/a.jpg",
        "type": events.SNAPSHOT_CREATED,
        "channel_id": "demo",
        "session_id": "s1",
        "sequence": 7,
        "at": NOW,
        "data": {"key": "snapshots/demo/a.jpg", "bytes": 3},
    }
    return Event(**{**told, **changes})  # type: ignore[arg-type] # fields of an event


def test_an_event_is_read_back_as_it_was_written() -> None:
    assert event_from_record(json.loads(json.dumps(event_record(_picture())))) == _picture()


def test_events_of_a_session_are_in_order_with_each_other_and_those_of_none_with_their_channels() -> None:
    assert _picture().stream == "session/s1"
    assert _picture(session_id=None, type=events.CHANNEL_BLOCKED).stream == "channel/demo"


def test_a_type_that_nobody_could_subscribe_to_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'snapshot\.taken' is no type of an event; known are session\.started"):
        _picture(type="snapshot.taken")


def test_an_envelope_has_every_attribute_that_cloudevents_asks_for() -> None:
    told = envelope(_picture(), {"url": "http://x/p/1-2/a.jpg"})

    assert {name: told[name] for name in ("specversion", "type", "source", "subject", "datacontenttype")} == {
        "specversion": "1.0",
        "type": "snapshot.created",
        "source": "/channels/demo",
        "subject": "snapshots/demo/a.jpg",
        "datacontenttype": "application/json",
    }
    assert told["data"] == {
        "channel_id": "demo",
        "session_id": "s1",
        "key": "snapshots/demo/a.jpg",
        "bytes": 3,
        "url": "http://x/p/1-2/a.jpg",
    }


def test_the_text_of_sequences_is_in_their_order() -> None:
    spelled = [envelope(_picture(sequence=number))["sequence"] for number in (1, 2, 9, 10, 99, 100)]

    assert spelled == sorted(spelled)
