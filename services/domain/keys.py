"""Object keys: encoded from a capture time and decoded back, zero-padded so that listing order is time order."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from services.domain.artifact import Kind

_STAMP = "%Y%m%dT%H%M%S"
_FOLDERS = {Kind.SNAPSHOT: ("snapshots", "jpg"), Kind.RECORDING: ("recordings", "mp4")}

MEDIA_TYPES = {
    "jpg": "image/jpeg",
    "mp4": "video/mp4",
    "ts": "video/mp2t",
    "m3u8": "application/vnd.apple.mpegurl",
    "json": "application/json",
    "vtt": "text/vtt",
}


def media_type(key: str) -> str:
    """Give the content type of an object, from its key's ending."""
    return MEDIA_TYPES.get(key.rpartition(".")[2], "application/octet-stream")


def cache_control(key: str) -> str:
    """Give how long an object may be cached: what changes in place not at all, media a year."""
    changes = key.endswith((".m3u8", ".json", ".vtt", "/latest.jpg")) or "/sprite-" in key
    return "no-cache" if changes else "private, max-age=31536000, immutable"


def file_name(key: str) -> str:
    """Give the name under which a viewer saves an object: `<channel>-<last part of the key>`, letters that all take."""
    parts = key.split("/")
    return re.sub(r"[^A-Za-z0-9._-]", "_", f"{parts[1]}-{parts[-1]}" if len(parts) > 1 else key)


def dated(kind: Kind, channel_id: str, session_id: str, captured_at: datetime) -> str:
    """Give the key of a snapshot or a recording that begins at `captured_at`."""
    moment = captured_at.astimezone(UTC)
    folder, ending = _FOLDERS[kind]
    stamp = f"{moment.strftime(_STAMP)}.{moment.microsecond // 1000:03d}Z"
    return f"{dated_folder(folder, channel_id, session_id, moment)}{stamp}.{ending}"


def dated_folder(folder: str, channel_id: str, session_id: str, moment: datetime) -> str:
    """Give what the keys of a session's `snapshots` or `recordings` of one hour begin with."""
    return f"{folder}/{channel_id}/{moment.astimezone(UTC).strftime('%Y/%m/%d/%H')}/{session_id}/"


def hls_folder(channel_id: str, session_id: str) -> str:
    """Give what the keys of a session's segments, whole playlist and sprites begin with."""
    return f"hls/{channel_id}/{session_id}/"


def manifest_folder(channel_id: str, session_id: str) -> str:
    """Give what the keys of a session's manifest begin with."""
    return f"sessions/{channel_id}/{session_id}/"


def resized(key: str, width: int) -> str:
    """Give the key of a dated picture in another width (pixels)."""
    name, _, ending = key.rpartition(".")
    return f"{name}-w{width}.{ending}"


def captured_at(key: str) -> datetime:
    """Give the capture time that a dated key carries; raise ValueError for other keys."""
    stamp = key.rpartition("/")[2].rpartition(".")[0].partition("-")[0]
    return datetime.strptime(stamp, f"{_STAMP}.%fZ").replace(tzinfo=UTC)


def latest_snapshot(channel_id: str) -> str:
    """Give the key of the channel's newest picture, overwritten by each."""
    return f"snapshots/{channel_id}/latest.jpg"


_ADHOC = "snapshots/adhoc/"


def adhoc_snapshot(name: str) -> str:
    """Give the key of a picture of a stream that is no channel's; no channel has the id `adhoc`."""
    return f"{_ADHOC}{name}.jpg"


def is_adhoc(key: str) -> bool:
    """Say whether a key is that of such a picture."""
    return key.startswith(_ADHOC)


def live_playlist(channel_id: str) -> str:
    """Give the key of the channel's live playlist."""
    return f"hls/{channel_id}/live.m3u8"


def vod_playlist(channel_id: str, session_id: str) -> str:
    """Give the key of a session's whole playlist."""
    return f"{hls_folder(channel_id, session_id)}vod.m3u8"


def sprites(channel_id: str, session_id: str, name: str = "sprites.vtt") -> str:
    """Give the key of a session's list of sprites, or of the sheet of this name, beside the whole playlist.

    A link to that playlist is one to them, too.
    """
    return f"{hls_folder(channel_id, session_id)}{name}"


def segment(channel_id: str, session_id: str, media_sequence: int, more: str = "") -> str:
    """Give the key of an HLS segment, with `more` where that of its number is another's."""
    return f"{hls_folder(channel_id, session_id)}{media_sequence:09d}{more and '-'}{more}.ts"


def head(channel_id: str, session_id: str) -> str:
    """Give the key of a session's manifest head."""
    return f"{manifest_folder(channel_id, session_id)}head.json"


def chunk(channel_id: str, session_id: str, number: int) -> str:
    """Give the key of a session's manifest chunk."""
    return f"{manifest_folder(channel_id, session_id)}chunk-{number:06d}.json"
