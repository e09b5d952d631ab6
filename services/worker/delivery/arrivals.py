"""Pictures as they arrive in the store, for whoever waits for one of them."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from services.domain.artifact import Artifact, Kind
from services.worker.delivery.parcel import Parcel

KEPT = 160
"""So many of the newest are remembered: who asks for a frame that was taken already is given one of them.

More than a picture child names as taken (`TAKEN_KEPT`): whoever is told of one must find it here.
"""

Place = tuple[int, float]
"""A part's number and a PTS in it (s)."""


class PictureLost(Exception):
    """It was given up before it reached the store."""


@dataclass(slots=True)
class Arrivals:
    """The newest pictures in the store, and those that are waited for; the last came at `last_at` (monotonic, s)."""

    _arrived: OrderedDict[Place, Artifact] = field(default_factory=OrderedDict)
    last_at: float = field(default_factory=time.monotonic)
    _awaited: dict[Place, asyncio.Future[Artifact]] = field(default_factory=dict)

    async def picture(self, part: int, pts: float) -> Artifact:
        """Give a part's picture as soon as it lies in the store; raise PictureLost."""
        place = (part, pts)
        if place in self._arrived:
            return self._arrived[place]
        awaited = self._awaited.setdefault(place, asyncio.get_running_loop().create_future())
        try:
            return await asyncio.shield(awaited)
        finally:
            if not awaited.done():
                self._awaited.pop(place, None)

    def arrived(self, parcel: Parcel, entry: Artifact) -> None:
        """Note what lies in the store."""
        if parcel.file.kind is not Kind.SNAPSHOT:
            return
        place = (parcel.part, parcel.file.start)
        self.last_at = time.monotonic()
        self._arrived[place] = entry
        while len(self._arrived) > KEPT:
            self._arrived.popitem(last=False)
        if (awaited := self._awaited.pop(place, None)) is not None:
            awaited.set_result(entry)

    def lost(self, parcel: Parcel) -> None:
        """Note what was given up."""
        if (awaited := self._awaited.pop((parcel.part, parcel.file.start), None)) is not None:
            awaited.set_exception(PictureLost())
            awaited.exception()  # nobody may wait any more
