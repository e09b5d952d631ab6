"""What a worker does with the backlog: asks for the list, fetches files, and joins one connection's packets."""

from __future__ import annotations

from typing import Any

import httpx

from services.domain.session import Session
from tests.gateway.world import World
from tests.rtmp import Tag, flv_tags


def as_worker(session: Session) -> dict[str, str]:
    """Give the header that the session's worker shows."""
    return {"Authorization": f"Bearer {session.pull_token.reveal()}"}


def listed(world: World, session: Session) -> list[dict[str, Any]]:
    """Give the list of the session's channel."""
    answer = world.http.get(f"/backlog/{session.channel_id}", headers=as_worker(session))
    assert answer.status_code == 200, answer.text
    files = answer.json()["files"]
    assert isinstance(files, list)
    return files


def fetched(world: World, session: Session, name: str, **headers: str) -> httpx.Response:
    """Ask for a file."""
    return world.http.get(f"/backlog/{session.channel_id}/{name}", headers={**as_worker(session), **headers})


def joined(world: World, session: Session, files: list[dict[str, Any]]) -> list[Tag]:
    """Give the media of files of one connection, all on the time of the first."""
    tags: list[Tag] = []
    since = 0
    for each in files:
        since += each["step_ms"] or 0
        body = fetched(world, session, each["name"]).content[: each["bytes"]]
        tags += (
            Tag(tag.kind, tag.timestamp + since, tag.body)
            for tag in flv_tags(body)
            if not tag.is_header and len(tag.body) > 5
        )
    return tags


def connections(files: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Give the files of each connection."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for each in files:
        found.setdefault((each["gateway"], each["client_id"]), []).append(each)
    return list(found.values())
