"""A channel's own webhook, besides the names of the deployment's sinks in the channel's field `sinks`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.domain.errors import InvalidInput
from services.domain.secrets import Secret
from services.domain.subscriber import NAME, Subscriber, require_events, require_secret, require_webhook_url

SINKS_MAX = 20  # entries of one channel
WEBHOOKS_MAX = 5
_NO_SECRET = Secret("")
_DIGITS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address that is told of one channel's events, of all types if `events` is empty.

    Of what a caller sends, a `secret` of None keeps the one that is stored for the address, an empty one removes it.
    """

    url: str
    secret: Secret | None = None
    events: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what could not be used."""
        require_webhook_url(self.url)
        require_events(self.events)
        if self.secret is not None and self.secret != _NO_SECRET:
            require_secret(self.secret)

    def name(self, channel_id: str) -> str:
        """Give the name under which it stands in dead letters and the log; nobody else's is the same."""
        return f"{channel_id}.{hashlib.sha256(self.url.encode()).hexdigest()[:_DIGITS]}"

    def subscriber(self, channel_id: str) -> Subscriber:
        """Give it as one of those that are told."""
        secrets = () if self.secret is None else (self.secret,)
        return Subscriber(name=self.name(channel_id), url=self.url, secrets=secrets, events=self.events, is_own=True)


Sinks = tuple[str | Webhook, ...] | None
"""Whom a channel tells: None is all sinks of the deployment, text the name of one."""


def require_sinks(sinks: Sinks) -> None:
    """Raise InvalidInput naming `sinks` if there are too many, or one twice."""
    if sinks is None:
        return
    if len(sinks) > SINKS_MAX or sum(isinstance(each, Webhook) for each in sinks) > WEBHOOKS_MAX:
        raise InvalidInput("sinks", f"at most {SINKS_MAX} entries, {WEBHOOKS_MAX} of them webhooks of its own")
    if any(isinstance(each, str) and not NAME.fullmatch(each) for each in sinks):
        raise InvalidInput("sinks", "a name is 1 to 40 letters, digits, _ and -")
    places = [each.url if isinstance(each, Webhook) else each for each in sinks]
    if len(set(places)) < len(places):
        raise InvalidInput("sinks", "each name and each address once")


def with_kept_secrets(sinks: Sinks, stored: Sinks) -> Sinks:
    """Give what a caller sent with the secrets that are to stay as they are."""
    if sinks is None:
        return None
    kept = {each.url: each.secret for each in stored or () if isinstance(each, Webhook)}
    return tuple(_with_secret(each, kept) if isinstance(each, Webhook) else each for each in sinks)


def _with_secret(webhook: Webhook, kept: Mapping[str, Secret | None]) -> Webhook:
    secret = kept.get(webhook.url) if webhook.secret is None else webhook.secret
    return replace(webhook, secret=None if secret == _NO_SECRET else secret)


def sinks_record(sinks: Sinks) -> list[Any] | None:
    """Give whom a channel tells as JSON values, secrets included."""
    return None if sinks is None else [_webhook_record(each) if isinstance(each, Webhook) else each for each in sinks]


def _webhook_record(webhook: Webhook) -> dict[str, Any]:
    secret = None if webhook.secret is None else webhook.secret.reveal()
    return {"url": webhook.url, "secret": secret, "events": list(webhook.events)}


def sinks_from_record(record: Sequence[Any] | None) -> Sinks:
    """Read whom a channel tells; raise ValueError for what is no webhook."""
    return None if record is None else tuple(each if isinstance(each, str) else _webhook(each) for each in record)


def _webhook(record: Mapping[str, Any]) -> Webhook:
    secret = record.get("secret")
    return Webhook(
        url=record["url"],
        secret=None if secret is None else Secret(secret),
        events=tuple(record.get("events") or ()),
    )


def sinks_view(sinks: Sinks, channel_id: str) -> list[Any] | None:
    """Give whom a channel tells as its answer shows it: a secret is never shown again."""
    if sinks is None:
        return None
    return [_webhook_view(each, channel_id) if isinstance(each, Webhook) else each for each in sinks]


def _webhook_view(webhook: Webhook, channel_id: str) -> dict[str, Any]:
    return {
        "name": webhook.name(channel_id),
        "url": webhook.url,
        "events": list(webhook.events),
        "signed": webhook.secret is not None,
    }
