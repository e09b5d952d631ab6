"""Settings of the metadata service."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from services.domain.secrets import Secret
from services.domain.signing import Keyring
from services.runtime.setting_types import (
    MIN_FREE_BYTES,
    MinFreeBytes,
    SpelledKeyring,
    SpelledNetworks,
    Token,
    keyring,
    without_slash,
)
from services.runtime.storage_settings import StorageSettings

HttpUrl = Annotated[str, Field(pattern=r"^https?://[^\s/]+"), AfterValidator(without_slash)]
RtmpUrl = Annotated[str, Field(pattern=r"^rtmps?://[^\s/]+/\S+"), AfterValidator(without_slash)]


class MetadataSettings(StorageSettings):
    """What the metadata service reads.

    `public_url` begins every link and `rtmp_url` every publish address; `callback_url` is the callback app's private
    address, spoken to with `internal_token`. Secrets are spelled `id:secret[,id:secret]`, the first signs.
    Below `min_free_bytes` of free disk the service is not ready. `sink_names` are the names that channels may give in
    `sinks`, `a,b`: those of the dispatcher's STREAMKEEP_SINKS. Into `allowed_networks` sources
    and channels' webhooks may lead besides public addresses, as those who connect to them are told too; `grabs_at_once`
    sources of single pictures are asked at a time, by a program here or, if it is named, by the Lambda function
    `grabber_function`. `seed_channel` is the id of a
    channel that shall exist when the service starts.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)
    token: Token
    publish_secrets: SpelledKeyring
    link_secrets: SpelledKeyring
    public_url: HttpUrl = "http://127.0.0.1:8000"
    rtmp_url: RtmpUrl = "rtmp://127.0.0.1:1935/stream"
    callback_url: HttpUrl = "http://127.0.0.1:8002"
    internal_token: Token
    min_free_bytes: MinFreeBytes = MIN_FREE_BYTES
    events: bool = True
    sink_names: str = Field(default="", pattern=r"^[A-Za-z0-9_,-]*$")
    allowed_networks: SpelledNetworks = ""
    grabs_at_once: int = Field(default=4, ge=1, le=64)
    grabber_function: str | None = Field(default=None, pattern=r"^[A-Za-z0-9:_-]{1,170}$")
    seed_channel: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")

    @property
    def known_sinks(self) -> frozenset[str]:
        """The names of the deployment's sinks."""
        return frozenset(filter(None, self.sink_names.split(",")))

    @property
    def admin_token(self) -> Secret:
        """The bearer token of the API."""
        return Secret(self.token.get_secret_value())

    @property
    def private_token(self) -> Secret:
        """The bearer token of private calls."""
        return Secret(self.internal_token.get_secret_value())

    @property
    def publish_keyring(self) -> Keyring:
        """The secrets of stream keys."""
        return keyring(self.publish_secrets)

    @property
    def link_keyring(self) -> Keyring:
        """The secrets of links."""
        return keyring(self.link_secrets)
