"""Answers that a client may have already: ETag, Last-Modified, and 304."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus

from fastapi import Request, Response


def content_answer(
    request: Request,
    body: bytes,
    *,
    etag: str,
    media_type: str,
    headers: Mapping[str, str],
    modified: datetime | None = None,
) -> Response:
    """Give `body`, or 304 to who has it; `etag` is without its quotes. HEAD is answered by the headers alone."""
    told = {**headers, "ETag": f'"{etag}"'}
    if modified is not None:
        told["Last-Modified"] = format_datetime(modified.astimezone(UTC), usegmt=True)
    if _has(request.headers, etag, modified):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=told)
    return Response(body, media_type=media_type, headers=told)


def _has(asked: Mapping[str, str], etag: str, modified: datetime | None) -> bool:
    """Say whether a client has this content: by its tag or, where it names none, by the second of its change."""
    tags = asked.get("if-none-match")
    if tags is not None:
        known = {tag.strip().removeprefix("W/").strip('"') for tag in tags.split(",")}
        return etag in known or "*" in known
    since = asked.get("if-modified-since")
    if since is None or modified is None:
        return False
    try:
        known_at = parsedate_to_datetime(since)
    except ValueError:
        return False  # what cannot be read is no condition
    if known_at.tzinfo is None:
        known_at = known_at.replace(tzinfo=UTC)
    return modified.replace(microsecond=0) <= known_at
