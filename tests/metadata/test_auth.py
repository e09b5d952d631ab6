from __future__ import annotations

import pytest

from tests.metadata.running import TOKEN, Running
from tests.metadata.test_bad_input import assert_problem

GUARDED = [
    "/channels",
    "/sessions",
    "/videostream",
    "/nowhere",
    "/metrics",
    "/healthz/",
    "//healthz",
    "/channels/x/snapshots",
]


@pytest.mark.parametrize("path", GUARDED)
def test_a_request_without_the_token_is_refused(service: Running, path: str) -> None:
    answer = service.anonymous.get(service.url + path)

    assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", TOKEN, f"Basic {TOKEN}", "Bearer \xe9"],
)
def test_a_wrong_token_is_refused(service: Running, header: str) -> None:
    headers = [(b"Authorization", header.encode("latin-1"))]

    assert_problem(service.anonymous.get("/channels", headers=headers), 401)


def test_a_stranger_learns_nothing_of_a_bad_body_and_stores_nothing(service: Running) -> None:
    before = len(service.state.channels.page(1000))

    assert_problem(service.anonymous.post("/channels", content=b"{"), 401)
    assert_problem(service.anonymous.post("/videostream", json={"image_time": 5}), 401)
    assert len(service.state.channels.page(1000)) == before


def test_the_scheme_is_read_in_any_case(service: Running) -> None:
    assert service.anonymous.get("/channels", headers={"Authorization": f"bearer {TOKEN}"}).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/docs"])
def test_the_open_routes_need_no_token(service: Running, path: str) -> None:
    assert service.anonymous.get(path).status_code == 200
