"""The channel's field `sinks`."""

from __future__ import annotations

import pytest

from services.domain.webhook import Webhook
from tests.metadata.running import Running

SECRET = "whsec_" + "b3du" * 10
OTHER_SECRET = "whsec_" + "bmV3" * 10
URL = "https://example.com/hook"


def stored_secret(service: Running, channel_id: str) -> str | None:
    webhook = next(each for each in service.state.channels.get(channel_id).sinks or () if isinstance(each, Webhook))
    return None if webhook.secret is None else webhook.secret.reveal()


def test_a_channel_tells_all_sinks_unless_it_names_some(service: Running) -> None:
    assert service.create()["sinks"] is None
    assert service.create(sinks=[])["sinks"] == []
    assert service.create(sinks=["log"])["sinks"] == ["log"]


def test_a_webhook_s_secret_is_kept_and_never_shown(service: Running) -> None:
    channel = service.create(sinks=["hook", {"url": URL, "secret": SECRET, "events": ["snapshot.created"]}])

    (_, shown) = channel["sinks"]
    assert shown == {"name": shown["name"], "url": URL, "events": ["snapshot.created"], "signed": True}
    assert shown["name"].startswith(f"{channel['id']}.")
    assert SECRET not in service.client.get(f"/channels/{channel['id']}").text
    assert stored_secret(service, channel["id"]) == SECRET


@pytest.mark.parametrize(
    ("sent", "kept"),
    [({}, SECRET), ({"secret": None}, SECRET), ({"secret": OTHER_SECRET}, OTHER_SECRET), ({"secret": ""}, None)],
)
def test_a_secret_stays_until_it_is_replaced_or_emptied(
    service: Running, sent: dict[str, object], kept: str | None
) -> None:
    channel = service.create(sinks=[{"url": URL, "secret": SECRET}])
    path = f"/channels/{channel['id']}"

    answer = service.client.patch(path, json={"sinks": [{**channel["sinks"][0], **sent}]})

    assert answer.status_code == 200, answer.text
    assert answer.json()["sinks"][0]["signed"] is (kept is not None)
    assert stored_secret(service, channel["id"]) == kept


@pytest.mark.parametrize(
    ("sinks", "told"),
    [
        ("log", "must be a list"),
        (["nowhere"], "known are hook, log"),
        (["log", "log"], "once"),
        ([{"url": "ftp://example.com"}], "https://"),
        ([{"url": "https://user:word@example.com"}], "no user"),
        ([{"url": URL, "secret": "short"}], "openssl rand"),
        ([{"url": URL, "events": ["snapshot.deleted"]}], "known are session.started"),
        ([{"url": URL, "method": "GET"}], "must be a list"),
        ([{"url": "http://169.254.169.254/latest"}], "STREAMKEEP_ALLOWED_NETWORKS"),
        ([{"url": "https://[::ffff:10.0.0.1]:8443/"}], "STREAMKEEP_ALLOWED_NETWORKS"),
        ([{"url": f"{URL}/{number}"} for number in range(6)], "5 of them"),
    ],
)
def test_sinks_that_cannot_be_are_refused_by_the_field_s_name(service: Running, sinks: object, told: str) -> None:
    answer = service.client.post("/channels", json={"sinks": sinks})

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "sinks"
    assert told in error["problem"]


def test_a_webhook_inside_is_refused_by_every_way_of_setting_it_and_one_by_name_is_not(service: Running) -> None:
    channel_id = service.create(sinks=[{"url": "https://hook.internal/"}])["id"]
    fields = {"sinks": [{"url": "http://127.0.0.1:9000/"}]}

    answers = [service.client.request(method, f"/channels/{channel_id}", json=fields) for method in ("PATCH", "PUT")]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert {answer.json()["errors"][0]["field"] for answer in answers} == {"sinks"}
