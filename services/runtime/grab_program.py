"""Runs the program that takes a picture of a stranger's stream: one process for each picture.

It gets nothing of this process's environment but what a program needs to run, and its order over standard input.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

from services.domain.errors import Unavailable
from services.domain.grab import GrabOrder, NoPicture, Trouble
from services.runtime.child_environment import child_environment

KILL_SECONDS = 0.6
"""How long after its deadline it is killed."""
_COMMAND = (sys.executable, "-P", "-m", "services.grabber")


def run(order: GrabOrder) -> tuple[dict[str, Any], bytes]:
    """Give what the program says, and the picture that comes behind it; raise NoPicture or Unavailable."""
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
        left = order.deadline + KILL_SECONDS - time.monotonic()
        answer = program.communicate(order.line(), timeout=left)[0]
    except subprocess.TimeoutExpired:
        raise NoPicture(Trouble.TOO_SLOW, "source_url", "there was no picture in time") from None
    finally:
        _end(program)
    line, _, body = answer.partition(b"\n")
    return _said(line), body


def _end(program: subprocess.Popen[bytes]) -> None:
    """Leave nothing of it behind; its children end with it."""
    if program.poll() is None:
        os.killpg(program.pid, signal.SIGKILL)
        program.communicate()


def _said(line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
