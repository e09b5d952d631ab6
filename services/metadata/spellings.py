"""The names a field may come under: the older system's, and those of features that are not built yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OLDER_OF: Mapping[str, str] = {
    "name": "videoname",
    "is_image": "isImage",
    "is_video": "isVideo",
    "is_hls": "isHls",
    "is_on_demand": "isOnDemand",
}
CURRENT_OF: Mapping[str, str] = {older: current for current, older in OLDER_OF.items()}

_DESIGNED = """
    image_format allowed_cidrs
    is_flv is_cmaf is_motion is_codec is_relay is_watermark renditions watermark relays
"""
_OLDER = """
    isFlv isCMAF isMotion isCodec isRelay isWaterMark isImageWaterMark isCluster isRtmps
    ondemand_time ondemand_list_size motion_percent motion_diff motion_duration motion_timeout
    WaterMarkText WaterMarkFontSize WaterMarkFontColor WaterMarkTop WaterMarkLeft ImageURL ImageWidth ImageHeight
    codec ld sd hd ud relayURL masterSize recordSize codecSize slaveSize clusterNumber logLevel
"""
NOT_BUILT = frozenset(_DESIGNED.split()) | frozenset(_OLDER.split())

# What answers hold and nobody sets; the older console sends a whole item back when it saves one.
_ANSWERED = """
    id key TimeStamp state state_reason pulling publish playback session version created_at updated_at warnings
"""
READ_ONLY = frozenset(_ANSWERED.split())


def is_off(value: Any) -> bool:  # noqa: ANN401 - whatever JSON holds
    """Say whether a feature's field asks for nothing: false, "false", null, empty, or a map of such."""
    if isinstance(value, str):
        return value.strip().lower() in ("", "false")
    if isinstance(value, dict):
        return all(is_off(each) for each in value.values())
    return value is None or value is False or value == []
