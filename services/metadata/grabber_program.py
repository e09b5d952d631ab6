"""Starts the program that takes a picture of a stranger's stream: one for each request, so many at once.

It gets nothing of this service's environment but what a program needs to run, and its order over standard input.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from services.domain.errors import StreamkeepError, Unavailable
from services.domain.grab import PICTURE_MAX, At, GrabOrder, Trouble
from services.runtime.child_environment import child_environment
from services.runtime.sandbox.lacking import tell_what_lacks

log = structlog.get_logger()

GRAB_SECONDS = 7.0
"""When the program answers at the latest, with a picture or with what it found."""
KILL_SECONDS = 7.6
"""When it is killed, so that the caller has an answer within 8 s."""
_COMMAND = (sys.executable, "-P", "-m", "services.grabber")


class TooBusy(StreamkeepError):
    """As many pictures as are taken at once are being taken."""


class NoPicture(StreamkeepError):
    """There is no picture; `kind` says why, `field` is the one to mend."""

    def __init__(self, kind: Trouble, field: str, detail: str) -> None:
        """`detail` holds no part of the address."""
        super().__init__(detail)
        self.kind = kind
        self.field = field


@dataclass(frozen=True, slots=True)
class GrabbedPicture:
    """A JPEG; `position` is in seconds into the source, `captured_at` a time, None where nobody knows."""

    body: bytes
    width: int
    height: int
    position: float | None
    captured_at: str | None


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
                return _read(_run(order))
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


def _run(order: GrabOrder) -> bytes:
    try:
        program = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a library's complaint may quote the address
            env=child_environment(),
            start_new_session=True,
        )
    except OSError as error:
        raise Unavailable("No picture can be taken: the program for it cannot be started.") from error
    try:
        left = order.deadline + KILL_SECONDS - GRAB_SECONDS - time.monotonic()
        return program.communicate(order.line(), timeout=left)[0]
    except subprocess.TimeoutExpired:
        raise NoPicture(Trouble.TOO_SLOW, "source_url", "there was no picture in time") from None
    finally:
        _end(program)


def _end(program: subprocess.Popen[bytes]) -> None:
    """Leave nothing of it behind; its children end with it."""
    if program.poll() is None:
        os.killpg(program.pid, signal.SIGKILL)
        program.communicate()


def _read(answer: bytes) -> GrabbedPicture:
    line, _, body = answer.partition(b"\n")
    said = _said(line)
    match said:
        case {
            "picture": {
                "width": int(width),
                "height": int(height),
                "bytes": int(size),
                "position": float() | None as position,
                "captured_at": str() | None as captured_at,
            }
        } if len(body) == size <= PICTURE_MAX:
            return GrabbedPicture(body, width, height, position, captured_at)
        case {"problem": {"kind": kind, "field": str(field), "detail": str(detail)}} if kind in set(Trouble):
            raise NoPicture(Trouble(kind), field, detail)
    raise NoPicture(Trouble.OURS, "source_url", "the program that takes pictures ended without an answer")


def _said(line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
