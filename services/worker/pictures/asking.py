"""What was asked of a picture child and is not answered yet."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

MOST = 64


class NoPicture(Exception):
    """The child has none to give; the message is its word for why."""


class ChildLost(Exception):
    """The child that was asked is gone, or could not be reached: its successor may answer."""


@dataclass(frozen=True, slots=True)
class Shot:
    """The picture that was asked for, by its PTS (s); `is_new` says that it was taken for this."""

    pts: float
    is_new: bool


@dataclass(slots=True)
class Asking:
    """Numbers what is asked, and gives each answer to who asked."""

    _count: int = 0
    _open: dict[int, asyncio.Future[Shot]] = field(default_factory=dict)

    def begin(self) -> tuple[int, asyncio.Future[Shot]]:
        """Give a number and what will hold the answer; raise NoPicture where too many wait."""
        if len(self._open) >= MOST:
            raise NoPicture("busy")
        self._count += 1
        answer = self._open[self._count] = asyncio.get_running_loop().create_future()
        return self._count, answer

    def end(self, number: int) -> None:
        """Wait for this one no longer."""
        self._open.pop(number, None)

    def hear(self, said: dict[str, Any]) -> None:
        """Take a line of the child, once all that it means else has happened."""
        number = said.get("id") if said["event"] == "asked" else said.get("asked")
        answer = None if said["event"] == "pace" else self._open.pop(number, None)  # type: ignore[arg-type] # None is no key
        if answer is None or answer.done():
            return
        if "error" in said:
            answer.set_exception(NoPicture(said["error"]))
        else:
            answer.set_result(Shot(pts=said["pts"], is_new=said["event"] == "picture"))

    def lose(self) -> None:
        """Tell all who wait that the child is gone."""
        waiting, self._open = self._open, {}
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(ChildLost())
