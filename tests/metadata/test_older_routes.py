"""The older system's calls, as its users make them (with the token)."""

from __future__ import annotations

from typing import Any

import pytest

from services.domain import signing
from tests.metadata.running import RTMP_URL, Running
from tests.metadata.test_bad_input import assert_problem

OLDER_CALL = {
    "isFlv": True,
    "isHls": False,
    "isVideo": False,
    "isImage": False,
    "isMotion": False,
    "isOnDemand": False,
    "isCMAF": False,
    "video_time": "60",
    "image_time": "30",
    "hls_time": "2",
    "hls_list_size": "5",
    "outdate": "2030-12-09",
}


def create(service: Running, **fields: object) -> dict[str, Any]:
    answer = service.client.post("/videostream", json=fields)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_the_older_call_works_as_it_stands(service: Running) -> None:
    item = create(service, **OLDER_CALL)

    numbers = {"video_time": 60, "image_time": 30, "hls_time": 2, "hls_list_size": 5}
    assert {name: item[name] for name in OLDER_CALL} == OLDER_CALL | numbers
    assert "isFlv" in " ".join(item["warnings"])
    assert not any("isMotion" in warning or "isCMAF" in warning for warning in item["warnings"])


def test_the_answer_carries_the_key_and_the_address_to_paste_into_obs(service: Running) -> None:
    item = create(service, **OLDER_CALL)

    assert item["key"].startswith("1923004800-")
    assert item["publish"]["url"] == f"{RTMP_URL}/{item['id']}?sign={item['key']}"
    verdict = signing.verify_publish(
        service.settings.publish_keyring, sign=item["key"], channel_id=item["id"], key_version=1, now=1_900_000_000
    )
    assert verdict == "ok"


def test_a_create_with_nothing_but_an_image_time_works(service: Running) -> None:
    item = create(service, image_time=5)

    assert (item["image_time"], item["isImage"], item["warnings"]) == (5, True, [])


def test_json_is_read_whatever_the_content_type_says(service: Running) -> None:
    for headers in ({"Content-Type": "application/x-www-form-urlencoded"}, {}):
        answer = service.client.post("/videostream", content=b'{"image_time": 5}', headers=headers)

        assert answer.status_code == 200


def test_what_is_not_built_is_kept_and_named_when_switched_on(service: Running) -> None:
    sent = {"isRelay": "true", "relayURL": "rtmp://a/b", "isCodec": "false", "WaterMarkText": "", "ld": {"a": [1]}}

    item = create(service, **sent)

    assert {name: item[name] for name in sent} == sent
    assert [warning.split()[0] for warning in item["warnings"]] == ["isRelay", "relayURL", "ld"]
    assert service.client.get(f"/videostream/{item['id']}").json()["isRelay"] == "true"


def test_what_is_kept_does_not_grow_without_bound(service: Running) -> None:
    channel_id = create(service, relayURL="r" * 40_000)["id"]

    answer = service.client.put(f"/videostream/{channel_id}", json={"ImageURL": "i" * 30_000, "isFlv": True})

    (error,) = assert_problem(answer, 422)["errors"]
    assert error["field"] == "relayURL"
    assert "may take 65,536 bytes together: shorten or empty this one" in error["problem"]
    assert "ImageURL" not in service.client.get(f"/videostream/{channel_id}").json()
    mended = service.client.put(f"/videostream/{channel_id}", json={"ImageURL": "i" * 30_000, "relayURL": ""})
    assert mended.status_code == 200


def test_more_than_is_kept_is_refused_at_once(service: Running) -> None:
    problem = assert_problem(service.client.post("/videostream", json={"relayURL": "r" * 70_000}), 422)

    assert [error["field"] for error in problem["errors"]] == ["relayURL"]


def test_huge_numbers_in_fields_that_are_only_kept_come_back(service: Running) -> None:
    item = create(service, motion_percent=10**300)

    assert service.client.get(f"/videostream/{item['id']}").json()["motion_percent"] == 10**300


def test_an_item_is_flat_under_the_older_names(service: Running) -> None:
    item = create(service, videoname="Studio", outdate="2030/12/9")

    assert (item["videoname"], item["outdate"]) == ("Studio", "2030-12-09")
    assert not {"name", "is_image", "is_video", "is_hls", "is_on_demand"} & set(item)


def test_an_expiry_within_a_day_is_told_whole(service: Running) -> None:
    assert create(service, outdate="2030-12-09T10:00:00Z")["outdate"] == "2030-12-09T10:00:00.000Z"


def test_a_change_sets_only_what_is_sent_without_if_match(service: Running) -> None:
    item = create(service, **OLDER_CALL)

    answer = service.client.put(f"/videostream/{item['id']}", json={"isHls": "true", "isFlv": False})

    assert answer.status_code == 200
    changed = answer.json()
    assert (changed["isHls"], changed["isFlv"], changed["image_time"]) == (True, False, 30)
    assert (changed["warnings"], changed["key"]) == ([], item["key"])


def test_a_new_outdate_signs_the_key_anew(service: Running) -> None:
    item = create(service, **OLDER_CALL)

    changed = service.client.put(f"/videostream/{item['id']}", json={"outdate": "2031-12-09"}).json()

    assert changed["key"] != item["key"]


def test_a_whole_item_may_be_sent_back(service: Running) -> None:
    item = create(service, **OLDER_CALL)

    answer = service.client.put(f"/videostream/{item['id']}", json={**item, "id": "other", "TimeStamp": 1})

    assert answer.status_code == 200
    assert answer.json()["id"] == item["id"]


def test_the_list_is_a_bare_array_of_all_channels(fresh_service: Running) -> None:
    ids = [create(fresh_service, videoname=str(number))["id"] for number in range(3)]

    answer = fresh_service.client.get("/videostream").json()

    assert [item["id"] for item in answer] == ids[::-1]


def test_a_delete_answers_as_before(service: Running) -> None:
    path = f"/videostream/{create(service)['id']}"

    answer = service.client.delete(path)

    assert (answer.status_code, answer.json()) == (200, "stream deleted")
    assert_problem(service.client.get(path), 404)


def test_a_channel_of_either_api_is_seen_by_the_other(service: Running) -> None:
    item = create(service, **OLDER_CALL)

    channel = service.read(item["id"])

    assert (channel["image_time"], channel["is_hls"]) == (30, False)
    changed = service.client.patch(f"/channels/{item['id']}", json={"name": "Studio", "isFlv": "false"})
    assert changed.status_code == 200
    older = service.client.get(f"/videostream/{item['id']}").json()
    assert (older["videoname"], older["warnings"], older["isMotion"]) == ("Studio", [], False)


@pytest.mark.parametrize("field", ["colour", "isflv", "is_Hls"])
def test_an_unknown_field_is_refused_by_name(service: Running, field: str) -> None:
    problem = assert_problem(service.client.post("/videostream", json={**OLDER_CALL, field: True}), 422)

    assert [error["field"] for error in problem["errors"]] == [field]
