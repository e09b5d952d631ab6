"""The subscriber: who is told of events, where, and of which."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from services.domain.event import TYPES
from services.domain.secrets import Secret

WEBHOOK, SQS, KAFKA, LOG = "webhook", "sqs", "kafka", "log"
_KINDS = {"https": WEBHOOK, "http": WEBHOOK, "sqs": SQS, "kafka": KAFKA, "log": LOG}

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
URL_MAX = 2_000  # characters
SECRETS_MAX = 2  # the one in force and, during a rotation, the one before
SECRET_PREFIX = "whsec_"  # noqa: S105 - of Standard Webhooks, no secret
SECRET_BYTES = range(24, 65)
SECRET_REMEDY = "is whsec_ and 24 to 64 bytes in base64; make one: echo whsec_$(openssl rand -base64 32)"  # noqa: S105
_VISIBLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """One sink by its name and address.

    Its `secrets` sign what a webhook is sent, all of them; `events` are the types it wants, all if empty; `options`
    are for its library. A channel's `is_own` webhook is an address that a caller of the API gave.
    """

    name: str
    url: str
    secrets: tuple[Secret, ...] = ()
    events: tuple[str, ...] = ()
    options: Mapping[str, Secret] = field(default_factory=dict)
    is_own: bool = False

    @property
    def kind(self) -> str:
        """Name the adapter that its address needs."""
        return _KINDS[self.url.partition(":")[0].lower()]

    def wants(self, event_type: str) -> bool:
        """Say whether it is told of events of a type."""
        return not self.events or event_type in self.events


def require_webhook_url(url: str) -> str:
    """Give a webhook's address back; raise ValueError, saying what it must be."""
    parts = _split(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address that begins with https:// or http:// and names a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must hold no user and no password: everybody who may read the channel would see them")
    if parts.fragment:
        raise ValueError("must have no part after #: it would never be sent")
    return url


def _split(url: str) -> SplitResult:
    if len(url) > URL_MAX or not _VISIBLE.fullmatch(url):
        raise ValueError(f"must be 1 to {URL_MAX:,} visible ASCII characters, without spaces")
    try:
        parts = urlsplit(url)
        known = parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise ValueError("must hold a host and, if any, a port of 1 to 65535")
    return parts


def require_events(types: tuple[str, ...]) -> tuple[str, ...]:
    """Give types of events back; raise ValueError if one is none."""
    unknown = next((each for each in types if each not in TYPES), None)
    if unknown is not None:
        raise ValueError(f"{unknown!r} is no type of an event; known are {', '.join(TYPES)}")
    return types


def require_secret(secret: Secret) -> Secret:
    """Give a webhook's secret back; raise ValueError if it is not of the form of Standard Webhooks."""
    signing_key(secret)
    return secret


def signing_key(secret: Secret) -> bytes:
    """Give the bytes that a secret stands for; raise ValueError."""
    spelled = secret.reveal()
    try:
        key = base64.b64decode(spelled.removeprefix(SECRET_PREFIX), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if not spelled.startswith(SECRET_PREFIX) or len(key) not in SECRET_BYTES:
        raise ValueError(SECRET_REMEDY)
    return key
