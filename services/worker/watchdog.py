"""Ends a worker whose event loop turns no more: on ECS nobody else ends a task that runs and does nothing.

A loop that is stuck in a system call or in Python is noticed; a library that never gives the interpreter's lock back
stops this thread too, and then the lease that is not renewed tells the reconciler.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from services.worker import exit_codes

log = structlog.get_logger()

PAUSE_SECONDS = 10.0
"""The longest from one question to the loop to the next."""
TELL_SECONDS = 2.0
"""How long the log may take: it may be what the loop is stuck in."""
_SLICES = 10


class Watchdog(threading.Thread):
    """Asks the loop again and again whether it turns; ends the process after `seconds` without an answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        """Take the loop of the thread that calls this."""
        super().__init__(name="watchdog", daemon=True)
        self._loop = loop
        self._seconds = seconds
        self._watched = threading.get_ident()
        self._over = threading.Event()

    def run(self) -> None:
        """Watch until the end."""
        while not self._over.wait(min(PAUSE_SECONDS, self._seconds / 3)):
            if not self._turns():
                self._end()

    def end(self) -> None:
        """Watch no more."""
        self._over.set()

    def _turns(self) -> bool:
        """Say whether the loop turns within the time.

        It is counted in pieces, each for what it should have lasted: while this thread stood still as well (SIGSTOP, a
        machine that slept or had no time for us) nothing is said about the loop.
        """
        turned = threading.Event()
        try:
            self._loop.call_soon_threadsafe(turned.set)
        except RuntimeError:
            return True  # it is closed, and this worker at its end
        piece, left = self._seconds / _SLICES, self._seconds
        while left > 0:
            if turned.wait(piece) or self._over.is_set():
                return True
            left -= piece
        return False

    def _end(self) -> None:
        telling = threading.Thread(target=self._tell, name="last words", daemon=True)
        telling.start()
        telling.join(TELL_SECONDS)
        os._exit(exit_codes.STUCK)  # its children end with it (setpriv --pdeathsig)

    def _tell(self) -> None:
        log.critical("event_loop_stuck", seconds=self._seconds, watched=self._watched, stacks=_stacks())


def _stacks() -> dict[str, list[str]]:
    """Give what each thread is doing, innermost last: one event, where faulthandler would write lines of no log."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return {
        f"{names.get(number, '?')} {number}": [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_stack(top)
        ]
        for number, top in sys._current_frames().items()  # noqa: SLF001 - the documented way
    }


@contextmanager
def watched(seconds: float) -> Iterator[None]:
    """Watch the running loop while the block runs; 0 seconds: do not."""
    if not seconds:
        yield
        return
    watchdog = Watchdog(asyncio.get_running_loop(), seconds)
    watchdog.start()
    try:
        yield
    finally:
        watchdog.end()
