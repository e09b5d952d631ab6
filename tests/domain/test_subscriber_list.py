"""The deployment's sinks as their operator spells them; what is refused is tested where the program says so."""

from __future__ import annotations

import json

import pytest

from services.domain import subscriber_list
from services.domain.secrets import Secret

NEW, OLD = "whsec_" + "bmV3" * 10, "whsec_" + "b2xk" * 10


def test_words_name_sinks_of_every_kind() -> None:
    found = subscriber_list.parse(
        "hook=https://example.com/hook?a=b\n"
        "queue=sqs://events.fifo other=sqs:https://sqs.eu-central-1.amazonaws.com/1/events "
        "bus=kafka://b1:9092,b2:9092/events log=log:/var/log/events.jsonl"
    )

    assert [each.name for each in found] == ["hook", "queue", "other", "bus", "log"]
    assert [each.kind for each in found] == ["webhook", "sqs", "sqs", "kafka", "log"]
    assert subscriber_list.parse(" ") == ()


def test_a_list_says_more_of_them() -> None:
    hook = {"name": "hook", "url": "https://example.com", "secret": [NEW, OLD], "events": ["session.ended"]}
    bus = {"name": "bus", "url": "kafka://b:9092/t", "options": {"security.protocol": "SASL_SSL"}}

    first, second = subscriber_list.parse(json.dumps([hook, bus]))

    assert first.secrets == (Secret(NEW), Secret(OLD))
    assert (first.wants("session.ended"), first.wants("session.started")) == (True, False)
    assert second.options == {"security.protocol": Secret("SASL_SSL")}
    assert NEW not in repr(first)


@pytest.mark.parametrize(
    ("spelled", "told"),
    [("one=log:/a one=log:/b", "twice"), ("https://example.com", "name=address"), ("[{", "no JSON")],
)
def test_a_setting_that_cannot_be_read_says_what_it_should_be(spelled: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        subscriber_list.parse(spelled)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"name": "a"}, "entry 1"),
        ({"name": "a", "url": "ftp://example.com"}, "begins with https://"),
        ({"name": "a", "url": "sqs://a b"}, "sqs://queue-name"),
        ({"name": "a b", "url": "log:/a"}, "entry 1: a name is"),
        ({"name": "a", "url": "log:relative"}, "log:/absolute"),
        ({"name": "a", "url": "kafka://host"}, "/topic"),
        ({"name": "a", "url": "https://host:99999"}, "port"),
        ({"name": "a", "url": "https://host", "events": ["picture"]}, "snapshot.created"),
        ({"name": "a", "url": "log:/a", "secret": NEW}, "leave it out"),
        ({"name": "a", "url": "kafka://h:1/t", "options": {"bootstrap.servers": "x"}}, "librdkafka"),
        ({"name": "a", "url": "https://host", "secret": [NEW, OLD, NEW]}, "at most 2"),
    ],
)
def test_an_entry_that_cannot_be_is_named_with_what_it_should_be(entry: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        subscriber_list.parse(json.dumps([entry]))
