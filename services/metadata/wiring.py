"""What the routes need, handed to them by the bootstrap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from services.domain.addresses import Network
from services.domain.clock import Clock
from services.domain.grab import Grabber
from services.domain.outbox import Outbox
from services.domain.ports import ChannelStore, LeaseStore, ObjectStore, Overview, SessionStore
from services.domain.secrets import Secret
from services.domain.signing import Keyring
from services.metadata.gateway_client import CallbackApps
from services.metadata.newest_picture import NewestPictures
from services.metadata.resizing import Resizer
from services.metadata.signed_links import SignedLinks
from services.metadata.worker_client import Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """The ports and secrets of one running service.

    With `tells_events` bans are told; `sink_names` are the deployment's; `rtmp_url` is where publishers push;
    what channels name may lead to public addresses and into `allowed_networks`;
    `media_origins` are those (scheme, host, port) to which links lead on.
    """

    channels: ChannelStore
    sessions: SessionStore
    outbox: Outbox
    tells_events: bool
    sink_names: frozenset[str]
    leases: LeaseStore
    overview: Overview
    objects: ObjectStore
    clock: Clock
    callback: CallbackApps
    workers: Workers
    newest: NewestPictures
    resizer: Resizer
    grabber: Grabber
    links: SignedLinks
    publish_keyring: Keyring
    admin_token: Secret
    rtmp_url: str
    allowed_networks: tuple[Network, ...] = ()
    media_origins: tuple[str, ...] = ()


async def _wired(request: Request) -> Wiring:
    wiring = request.app.state.wiring
    if not isinstance(wiring, Wiring):
        message = "the application was not wired"
        raise TypeError(message)
    return wiring


Wired = Annotated[Wiring, Depends(_wired)]
