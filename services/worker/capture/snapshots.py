"""Pictures on demand: asked of the run that captures, answered when they lie in the store.

`control_app` is given this where it wants a `services.worker.taking.Snapshots`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from services.worker.capture.parts import Parts
from services.worker.capture.runs import Runs
from services.worker.delivery.arrivals import Arrivals, PictureLost
from services.worker.pictures.asking import NoPicture
from services.worker.taking import NothingToTake, NotNow, Taken

ANSWER_SECONDS = 4.0
"""How long the run may take to give a picture, a new picture child's start included."""
_REASONS = {
    "no_video": "the stream has no video",
    "no_keyframe": "no keyframe has come yet",
    "undecodable": "the newest frame cannot be decoded",
}
_PASSING = {
    "busy": "too many pictures are asked for at once",
    "child_lost": "what decodes the pictures was lost, twice",
    "not_started": "capture is just beginning",
}


@dataclass(slots=True, kw_only=True)
class RunSnapshots:
    """Takes them of the present run."""

    parts: Parts
    runs: Runs
    arrivals: Arrivals

    async def take(self, max_age: float | None) -> Taken:
        """Take the newest keyframe or, where that is older than `max_age` (s), the newest frame.

        Raise NothingToTake or NotNow. It answers when the picture lies in the store, however long that takes.
        """
        run, part = self.runs.current, self.parts.number
        if run is None or part is None:
            raise NothingToTake("nothing is captured now: no media arrives")
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                shot = await run.snapshot(max_age)
        except NoPicture as error:
            raise why_not(str(error)) from None
        except TimeoutError:
            raise NothingToTake(f"no keyframe has come in {ANSWER_SECONDS:g} s") from None
        try:
            return Taken(artifact=await self.arrivals.picture(part, shot.pts), created=shot.is_new)
        except PictureLost:
            raise NotNow("the picture was given up before it reached the store") from None


def why_not(code: str) -> NothingToTake | NotNow:
    """Give what is raised for a word of `NoPicture`."""
    return NotNow(_PASSING[code]) if code in _PASSING else NothingToTake(_REASONS.get(code, code))
