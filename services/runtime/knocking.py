"""Whether a port takes connections."""

from __future__ import annotations

import asyncio
import contextlib


async def knock(host: str, port: int) -> None:
    """Connect and leave again; raise OSError if nothing takes the connection."""
    _reader, writer = await asyncio.open_connection(host, port)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()  # or a loop that ends now leaves the socket open
