"""A channel's newest picture: latest.jpg says itself what it is, before any manifest lists it."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from services.domain import keys
from services.domain.artifact import Artifact, Kind
from services.domain.errors import ObjectNotFound, PictureNotFound
from services.domain.ports import ObjectStore, SessionStore
from services.metadata.media_pages import MediaShelf
from services.metadata.picture_facts import described
from services.metadata.stored_size import stored_size
from services.metadata.time_window import TimeWindow

CHANNELS_KEPT = 1_000
TRUSTED_SECONDS = 2.0
"""A picture that was there is not looked for again so soon: each look is a request to the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What latest.jpg `told` of itself when it had this tag, and the newest picture that `lay` under its own key.

    `until` is when that has to be looked for again (monotonic, s).
    """

    etag: str
    told: Artifact | None
    lay: Artifact | None
    until: float = 0.0


@dataclass(slots=True, kw_only=True)
class NewestPictures:
    """Finds channels' newest pictures; any thread may ask."""

    objects: ObjectStore
    sessions: SessionStore
    _seen: OrderedDict[str, _Seen] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, channel_id: str) -> Artifact:
        """Give the newest picture that lies in the store under its own key; raise PictureNotFound.

        latest.jpg is written beside that one and may be there first: then what was found before is given again.
        """
        seen = self._look(channel_id)
        if seen.told is not None and seen.told is seen.lay and time.monotonic() < seen.until:
            return seen.told
        if seen.told is not None and self._is_there(seen.told):
            until = time.monotonic() + TRUSTED_SECONDS
            self._keep(channel_id, _Seen(etag=seen.etag, told=seen.told, lay=seen.told, until=until))
            return seen.told
        lay = seen.lay if seen.lay is not None and self._is_there(seen.lay) else None
        known = [each for each in (lay, self._listed(channel_id)) if each is not None]
        if not known:
            raise PictureNotFound
        newest = max(known, key=lambda each: each.captured_at)
        self._keep(channel_id, _Seen(etag=seen.etag, told=seen.told, lay=newest))
        return newest

    def _look(self, channel_id: str) -> _Seen:
        """Read latest.jpg; what it says is read out of it only once."""
        before = self._seen.get(channel_id)
        lay = None if before is None else before.lay
        try:
            stored = self.objects.read(keys.latest_snapshot(channel_id))
        except ObjectNotFound:
            return _Seen(etag="", told=None, lay=lay)
        if before is not None and before.etag == stored.etag:
            return before
        return _Seen(etag=stored.etag, told=described(channel_id, stored.body), lay=lay)

    def _is_there(self, artifact: Artifact) -> bool:
        """Say whether a picture lies under its key, as it tells of itself."""
        try:
            return stored_size(self.objects, artifact.key) == artifact.bytes
        except ObjectNotFound:
            return False

    def _listed(self, channel_id: str) -> Artifact | None:
        """Give the newest that a manifest lists, which may be some seconds behind."""
        shelf = MediaShelf(
            sessions=self.sessions,
            objects=self.objects,
            channel_id=channel_id,
            kind=Kind.SNAPSHOT,
            window=TimeWindow(),
        )
        return next(iter(shelf.page(1, ()).items), None)

    def _keep(self, channel_id: str, seen: _Seen) -> None:
        with self._lock:
            self._seen[channel_id] = seen
            self._seen.move_to_end(channel_id)
            if len(self._seen) > CHANNELS_KEPT:
                self._seen.popitem(last=False)
