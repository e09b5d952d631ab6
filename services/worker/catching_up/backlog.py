"""The gateway's backlog, asked over its private port."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from services.domain.secrets import Secret
from services.worker.catching_up.stretch import Listed

if TYPE_CHECKING:
    import httpx

log = structlog.get_logger()

ANSWER_SECONDS = 3.0
"""How long the gateway may be silent."""
AFTER_SECONDS = 2.0
"""The most that a gateway is left alone because it asks for it."""
LIST_BYTES = 1024 * 1024
FETCH_BYTES = 1024**3
"""The most that is fetched: 120 s at 70 Mb/s."""


PASSING = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
"""What a gateway answers that will have a backlog soon; any other error it will answer again."""


class NoBacklog(Exception):
    """The gateway has none, or cannot be asked; where that `is_passing` it may be asked again.

    `is_answer` says that the gateway lives, and `after` how long (s) it wants to be left alone.
    """

    def __init__(self, why: str, *, is_passing: bool = False, is_answer: bool = False, after: float = 0.0) -> None:
        """Say why."""
        super().__init__(why)
        self.is_passing = is_passing
        self.is_answer = is_answer
        self.after = after


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """The backlog of one channel at one gateway."""

    http: httpx.AsyncClient
    url: str

    async def files(self) -> Sequence[Listed]:
        """Give what there is, oldest first; raise NoBacklog."""
        import httpx  # noqa: PLC0415 - late, most workers need none of it

        try:
            answer = await self.http.get(self.url)
            answer.raise_for_status()
            return [_listed(item) for item in answer.json()["files"]]
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, AttributeError) as error:
            raise _no_backlog(error) from error

    async def fetch(self, file: Listed, target: Path, limit: int) -> int | None:
        """Fetch a file as it is now and give its bytes; None: it is gone. Raise NoBacklog, or over `limit` bytes."""
        import httpx  # noqa: PLC0415 - see above

        got = 0
        try:
            async with self.http.stream("GET", f"{self.url}/{file.name}") as answer:
                if answer.status_code == HTTPStatus.NOT_FOUND:
                    return None
                answer.raise_for_status()
                with target.open("wb") as into:
                    async for data in answer.aiter_bytes(256 * 1024):
                        got += len(data)
                        if got > limit:
                            raise NoBacklog(f"more than {limit} bytes")
                        into.write(data)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise _no_backlog(error) from error
        return got


@asynccontextmanager
async def opened(control_url: str, channel_id: str, token: Secret) -> AsyncIterator[Backlog]:
    """Give a gateway's backlog of a channel while the block runs."""
    import httpx  # noqa: PLC0415 - see above

    headers = {"Authorization": f"Bearer {token.reveal()}"}
    no_authorities = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the port is a private one; to read them takes 20 ms
    async with httpx.AsyncClient(
        timeout=ANSWER_SECONDS, trust_env=False, headers=headers, verify=no_authorities
    ) as http:
        yield Backlog(http=http, url=f"{control_url}/backlog/{channel_id}")


def _no_backlog(error: Exception) -> NoBacklog:
    """Say whether it may be otherwise in a moment: the gateway begins just now, is busy, or waits for state."""
    import httpx  # noqa: PLC0415 - see above

    if not isinstance(error, httpx.HTTPStatusError):
        return NoBacklog(repr(error), is_passing=isinstance(error, httpx.TransportError))
    is_passing = error.response.status_code in PASSING
    after = error.response.headers.get("retry-after", "")
    seconds = float(after) if after.isascii() and after.isdigit() else 0.0  # it may be a date as well
    return NoBacklog(repr(error), is_passing=is_passing, is_answer=True, after=min(seconds, AFTER_SECONDS))


def _listed(item: dict[str, Any]) -> Listed:
    gateway, client_id = item.get("gateway"), item.get("client_id")
    step = item.get("step_ms")
    name = str(item["name"])
    if "/" in name or name.startswith("."):
        raise ValueError(f"{name!r} is no name of a file")
    return Listed(
        name=name,
        bytes=int(item["bytes"]),
        began_at=float(item["began_at"]),
        ended_at=float(item["ended_at"]),
        connection=None if gateway is None or client_id is None else (str(gateway), str(client_id)),
        step_ms=None if step is None else int(step),
    )


async def fetched(
    backlog: Backlog, files: Sequence[Listed], folder: Path, known: dict[str, tuple[Listed, Path]]
) -> list[tuple[Listed, Path]]:
    """Fetch what is not known whole already, into `folder`; give all that there is, oldest first. Raise NoBacklog."""
    left = FETCH_BYTES
    for file in files:
        before = known.get(file.name)
        if before is None or before[0].bytes != file.bytes:
            path = folder / file.name
            got = await backlog.fetch(file, path, left)
            if got is None:
                known.pop(file.name, None)
                continue
            known[file.name] = (file, path)
        left -= file.bytes
    return [known[file.name] for file in files if file.name in known]


def remove(folder: Path) -> None:
    """Remove what was fetched."""
    shutil.rmtree(folder, ignore_errors=True)


def remove_earlier(folder: Path, epoch: int) -> None:
    """Remove what workers of earlier epochs had fetched when they were killed; `folder` is the session's."""
    for path in folder.glob("backlog-e*"):
        if path.name < f"backlog-e{epoch:04d}":
            remove(path)
