from __future__ import annotations

import asyncio
import time

from services.gateway.listeners import JOINING_SECONDS, Listeners, Player

GATEWAY = "local/boot"
PLAYER = Player(GATEWAY, "4")


def long_after() -> float:
    """Give a moment at which a player that has just arrived must be on nginx's list."""
    return time.monotonic() + 2 * JOINING_SECONDS


def test_a_session_listens_from_its_players_arrival_until_it_leaves() -> None:
    listeners = Listeners()
    listeners.arrived(PLAYER, "session")
    before = listeners.is_listening("session", GATEWAY)
    listeners.left(PLAYER)

    assert before
    assert not listeners.is_listening("session", GATEWAY)


def test_a_player_of_an_earlier_life_of_nginx_does_not_listen_in_this_one() -> None:
    listeners = Listeners()
    listeners.arrived(PLAYER, "session")

    assert not listeners.is_listening("session", "local/next")


def test_the_players_a_publisher_leaves_behind_do_not_count_for_the_next() -> None:
    listeners = Listeners()
    listeners.arrived(PLAYER, "session")
    listeners.publisher_left("session")

    assert not listeners.is_listening("session", GATEWAY)


def test_a_player_left_behind_is_not_counted_again_while_nginx_still_lists_it() -> None:
    listeners = Listeners()
    listeners.arrived(PLAYER, "session")
    listeners.publisher_left("session")
    for _ in range(3):
        listeners.reconcile(GATEWAY, {"4": "session"}, asked_at=long_after())

    assert not listeners.is_listening("session", GATEWAY)


def test_a_player_nobody_told_of_is_believed_when_nginx_lists_it_twice() -> None:
    listeners = Listeners()
    listeners.reconcile(GATEWAY, {"4": "session"}, asked_at=long_after())
    once = listeners.is_listening("session", GATEWAY)
    listeners.reconcile(GATEWAY, {"4": "session"}, asked_at=long_after())

    assert not once
    assert listeners.is_listening("session", GATEWAY)


def test_a_player_that_nginx_no_longer_lists_is_dropped() -> None:
    listeners = Listeners()
    listeners.arrived(PLAYER, "session")
    listeners.reconcile(GATEWAY, {}, asked_at=long_after())

    assert not listeners.is_listening("session", GATEWAY)


def test_a_player_whose_session_is_not_seen_stays_what_it_was() -> None:
    listeners = Listeners()
    listeners.arrived(PLAYER, "session")
    for _ in range(3):
        listeners.reconcile(GATEWAY, {"4": None, "5": None}, asked_at=long_after())

    assert listeners.is_listening("session", GATEWAY)
    assert set(listeners._pulls) == {PLAYER}


def test_a_player_that_arrived_after_nginx_was_asked_is_kept() -> None:
    listeners = Listeners()
    asked_at = time.monotonic()
    listeners.arrived(PLAYER, "session")
    listeners.reconcile(GATEWAY, {}, asked_at=asked_at)

    assert listeners.is_listening("session", GATEWAY)


def test_all_who_wait_for_a_session_are_woken_and_one_who_gave_up_disturbs_nobody() -> None:
    async def scene() -> tuple[bool, list[bool]]:
        listeners = Listeners()
        patient = [asyncio.create_task(listeners.wait("session", 5, GATEWAY)) for _ in range(2)]
        hasty = await listeners.wait("session", 0.01, GATEWAY)
        listeners.arrived(PLAYER, "session")
        return hasty, await asyncio.gather(*patient)

    assert asyncio.run(scene()) == (False, [True, True])


def test_a_wait_ends_at_once_when_the_session_listens_already() -> None:
    listeners = Listeners()
    listeners.arrived(PLAYER, "session")

    assert asyncio.run(listeners.wait("session", 0, GATEWAY))


def test_a_player_on_another_life_of_nginx_ends_no_wait() -> None:
    async def scene() -> bool:
        listeners = Listeners()
        waiting = asyncio.create_task(listeners.wait("session", 0.05, GATEWAY))
        await asyncio.sleep(0)
        listeners.arrived(Player("local/before", "4"), "session")
        return await waiting

    assert not asyncio.run(scene())
