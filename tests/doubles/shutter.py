"""What takes pictures, for the control port: a new keyframe each time `next_gop` is called."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from services.domain.artifact import Artifact
from services.worker.taking import NothingToTake, NotNow, Taken


class Shutter:
    """Takes pictures as the worker does, of one GOP until `next_gop`; a frame is taken anew each time.

    `asked` are the ages it was asked for. It waits for `open`, and refuses while `refusal` says why, with `is_passing`
    only for the moment.
    """

    def __init__(self, first: Artifact) -> None:
        self._newest = first
        self._is_stored = False
        self.asked: list[float | None] = []
        self.open = asyncio.Event()
        self.open.set()
        self.refusal = ""
        self.is_passing = False

    def next_gop(self) -> None:
        self._newest = replace(self._newest, captured_at=self._newest.captured_at + timedelta(seconds=2))
        self._is_stored = False

    async def take(self, max_age: float | None) -> Taken:
        self.asked.append(max_age)
        await self.open.wait()
        if self.refusal:
            raise (NotNow if self.is_passing else NothingToTake)(self.refusal)
        if max_age is not None:
            self.next_gop()
        created, self._is_stored = not self._is_stored, True
        return Taken(artifact=self._newest, created=created)
