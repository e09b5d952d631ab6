"""Types of settings that several services share, each with its own check and message."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from services.domain.addresses import networks
from services.domain.secrets import Secret
from services.domain.signing import Keyring


def _keyring_form(spelled: SecretStr) -> SecretStr:
    Keyring.parse(Secret(spelled.get_secret_value()))
    return spelled


def _header_form(token: SecretStr) -> SecretStr:
    value = token.get_secret_value()
    if not value or not all("!" <= letter <= "~" for letter in value):
        raise ValueError("a token is one or more visible ASCII characters, without spaces")
    return token


def _networks_form(spelled: str) -> str:
    networks(spelled)
    return spelled


def without_slash(url: str) -> str:
    """Give an address without the slash at its end, so that paths can be appended."""
    return url.rstrip("/")


SpelledKeyring = Annotated[SecretStr, AfterValidator(_keyring_form)]
"""Secrets by id, `id:secret[,id:secret]`; the first signs, all verify."""
Token = Annotated[SecretStr, AfterValidator(_header_form)]
"""What stands in an Authorization header."""
SpelledNetworks = Annotated[str, AfterValidator(_networks_form)]
"""Networks in CIDR notation, divided by commas; `domain.addresses.networks` reads them. The setting
`allowed_networks` (STREAMKEEP_ALLOWED_NETWORKS) names those inside into which strangers' addresses may lead."""
MinFreeBytes = Annotated[int, Field(ge=0)]
"""How many bytes of disk must stay free."""
MIN_FREE_BYTES = 512 * 1024 * 1024
SpoolBytes = Annotated[int, Field(ge=1024 * 1024)]
"""How many bytes of one session may wait for the store; over it the oldest are dropped."""
SPOOL_BYTES = 2 * 1024 * 1024 * 1024
"""Ten minutes at 10 Mb/s of all outputs: 750 MB of recordings, 825 MB of segments (MPEG-TS takes up to a tenth more),
360 MB of pictures (one of 300 kB each half second), and 64 KiB for each of some 1,900 files: 2.06 GB of 2.15 GB."""

BacklogSeconds = Annotated[float, Field(ge=0, le=3600)]
"""For how long the gateway keeps what it received, for a worker that comes late; 0 keeps nothing."""
BACKLOG_SECONDS = 120.0
BacklogBytes = Annotated[int, Field(ge=1024 * 1024)]
"""How many bytes the gateway keeps of all streams; over it the oldest go."""
BACKLOG_BYTES = 2 * 1024 * 1024 * 1024
"""120 s of 17 channels at 8 Mb/s."""


def keyring(spelled: SecretStr) -> Keyring:
    """Read a SpelledKeyring."""
    return Keyring.parse(Secret(spelled.get_secret_value()))
