"""A picture taken because somebody asked: what the control port wants of whoever takes pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from services.domain.artifact import Artifact


class NothingToTake(Exception):
    """There is no picture to be had now; the message says why, for whoever asked."""


class NotNow(Exception):
    """No picture can be taken at this moment, and the next may do; the message says why, for whoever asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A picture that lies whole in the store; `created` is false where it lay there before it was asked for."""

    artifact: Artifact
    created: bool


class Snapshots(Protocol):
    """Takes pictures on demand."""

    async def take(self, max_age: float | None) -> Taken:
        """Take the newest keyframe or, where that is older than `max_age` (s), the newest frame.

        Raise NothingToTake, or NotNow where it is worth asking again at once. It answers when the picture lies in the
        store.
        """
        ...
