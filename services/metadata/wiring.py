"""What the routes need, handed to them by the bootstrap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from services.domain.clock import Clock
from services.domain.ports import ChannelStore, ObjectStore, Overview, SessionStore
from services.domain.secrets import Secret
from services.domain.signing import Keyring
from services.metadata.gateway_client import CallbackApp
from services.metadata.signed_links import SignedLinks


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """The ports and secrets of one running service.

    `rtmp_url` is where publishers push; `media_origins` are those (scheme, host, port) to which links lead on.
    """

    channels: ChannelStore
    sessions: SessionStore
    overview: Overview
    objects: ObjectStore
    clock: Clock
    callback: CallbackApp
    links: SignedLinks
    publish_keyring: Keyring
    admin_token: Secret
    rtmp_url: str
    media_origins: tuple[str, ...] = ()


async def _wired(request: Request) -> Wiring:
    wiring = request.app.state.wiring
    if not isinstance(wiring, Wiring):
        message = "the application was not wired"
        raise TypeError(message)
    return wiring


Wired = Annotated[Wiring, Depends(_wired)]
