"""How large an object is, without reading it."""

from __future__ import annotations

from services.domain.errors import ObjectNotFound
from services.domain.ports import LocalFile, ObjectStore

_PROBE_SECONDS = 1  # of an address that nobody opens


def stored_size(objects: ObjectStore, key: str) -> int:
    """Give an object's bytes; raise ObjectNotFound."""
    place = objects.locate(key, seconds=_PROBE_SECONDS)
    if not isinstance(place, LocalFile):
        return place.bytes
    try:
        return place.path.stat().st_size
    except FileNotFoundError:
        raise ObjectNotFound from None
