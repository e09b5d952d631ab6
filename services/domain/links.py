"""Links that expire: made for answers and events, judged when they are followed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from services.domain import signing, times


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An address that works until `expires_at` (RFC 3339)."""

    url: str
    expires_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedLinks:
    """Makes and judges the links under one public address."""

    keyring: signing.Keyring
    public_url: str

    def make(self, key: str, *, life: timedelta, now: datetime) -> Link:
        """Give a link to an object; for HLS it opens the channel's whole prefix."""
        expires = math.ceil((now + life).timestamp())  # in whole seconds, and not before `life` is over
        token = signing.sign_link(self.keyring, key=key, expires=expires)
        return Link(url=f"{self.public_url}/p/{token}/{quote(key)}", expires_at=times.text(times.utc(expires)))

    def judge(self, token: str, key: str, *, now: datetime) -> str:
        """Judge a token against the key asked for: `ok`, `malformed`, `wrong` or `expired`."""
        return signing.verify_link(self.keyring, token=token, key=key, now=now.timestamp())

    def added(self, data: Mapping[str, Any], *, life: timedelta, now: datetime) -> dict[str, Any]:
        """Give the links that an event's data lacks: to its own `key`, and to that of each of its `sizes`."""
        if "key" not in data:
            return {}
        sizes = [each | self._link(each["key"], life, now) for each in data.get("sizes", ())]
        return self._link(data["key"], life, now) | ({"sizes": sizes} if sizes else {})

    def _link(self, key: str, life: timedelta, now: datetime) -> dict[str, Any]:
        link = self.make(key, life=life, now=now)
        return {"url": link.url, "expires_at": link.expires_at}
