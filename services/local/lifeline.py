"""The lifeline: one socket pair that tells every service to stop, and the stack that all of them have."""

from __future__ import annotations

import asyncio
import socket
from typing import Self


class Lifeline:
    """Two ends: the stack holds one, the services and what they start inherit the other.

    When the stack asks for the stop, or dies in any way, their end reads end-of-file; when the last of them is gone,
    the stack's end does.
    """

    def __init__(self) -> None:
        """Open the pair."""
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._ours.close()
        self._theirs.close()

    @property
    def fd(self) -> int:
        """The descriptor a child inherits, under the same number."""
        return self._theirs.fileno()

    def ask_stop(self) -> None:
        """Tell all holders to stop; nobody can be started with the lifeline after this."""
        self._theirs.close()
        self._ours.shutdown(socket.SHUT_WR)

    async def last_holder_gone(self) -> None:
        """Return when nobody holds the other end any more; to be called after `ask_stop`."""
        loop = asyncio.get_running_loop()
        try:
            while await loop.sock_recv(self._ours, 64):
                pass
        except ConnectionResetError:
            return
