"""Links that expire: made for answers, judged when they are followed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from services.domain import signing, times

PLAYBACK_LIFE = timedelta(hours=24)
SNAPSHOT_LIFE = timedelta(minutes=10)
RECORDING_LIFE = timedelta(hours=1)


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
        expires = int((now + life).timestamp())
        token = signing.sign_link(self.keyring, key=key, expires=expires)
        return Link(url=f"{self.public_url}/p/{token}/{quote(key)}", expires_at=times.text(times.utc(expires)))

    def judge(self, token: str, key: str, *, now: datetime) -> str:
        """Judge a token against the key asked for: `ok`, `malformed`, `wrong` or `expired`."""
        return signing.verify_link(self.keyring, token=token, key=key, now=now.timestamp())
