from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from services.domain import signing
from tests.metadata.broadcasts import START, end, go_live
from tests.metadata.running import RTMP_URL, Running

DEFAULTS = {
    "name": "",
    "description": "",
    "labels": {},
    "enabled": True,
    "is_image": True,
    "image_time": 10,
    "is_video": True,
    "video_time": 60,
    "is_hls": True,
    "hls_time": 2,
    "hls_list_size": 6,
    "is_on_demand": True,
    "reconnect_window": 180,
    "second_publisher": "refuse",
}


def test_a_create_with_nothing_but_an_image_time_takes_the_other_defaults(service: Running) -> None:
    answer = service.client.post("/channels", json={"image_time": 5})

    assert answer.status_code == 201
    channel = answer.json()
    assert {name: channel[name] for name in DEFAULTS} == DEFAULTS | {"image_time": 5}
    assert (channel["state"], channel["state_reason"], channel["session"], channel["version"]) == (
        "idle",
        None,
        None,
        1,
    )
    assert answer.headers["Location"] == f"/channels/{channel['id']}"


def test_what_was_created_can_be_read(service: Running) -> None:
    created = service.create(name="Studio", labels={"team": "sport"}, reconnect_window=30)

    answer = service.client.get(f"/channels/{created['id']}")

    assert answer.headers["ETag"] == '"1"'
    read = answer.json()
    links = {"playback": None}
    assert read | links == created | links


def test_older_spellings_texts_and_whole_numbers_are_accepted(service: Running) -> None:
    channel = service.create(
        videoname="Studio", isImage="false", isVideo="TRUE", isHls=False, isOnDemand="true", video_time="60.0",
        image_time="0.5", hls_list_size="5", outdate="2030/12/9",
    )  # fmt: skip

    assert channel["name"] == "Studio"
    assert [channel[name] for name in ("is_image", "is_video", "is_hls", "is_on_demand")] == [False, True, False, True]
    assert (channel["image_time"], channel["hls_list_size"]) == (0.5, 5)
    assert repr(channel["video_time"]) == "60"
    assert channel["outdate"] == "2030-12-09T00:00:00.000Z"


def test_the_stream_key_expires_at_the_outdate_and_is_signed_by_the_first_secret(service: Running) -> None:
    channel = service.create(outdate="2031-01-01T12:00:00.750+02:00")

    publish = channel["publish"]
    assert publish["expires_at"] == channel["outdate"] == "2031-01-01T10:00:00.000Z"
    assert publish["server"] == RTMP_URL
    assert publish["url"] == f"{RTMP_URL}/{publish['stream_key']}"
    assert publish["secret"] == "new"
    stream_key, _, sign = publish["stream_key"].partition("?sign=")
    assert stream_key == channel["id"]
    expires = datetime(2031, 1, 1, 10, tzinfo=UTC).timestamp()
    for now, verdict in ((expires - 1, "ok"), (expires, "expired")):
        assert (
            signing.verify_publish(
                service.settings.publish_keyring, sign=sign, channel_id=stream_key, key_version=1, now=now
            )
            == verdict
        )


def test_a_channel_without_an_outdate_expires_in_ten_years(service: Running) -> None:
    expires = datetime.fromisoformat(service.create()["outdate"])

    assert timedelta(days=3651) < expires - datetime.now(UTC) < timedelta(days=3654)


def test_a_new_key_replaces_the_old_one(service: Running) -> None:
    created = service.create()

    answer = service.client.post(f"/channels/{created['id']}/key")

    assert answer.status_code == 200
    renewed = answer.json()
    assert renewed["publish"]["stream_key"] != created["publish"]["stream_key"]
    assert service.state.channels.get(created["id"]).key_version == 2
    assert service.callback.refreshed.count(created["id"]) == 1


def test_a_replacement_gives_what_is_left_out_its_default_and_keeps_id_and_key(service: Running) -> None:
    created = service.create(name="Studio", image_time=5, outdate="2031-01-01")

    answer = service.client.put(f"/channels/{created['id']}", json={"video_time": 30, "outdate": "2031-01-01"})

    replaced = answer.json()
    assert (replaced["name"], replaced["image_time"], replaced["video_time"]) == ("", 10, 30)
    assert (replaced["version"], answer.headers["ETag"]) == (2, '"2"')
    for kept in ("id", "created_at", "publish"):
        assert replaced[kept] == created[kept]


def test_a_patch_changes_what_is_sent_and_tells_the_callback_app(service: Running) -> None:
    created = service.create(name="Studio", labels={"a": "1"})

    answer = service.client.patch(f"/channels/{created['id']}", json={"image_time": 5, "labels": {"b": "2"}})

    assert answer.status_code == 200
    changed = answer.json()
    assert (changed["name"], changed["image_time"], changed["labels"]) == ("Studio", 5, {"b": "2"})
    assert service.callback.refreshed.count(created["id"]) == 1
    assert service.callback.tokens == {f"Bearer {service.settings.internal_token.get_secret_value()}"}


def test_patches_of_many_callers_at_once_all_arrive(service: Running) -> None:
    channel_id = service.create()["id"]
    fields: list[dict[str, object]] = [
        {"name": "Studio"},
        {"image_time": 5},
        {"video_time": 30},
        {"hls_time": 4},
        {"is_image": False},
    ]

    with ThreadPoolExecutor(len(fields)) as callers:
        statuses = [
            answer.status_code
            for answer in callers.map(lambda each: service.client.patch(f"/channels/{channel_id}", json=each), fields)
        ]

    assert statuses == [200] * len(fields)
    channel = service.read(channel_id)
    assert channel["version"] == 1 + len(fields)
    assert all(channel[name] == value for each in fields for name, value in each.items())


def test_a_change_succeeds_while_the_callback_app_is_away(fresh_service: Running) -> None:
    created = fresh_service.create()
    fresh_service.callback.shutdown()
    fresh_service.callback.server_close()

    assert fresh_service.client.patch(f"/channels/{created['id']}", json={"image_time": 5}).status_code == 200


def test_a_deleted_channel_is_gone_and_its_broadcast_is_asked_to_stop(service: Running) -> None:
    created = service.create()
    session = go_live(service, created["id"], "deleted")

    answer = service.client.delete(f"/channels/{created['id']}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert service.client.get(f"/channels/{created['id']}").status_code == 404
    assert service.client.delete(f"/channels/{created['id']}").status_code == 404
    assert service.state.sessions.get(session.id).close == "stop"
    assert service.callback.refreshed.count(created["id"]) == 1


def test_playback_has_an_entry_for_each_output_that_is_on(service: Running) -> None:
    channel = service.create(is_on_demand=True)
    session = go_live(service, channel["id"], "played")
    assert set(channel["playback"]) == {"hls", "expires_at"}

    playback = service.read(channel["id"])["playback"]

    assert playback["hls"].endswith(f"/hls/{channel['id']}/live.m3u8")
    assert playback["vod"].endswith(f"/hls/{channel['id']}/{session.id}/vod.m3u8")
    service.client.patch(f"/channels/{channel['id']}", json={"is_hls": False, "is_on_demand": False})
    assert set(service.read(channel["id"])["playback"]) == {"expires_at"}


def test_a_channel_on_air_shows_its_state_and_session(service: Running) -> None:
    channel_id = service.create()["id"]
    session = go_live(service, channel_id, "shown")
    live = service.read(channel_id)
    assert (live["state"], live["session"], live["state_reason"]) == ("live", session.id, None)

    service.state.sessions.save(session=session.lost_publisher(START))

    away = service.read(channel_id)
    assert (away["state"], away["state_reason"]["code"]) == ("interrupted", "publisher_away")
    end(service, session, START)
    ended = service.read(channel_id)
    assert (ended["state"], ended["session"]) == ("idle", None)


def test_the_list_is_newest_first_and_goes_on_at_its_cursor(fresh_service: Running) -> None:
    ids = [fresh_service.create(name=str(number))["id"] for number in range(5)]

    first = fresh_service.client.get("/channels", params={"limit": 2}).json()
    second = fresh_service.client.get("/channels", params={"limit": 3, "cursor": first["next"]}).json()

    assert [item["id"] for item in first["items"] + second["items"]] == ids[::-1]
    assert second["next"] is None
    assert fresh_service.client.get("/channels").json()["next"] is None


@pytest.mark.parametrize("cursor", ["", "x", "e30", "W10", "WyJhIiwiYiJd", "%00", "é", "A" * 5000])
def test_a_cursor_nobody_gave_is_refused_by_name(service: Running, cursor: str) -> None:
    answer = service.client.get("/channels", params={"cursor": cursor})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["cursor"]


@pytest.mark.parametrize("limit", ["0", "1001", "abc", "-1", "1e9"])
def test_an_impossible_limit_is_refused_by_name(service: Running, limit: str) -> None:
    answer = service.client.get("/channels", params={"limit": limit})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["limit"]


def test_sizes_are_a_set_of_five_at_most(service: Running) -> None:
    assert service.create(image_sizes=[640, "64", 640, 64, 64, 64])["image_sizes"] == [64, 640]

    answer = service.client.post("/channels", json={"image_sizes": [1, 2, 3, 4, 5, 9_999]})

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"], error["problem"]) == (422, "image_sizes", "must be at most 5 widths")
