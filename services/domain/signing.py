"""Signatures of stream keys and of links: HMAC-SHA256 with secrets made at deploy time."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from services.domain.secrets import Secret

_EPOCH_DIGITS = 12  # far past any date
_HEX_DIGITS = 32  # 128 bits of the MAC: short enough to paste, far too long to guess


def _mac(secret: Secret, message: str) -> str:
    return hmac.new(secret.reveal().encode(), _encoded(message), hashlib.sha256).hexdigest()[:_HEX_DIGITS]


def _same(ours: str, given: str) -> bool:
    return hmac.compare_digest(_encoded(ours), _encoded(given))


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogatepass")  # text from outside may be no Unicode, and is judged all the same


def _split(token: str) -> tuple[int, str] | None:
    """Split `<exp>-<mac>`, or give None where it is not of that form."""
    expires, dash, mac = token.partition("-")
    if not dash or not expires.isascii() or not expires.isdigit() or len(expires) > _EPOCH_DIGITS:
        return None
    return int(expires), mac


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """The secrets in force, by id; the first signs, all verify (two during a rotation)."""

    secrets: Mapping[str, Secret]

    def __post_init__(self) -> None:
        """Refuse an empty ring: it would verify nothing and sign with nothing."""
        if not self.secrets:
            message = "a keyring needs at least one secret"
            raise ValueError(message)

    @property
    def signer(self) -> str:
        """The id of the secret that signs new keys."""
        return next(iter(self.secrets))

    @classmethod
    def parse(cls, spelled: Secret) -> Keyring:
        """Read `id:secret[,id:secret]`, the form of the setting; the first signs."""
        pairs = [part.strip().partition(":") for part in spelled.reveal().split(",")]
        if any(not key_id or not value for key_id, _, value in pairs):
            message = "secrets are spelled id:secret[,id:secret]"
            raise ValueError(message)
        if len({key_id for key_id, _, _ in pairs}) < len(pairs):
            message = "each secret has an id of its own"
            raise ValueError(message)
        return cls(secrets={key_id: Secret(value) for key_id, _, value in pairs})


def _publish_message(channel_id: str, expires: int, key_version: int) -> str:
    return f"/stream/{channel_id}\n{expires}\n{key_version}"


def sign_publish(keyring: Keyring, *, key_id: str, channel_id: str, expires: int, key_version: int) -> str:
    """Give the `sign` value `<exp>-<hash>` of a channel's stream key.

    `expires` is an epoch in seconds. A `key_id` that has left the ring falls back to the ring's signer,
    so that the key shown always works.
    """
    secret = keyring.secrets.get(key_id) or keyring.secrets[keyring.signer]
    return f"{expires}-{_mac(secret, _publish_message(channel_id, expires, key_version))}"


def verify_publish(keyring: Keyring, *, sign: str, channel_id: str, key_version: int, now: float) -> str:
    """Judge a publisher's `sign`: `ok`, `malformed`, `wrong` or `expired`."""
    parts = _split(sign)
    if parts is None:
        return "malformed"
    expires, given = parts
    message = _publish_message(channel_id, expires, key_version)
    if not any(_same(_mac(secret, message), given) for secret in keyring.secrets.values()):
        return "wrong"
    return "ok" if now < expires else "expired"


def _link_scope(key: str) -> str:
    """Give what a link to `key` opens: the key itself or, for HLS, its channel's whole prefix."""
    if key.startswith("hls/"):
        return "/".join(key.split("/")[:2]) + "/"
    return key


def _link_message(key: str, expires: int) -> str:
    return f"{expires}\n{_link_scope(key)}"


def sign_link(keyring: Keyring, *, key: str, expires: int) -> str:
    """Give the `<exp>-<mac>` of a link to `key` (a prefix `hls/<channel>/` for HLS) until `expires` (epoch, s)."""
    secret = keyring.secrets[keyring.signer]
    return f"{expires}-{_mac(secret, _link_message(key, expires))}"


def verify_link(keyring: Keyring, *, token: str, key: str, now: float) -> str:
    """Judge a link's token against the key asked for: `ok`, `malformed`, `wrong` or `expired`."""
    parts = _split(token)
    if parts is None:
        return "malformed"
    expires, given = parts
    message = _link_message(key, expires)
    if not any(_same(_mac(secret, message), given) for secret in keyring.secrets.values()):
        return "wrong"
    return "ok" if now < expires else "expired"
