"""Takes pictures of strangers' streams by a program on this machine, so many at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from services.domain.errors import StreamkeepError
from services.domain.grab import At, GrabbedPicture, GrabOrder, NoPicture, TooBusy, picture_of
from services.runtime import grab_program
from services.runtime.sandbox.lacking import tell_what_lacks

log = structlog.get_logger()

GRAB_SECONDS = 7.0
"""When the program answers at the latest, with a picture or with what it found, so that the caller has it in 8 s."""


class GrabberProgram:
    """Takes pictures in child processes."""

    def __init__(self, allowed_networks: str, at_once: int) -> None:
        """Let sources lead into `allowed_networks` besides public addresses, and take `at_once` pictures at a time."""
        self._allowed_networks = allowed_networks
        self._free = threading.BoundedSemaphore(at_once)
        tell_what_lacks()

    def take(self, source_url: str, at: At, width: int | None) -> GrabbedPicture:
        """Give one picture within 8 s; raise TooBusy, NoPicture or Unavailable."""
        began = time.monotonic()
        order = GrabOrder(
            source_url=source_url,
            at=at,
            width=width,
            allowed_networks=self._allowed_networks,
            deadline=began + GRAB_SECONDS,
        )
        outcome = "picture"
        try:
            with self._place():
                return picture_of(*grab_program.run(order))
        except NoPicture as error:
            outcome = error.kind
            raise
        except StreamkeepError as error:
            outcome = type(error).__name__
            raise
        finally:
            log.info("picture_asked_for", outcome=outcome, seconds=round(time.monotonic() - began, 3))

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._free.acquire(blocking=False):
            raise TooBusy
        try:
            yield
        finally:
            self._free.release()
