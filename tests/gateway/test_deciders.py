from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from services.gateway.deciders import Deciders

DEADLINE_SECONDS = 10.0


def channels_apart(deciders: Deciders, count: int) -> list[str]:
    """Give so many channels of which no two are decided by one thread."""
    found: dict[int, str] = {}

    async def look() -> None:
        for number in range(1_000):
            thread = await deciders.decide(f"c{number}", threading.get_ident)
            found.setdefault(thread, f"c{number}")

    asyncio.run(look())
    return list(found.values())[:count]


def noting(notes: list[str], note: str, after: threading.Event | None = None) -> Callable[[], None]:
    """Give a decision that waits for `after` and is noted."""

    def decide() -> None:
        assert after is None or after.wait(DEADLINE_SECONDS)
        notes.append(note)

    return decide


def test_what_concerns_one_channel_is_decided_in_the_order_in_which_it_came() -> None:
    notes: list[str] = []
    slow = threading.Event()

    async def scene(deciders: Deciders) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as group:
            group.create_task(deciders.decide("camera", noting(notes, "arrival", slow)))
            for number in range(20):
                group.create_task(deciders.decide("camera", noting(notes, str(number))))
            await asyncio.sleep(0)
            slow.set()

    with Deciders(8) as deciders:
        asyncio.run(scene(deciders))

    assert notes == ["arrival", *(str(number) for number in range(20))]


def test_one_channels_decision_does_not_keep_anothers_waiting() -> None:
    notes: list[str] = []
    slow = threading.Event()

    async def scene(deciders: Deciders, one: str, other: str) -> None:
        async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as group:
            group.create_task(deciders.decide(one, noting(notes, "slow", slow)))
            await asyncio.sleep(0)
            await deciders.decide(other, noting(notes, "quick"))
            slow.set()

    with Deciders(2) as deciders:
        asyncio.run(scene(deciders, *channels_apart(deciders, 2)))

    assert notes == ["quick", "slow"]


def test_no_more_is_decided_at_once_than_was_asked_for() -> None:
    threads: set[int] = set()

    async def scene(deciders: Deciders) -> None:
        decided = (deciders.decide(f"c{number}", threading.get_ident) for number in range(200))
        async with asyncio.timeout(DEADLINE_SECONDS):
            threads.update(await asyncio.gather(*decided))

    with Deciders(3) as deciders:
        asyncio.run(scene(deciders))

    assert len(threads) == 3


def test_what_a_decision_raises_reaches_who_asked_and_the_next_is_decided() -> None:
    async def scene(deciders: Deciders) -> int:
        with pytest.raises(LookupError, match="refused"):
            await deciders.decide("camera", _refuse)
        return await deciders.decide("camera", lambda: 7)

    with Deciders(1) as deciders:
        assert asyncio.run(scene(deciders)) == 7


def _refuse() -> None:
    raise LookupError("refused")


def test_the_end_waits_for_what_is_being_decided_and_leaves_no_thread() -> None:
    notes: list[str] = []
    before = set(threading.enumerate())
    began = threading.Event()
    slow = threading.Event()

    def decide() -> None:
        began.set()
        assert slow.wait(DEADLINE_SECONDS)
        notes.append("decided")

    async def scene(deciders: Deciders) -> None:
        task = asyncio.create_task(deciders.decide("camera", decide))
        await asyncio.to_thread(began.wait, DEADLINE_SECONDS)
        task.cancel()  # as at a stop
        await asyncio.gather(task, return_exceptions=True)

    with Deciders(2) as deciders:
        asyncio.run(scene(deciders))
        threading.Timer(0.1, slow.set).start()
        ended_at = time.monotonic()

    assert notes == ["decided"]
    assert time.monotonic() - ended_at < DEADLINE_SECONDS
    assert not [each for each in set(threading.enumerate()) - before if "decider" in each.name]
