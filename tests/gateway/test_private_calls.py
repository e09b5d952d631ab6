from __future__ import annotations

from collections.abc import Callable

from tests.gateway.served import INTERNAL_TOKEN
from tests.gateway.world import World


def test_a_refresh_needs_the_internal_token(app_alone: World) -> None:
    shown = ["", "Bearer", "Bearer wrong", INTERNAL_TOKEN, f"Basic {INTERNAL_TOKEN}", f"Bearer {INTERNAL_TOKEN}x"]
    headers: list[dict[str, str]] = [{}, *({"Authorization": value} for value in shown)]
    answers = [app_alone.http.post("/channels/camera/refresh", headers=each) for each in headers]

    assert [answer.status_code for answer in answers] == [401] * len(headers)
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Bearer"}


def test_a_refresh_of_an_idle_channel_is_fine(world: World) -> None:
    assert world.refresh() == 204


def test_a_refresh_of_a_channel_that_does_not_exist_is_fine(world: World) -> None:
    assert world.refresh("deleted") == 204


def test_a_refresh_of_what_is_no_id_is_not_found(app_alone: World) -> None:
    statuses = [app_alone.refresh(name) for name in ("a%20b", "..%2f..%2fetc", "-x", "a" * 65)]

    assert statuses == [404] * 4


def test_a_refresh_says_when_nginx_does_not_answer(app_alone: World) -> None:
    with app_alone.nginx.occupied():
        status = app_alone.refresh()

    assert status == 503


def test_a_refresh_says_when_state_is_away(world: World) -> None:
    world.break_state()

    assert world.refresh() == 503


def test_a_publisher_is_not_given_up_while_nginx_hangs(new_world_with_nginx: Callable[..., World]) -> None:
    world = new_world_with_nginx(SWEEP_SECONDS="0.1")
    world.add_channel()
    with world.nginx.occupied():
        world.start(nginx=False)
        world.call("publish", sign=world.sign())
        world.journal.expect("gateway_unavailable")
        publisher = world.session().publisher

    assert publisher is not None


def test_the_app_is_ready_only_while_nginx_takes_a_publish(new_world_with_nginx: Callable[..., World]) -> None:
    world = new_world_with_nginx()
    world.start(nginx=False)
    client = world.http
    before = client.get("/readyz").status_code
    with world.nginx:
        ready = client.get("/readyz").status_code
    after = client.get("/readyz").status_code

    assert (before, ready, after) == (503, 200, 503)


def test_the_load_balancer_is_told_whether_nginx_takes_connections_and_nothing_else(
    new_world_with_nginx: Callable[..., World],
) -> None:
    world = new_world_with_nginx()
    world.start(nginx=False)
    before = world.http.get("/nlb").status_code
    world.break_state()
    with world.nginx:
        while_state_is_away = world.http.get("/nlb").status_code

    assert (before, while_state_is_away) == (503, 200)


def test_the_app_is_not_ready_while_state_is_away(world: World) -> None:
    world.break_state()

    assert world.http.get("/readyz").status_code == 503


def test_the_app_is_alive_whatever_else_is_away(app_alone: World) -> None:
    app_alone.break_state()

    assert app_alone.http.get("/healthz").status_code == 200
