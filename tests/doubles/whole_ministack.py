"""ministack's application without its keeping of half an upload: S3 stores a body that is whole, or nothing.

`python -m hypercorn --bind 127.0.0.1:PORT tests.doubles.whole_ministack:app`: the server that ministack itself uses.
"""

from __future__ import annotations

from ministack.app import app as ministack
from starlette.types import Message, Receive, Scope, Send


class CutShort(Exception):
    """The client was gone before it had sent all of a request."""


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request of which all arrives."""
    is_read = scope["type"] != "http"

    async def whole() -> Message:
        nonlocal is_read
        message = await receive()
        if message["type"] == "http.disconnect" and not is_read:
            raise CutShort
        is_read = is_read or not message.get("more_body", False)
        return message

    try:
        await ministack(scope, whole, send)
    except CutShort:
        return  # nobody waits for an answer
