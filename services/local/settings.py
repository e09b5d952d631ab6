"""What a user may set for the one-machine stack."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, field_validator

from services.runtime.settings import Settings


class LocalSettings(Settings):
    """The stack's settings.

    `token` is the admin token (made and kept when absent); `rtmp_host` 0.0.0.0 lets other machines publish;
    below `min_free_bytes` of free disk nothing is started.
    """

    log_format: Literal["console", "json"] = "console"
    token: SecretStr | None = None
    rtmp_host: Literal["127.0.0.1", "0.0.0.0"] = "127.0.0.1"  # noqa: S104 - only when asked for
    min_free_bytes: int = Field(default=512 * 1024 * 1024, ge=0)

    @field_validator("token")
    @classmethod
    def _fits_a_header(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None:
            text = token.get_secret_value()
            if not text or not all("!" <= letter <= "~" for letter in text):
                raise ValueError("a token is one or more visible ASCII characters, without spaces")
        return token
