"""A file of the store as an answer, by ranges where the viewer asks for one."""

from __future__ import annotations

from http import HTTPStatus

from starlette.responses import FileResponse, Response
from starlette.types import Message, Receive, Scope, Send

from services.metadata.problem import Problem

_REFUSALS = {
    HTTPStatus.BAD_REQUEST: "the Range header is malformed; for example Range: bytes=0-1023",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: "the range lies outside the object; Content-Range gives its length",
}


class ObjectFile(FileResponse):
    """Starlette's file answer, whose refusals of a range are problems like all others."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, a part of it, or the refusal."""
        refused: Message | None = None

        async def send_or_hold(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] in _REFUSALS:
                refused = message
            elif refused is None:
                await send(message)

        await super().__call__(scope, receive, send_or_hold)
        if refused is not None:
            await _refusal(refused)(scope, receive, send)


def _refusal(start: Message) -> Response:
    headers = dict(start["headers"])
    length = headers.get(b"content-range")
    problem = Problem(
        start["status"],
        _REFUSALS[start["status"]],
        headers={"Content-Range": length.decode()} if length else {},
    )
    return problem.response()
