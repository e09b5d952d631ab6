"""What a lane has done with its files."""

from __future__ import annotations

from typing import Protocol

from services.domain.artifact import Artifact
from services.worker.delivery.parcel import Parcel, Waiting


class Work(Protocol):
    """What is done with the files of a lane."""

    def taken(self, waiting: Waiting) -> None:
        """Take notice of a file that was just closed."""
        ...

    async def prepare(self, waiting: Waiting) -> list[Parcel]:
        """Make of a closed file what is shipped; raise ChildFailed where it cannot be read."""
        ...

    async def upload(self, parcel: Parcel) -> Artifact:
        """Bring a parcel into the store; raise Unavailable, or FileNotFoundError where it is gone."""
        ...

    def commit(self, parcel: Parcel, entry: Artifact) -> None:
        """Note that it has arrived, and remove it from the spool."""
        ...

    def lose(self, parcel: Parcel, cause: str, until: float | None = None) -> None:
        """Declare that it is given up, a picture for the time `until` the next one (PTS, s), and remove it."""
        ...
