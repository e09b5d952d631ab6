from __future__ import annotations

import pytest

from tests.metadata.broadcasts import go_live
from tests.metadata.running import Running
from tests.metadata.test_bad_input import assert_problem

MATCHING = ['"1"', "*", '"7", "1"', '"1","2"']
OTHER = ['"2"', 'W/"1"', '"01"', '"1x", "2"']
MALFORMED = ["1", "", '"1', "x, y"]


@pytest.mark.parametrize("if_match", MATCHING)
def test_a_change_of_the_version_that_was_seen_is_made(service: Running, if_match: str) -> None:
    path = f"/channels/{service.create()['id']}"

    answer = service.client.patch(path, json={"image_time": 5}, headers={"If-Match": if_match})

    assert (answer.status_code, answer.json()["version"]) == (200, 2)


@pytest.mark.parametrize(("if_match", "status"), [(each, 412) for each in OTHER] + [(each, 400) for each in MALFORMED])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_change_of_another_version_is_refused(service: Running, method: str, if_match: str, status: int) -> None:
    path = f"/channels/{service.create()['id']}"
    body = None if method == "DELETE" else {"image_time": 5}

    answer = service.client.request(method, path, json=body, headers={"If-Match": if_match})

    assert_problem(answer, status)
    assert service.client.get(path).json()["version"] == 1


def test_a_refused_delete_leaves_the_broadcast_alone(service: Running) -> None:
    channel_id = service.create()["id"]
    session = go_live(service, channel_id, "left-alone")

    service.client.delete(f"/channels/{channel_id}", headers={"If-Match": '"9"'})

    assert service.state.sessions.get(session.id).close is None


def test_a_delete_of_the_version_that_was_seen_is_made(service: Running) -> None:
    path = f"/channels/{service.create()['id']}"

    assert service.client.delete(path, headers={"If-Match": '"1"'}).status_code == 204
