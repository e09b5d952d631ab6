"""What a picture of ours says of itself in its EXIF data: when it was taken, in which session, and what it shows."""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from PIL import ExifTags, Image

from services.domain import keys, picture_note, times
from services.domain.artifact import Artifact, Kind
from services.domain.ids import is_id

_TEXT = b"ASCII\x00\x00\x00"  # how EXIF marks a comment's encoding


def described(channel_id: str, body: bytes) -> Artifact | None:
    """Give the picture as its manifest will list it, None where it does not say enough of itself."""
    try:
        with Image.open(io.BytesIO(body), formats=("JPEG",)) as picture:
            tags = picture.getexif().get_ifd(ExifTags.IFD.Exif)
            width, height = picture.size
        session_id, at = _session(tags), _captured_at(tags)
        key = keys.dated(Kind.SNAPSHOT, channel_id, session_id, at)
        return Artifact(
            kind=Kind.SNAPSHOT,
            key=key,
            captured_at=at,
            bytes=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
            part=0,
            width=width,
            height=height,
            **_judged(tags, key),
        )
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, struct.error):
        return None


def _session(tags: Mapping[int, Any]) -> str:
    session_id = str(tags[ExifTags.Base.ImageUniqueID])
    if not is_id(session_id):
        raise ValueError(session_id)
    return session_id


def _captured_at(tags: Mapping[int, Any]) -> datetime:
    day, _, clock = str(tags[ExifTags.Base.DateTimeOriginal]).partition(" ")
    thousandths = str(tags[ExifTags.Base.SubsecTimeOriginal]).strip("\x00 ")[:3].ljust(3, "0")
    return times.parse(f"{day.replace(':', '-')}T{clock}.{thousandths}{tags[ExifTags.Base.OffsetTimeOriginal]}")


def _judged(tags: Mapping[int, Any], key: str) -> dict[str, Any]:
    """Give what the picture's note tells; one without a note was not judged."""
    comment = tags.get(ExifTags.Base.UserComment, b"")
    return picture_note.decoded(comment.removeprefix(_TEXT).decode(), key) if comment else {}
