"""Settings of the dispatcher."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from services.domain import subscriber_list
from services.domain.signing import Keyring
from services.domain.subscriber import Subscriber
from services.runtime.setting_types import SpelledKeyring, SpelledNetworks, keyring, without_slash
from services.runtime.sink_settings import GIVE_UP_SECONDS, GiveUpSeconds, SpelledSinks
from services.runtime.storage_settings import StorageSettings

HttpUrl = Annotated[str, Field(pattern=r"^https?://[^\s/]+"), AfterValidator(without_slash)]


class DispatcherSettings(StorageSettings):
    """What the dispatcher reads; `_seconds` say their unit.

    `sinks` are the deployment's, spelled as docs/events.md says. `link_secrets` and `public_url` make the links in
    events, which live for `link_seconds`. An event is given up `give_up_seconds` after its happening, one that a sink
    refuses after `refused_tries`. Channels' own webhooks reach public addresses, and those in `allowed_networks`.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8003, ge=0, le=65_535)
    sinks: SpelledSinks = SecretStr("")
    link_secrets: SpelledKeyring
    public_url: HttpUrl = "http://127.0.0.1:8000"
    link_seconds: int = Field(default=3_600, ge=1, le=604_800)
    give_up_seconds: GiveUpSeconds = GIVE_UP_SECONDS
    refused_tries: int = Field(default=3, ge=1, le=20)
    poll_seconds: float | None = Field(default=None, gt=0, le=60)
    allowed_networks: SpelledNetworks = ""

    @property
    def subscribers(self) -> tuple[Subscriber, ...]:
        """The deployment's sinks."""
        return subscriber_list.parse(self.sinks.get_secret_value())

    @property
    def link_keyring(self) -> Keyring:
        """The secrets of links."""
        return keyring(self.link_secrets)

    @property
    def usual_poll_seconds(self) -> float:
        """How often the outbox is looked at unless it is set: each look at DynamoDB is paid for."""
        return self.poll_seconds or (1.0 if self.state == "dynamodb" else 0.25)

    @property
    def term(self) -> timedelta:
        """How long the lease lasts: another machine takes over so long after this one has vanished."""
        return timedelta(seconds=60 if self.state == "dynamodb" else 30)
