"""An object that changes in place: written only over what this worker wrote last."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from services.domain.errors import ObjectChanged, ObjectNotFound
from services.domain.ports import ObjectStore


class InPlace:
    """One key under If-Match.

    The first write takes over whatever an earlier session or worker left. A later write that finds something else there
    asks `still_ours`, which raises LeaseLost if a newer worker is at it, and only then takes over again.
    """

    def __init__(
        self,
        store: ObjectStore,
        key: str,
        still_ours: Callable[[], Awaitable[None]],
        thread: Callable[[Callable[[], Any]], Awaitable[Any]] = asyncio.to_thread,
    ) -> None:
        """Write to `key`, each call to the store by way of `thread`."""
        self.key = key
        self._store = store
        self._thread = thread
        self._still_ours = still_ours
        self._etag: str | None = None
        self._is_known = False

    async def write(self, body: bytes, metadata: Mapping[str, str] | None = None) -> None:
        """Store `body`; raise LeaseLost instead of overwriting a newer worker's."""
        if not self._is_known:
            await self._still_ours()
            await self._learn()
        try:
            await self._replace(body, metadata)
        except ObjectChanged:
            await self._still_ours()
            await self._learn()
            await self._replace(body, metadata)

    async def _replace(self, body: bytes, metadata: Mapping[str, str] | None) -> None:
        replace = partial(self._store.replace, self.key, body, etag=self._etag, metadata=metadata)
        self._etag = await self._thread(replace)

    async def _learn(self) -> None:
        try:
            self._etag = (await self._thread(partial(self._store.read, self.key))).etag
        except ObjectNotFound:
            self._etag = None
        self._is_known = True
