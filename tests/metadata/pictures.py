"""Pictures to test with: JPEGs that say of themselves what a worker's do, stored as it stores them."""

from __future__ import annotations

import hashlib
import io
from datetime import datetime
from pathlib import Path

from PIL import Image

from services.domain import keys, picture_note
from services.domain.artifact import Artifact, Kind, Rendition
from services.domain.errors import ObjectNotFound
from services.domain.session import Session
from services.worker.pictures.exif import stamped
from tests.metadata.broadcasts import store
from tests.metadata.running import Running

WIDTH, HEIGHT = 320, 180


def jpeg(width: int = WIDTH, height: int = HEIGHT, grey: int = 128) -> bytes:
    body = io.BytesIO()
    Image.new("RGB", (width, height), (grey, grey, grey)).save(body, "JPEG")
    return body.getvalue()


def shot(session: Session, at: datetime, flags: tuple[str, ...] = (), widths: tuple[int, ...] = ()) -> bytes:
    """Give a picture of a session, made together with others in these widths."""
    sizes = [(width, width * HEIGHT // WIDTH, jpeg(width, width * HEIGHT // WIDTH)) for width in widths]
    note = picture_note.encoded(flags, "ab" * 16, sizes)
    return stamped(jpeg(grey=at.microsecond // 4_000), at, session.id, note)


def stored(service: Running, folder: Path, session: Session, at: datetime, body: bytes) -> Artifact:
    """Store a picture under its own key and give its entry."""
    key = keys.dated(Kind.SNAPSHOT, session.channel_id, session.id, at)
    store(service, folder, key, body)
    return Artifact(
        kind=Kind.SNAPSHOT,
        key=key,
        captured_at=at,
        bytes=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        part=0,
        width=WIDTH,
        height=HEIGHT,
    )


def rendition(service: Running, folder: Path, key: str, width: int) -> Rendition:
    """Store a picture's other size."""
    body = jpeg(width, width * HEIGHT // WIDTH)
    sized = store(service, folder, keys.resized(key, width), body)
    digest = hashlib.sha256(body).hexdigest()
    return Rendition(key=sized, width=width, height=width * HEIGHT // WIDTH, bytes=len(body), sha256=digest)


def show(service: Running, session: Session, body: bytes) -> None:
    """Make a picture latest.jpg."""
    key = keys.latest_snapshot(session.channel_id)
    try:
        etag = service.objects.read(key).etag
    except ObjectNotFound:
        etag = None
    service.objects.replace(key, body, etag=etag)
