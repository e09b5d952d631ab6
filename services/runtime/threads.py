"""Calls that block, in threads that keep no process from ending: what hangs at the stop is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

_Answer = TypeVar("_Answer")


async def in_thread(call: Callable[[], _Answer]) -> _Answer:
    """Give what `call` gives, or raise what it raises."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[_Answer] = loop.create_future()

    def tell(heard: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(heard)

    def run() -> None:
        try:
            found = call()
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is awaited
            raised = error
            tell(lambda: None if answer.done() else answer.set_exception(raised))
        else:
            tell(lambda: None if answer.done() else answer.set_result(found))

    threading.Thread(target=run, name="call", daemon=True).start()
    return await answer
