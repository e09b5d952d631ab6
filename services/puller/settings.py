"""The settings of the program that fetches a channel's source."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from services.domain.addresses import Network, networks
from services.domain.signing import Keyring
from services.runtime.setting_types import SpelledKeyring, SpelledNetworks, keyring
from services.runtime.storage_settings import StorageSettings


class PullerSettings(StorageSettings):
    """The channel comes on the command line; `publish_url` is our own gateway's application.

    `publish_secrets` sign the stream key that is published with; into `allowed_networks` sources may lead besides
    public addresses.
    """

    publish_url: str = "rtmp://127.0.0.1:1935/stream"
    publish_secrets: SpelledKeyring
    allowed_networks: SpelledNetworks = ""
    reread_seconds: float | None = Field(default=None, gt=0, le=60)
    lease_seconds: float | None = Field(default=None, ge=3, le=300)

    @property
    def keyring(self) -> Keyring:
        """The secrets that sign stream keys."""
        return keyring(self.publish_secrets)

    @property
    def networks(self) -> tuple[Network, ...]:
        """Where sources may lead besides public addresses."""
        return networks(self.allowed_networks)

    @property
    def usual_reread_seconds(self) -> float:
        """How often state is read: another source is fetched within 3 s; in DynamoDB a reading costs money."""
        return self.reread_seconds or (2.0 if self.state == "dynamodb" else 1.0)

    @property
    def lease_ttl(self) -> timedelta:
        """How long the right to fetch lasts without a renewal."""
        return timedelta(seconds=self.lease_seconds or self.usual_lease_seconds)
