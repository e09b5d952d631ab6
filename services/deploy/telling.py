"""What the program says to whoever runs it, and what it asks."""

from __future__ import annotations

import sys
import time


class CannotDeploy(Exception):
    """What was asked for cannot be done here and now; the message says what to do about it."""


class Declined(Exception):
    """Whoever runs it said no; nothing was changed."""


def say(text: str = "") -> None:
    """Print a line at once: these are followed while things take minutes."""
    print(text, flush=True)  # noqa: T201 - what the program is for


def step(text: str) -> None:
    """Begin a step, under its own heading."""
    say(f"\n== {text}")


def agree(question: str, *, is_given: bool) -> None:
    """Go on if that is agreed already, or on the answer `yes`; raise Declined."""
    if is_given:
        return
    if _answer(f"\n{question} (yes/no): ") not in ("y", "yes"):
        raise Declined


def agree_by_name(question: str, name: str) -> None:
    """Go on only if this very name is typed; raise Declined."""
    if _answer(f"\n{question}\nType {name} to agree: ") != name:
        raise Declined


def _answer(question: str) -> str:
    print(question, end="", flush=True)  # noqa: T201
    line = sys.stdin.readline()
    if not line:
        say()
        raise Declined("nobody answers on standard input; --yes agrees beforehand")
    return line.strip()


class Watch:
    """Waits with growing pauses, and says now and then that it still does."""

    FIRST_SECONDS, MOST_SECONDS, GROWTH = 0.2, 5.0, 1.4
    WORD_SECONDS = 60.0

    def __init__(self, what: str, *, within: float) -> None:
        """`within` is after how many seconds to give up; `what` is said then, and each minute."""
        self._what = what
        self._began = self._said = time.monotonic()
        self._ends = self._began + within
        self._pause = self.FIRST_SECONDS

    def wait(self) -> None:
        """Pause; raise CannotDeploy when it has taken too long."""
        now = time.monotonic()
        if now >= self._ends:
            minutes = (now - self._began) / 60
            raise CannotDeploy(f"{self._what}: not within {minutes:.0f} minutes; run the same command again to go on")
        if now - self._said >= self.WORD_SECONDS:
            say(f"   … {self._what}, {(now - self._began) / 60:.0f} min")
            self._said = now
        time.sleep(self._pause)
        self._pause = min(self.MOST_SECONDS, self._pause * self.GROWTH)

    def moved(self) -> None:
        """Look often again: something has just happened."""
        self._pause = self.FIRST_SECONDS
        self._said = time.monotonic()
