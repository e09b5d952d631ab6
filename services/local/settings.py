"""What a user may set for the one-machine stack."""

from __future__ import annotations

from typing import Literal

from services.runtime.setting_types import MIN_FREE_BYTES, MinFreeBytes, Token
from services.runtime.settings import Settings


class LocalSettings(Settings):
    """The stack's settings.

    `token` is the admin token (made and kept when absent); `rtmp_host` 0.0.0.0 lets other machines publish;
    below `min_free_bytes` of free disk nothing is started.
    """

    log_format: Literal["console", "json"] = "console"
    token: Token | None = None
    rtmp_host: Literal["127.0.0.1", "0.0.0.0"] = "127.0.0.1"  # noqa: S104 - only when asked for
    min_free_bytes: MinFreeBytes = MIN_FREE_BYTES
