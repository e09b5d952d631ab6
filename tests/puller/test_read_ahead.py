from __future__ import annotations

import asyncio

from services.puller.read_ahead import Piece, ReadAhead


def test_what_was_put_is_got_in_its_order_and_then_the_end() -> None:
    async def scene() -> list[Piece | None]:
        ahead = ReadAhead()
        for piece in (b"a", b"b"):
            await ahead.put(Piece(piece))
        await ahead.end()
        return [await ahead.get() for _ in range(3)]

    assert asyncio.run(scene()) == [Piece(b"a"), Piece(b"b"), None]


def test_a_reader_that_is_slow_stops_the_fetching_only_at_the_bound() -> None:
    async def scene() -> list[bool]:
        ahead = ReadAhead(bytes_max=2)
        await ahead.put(Piece(b"a"))
        await ahead.put(Piece(b"b"))
        third = asyncio.create_task(ahead.put(Piece(b"c")))
        await asyncio.sleep(0)
        waits = not third.done()
        await ahead.get()
        await third
        return [waits, third.done()]

    assert asyncio.run(scene()) == [True, True]


def test_whoever_waits_for_room_is_let_go_at_the_end() -> None:
    async def scene() -> Piece | None:
        ahead = ReadAhead(bytes_max=1)
        await ahead.put(Piece(b"a"))
        waiting = asyncio.create_task(ahead.put(Piece(b"b")))
        await asyncio.sleep(0)
        await ahead.end()
        await waiting
        await ahead.get()
        return await ahead.get()

    assert asyncio.run(scene()) is None
