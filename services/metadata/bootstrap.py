"""Builds the service from its settings: the one module that names concrete adapters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from fastapi import FastAPI

from services.adapters.opening import State, open_state, open_store
from services.domain.addresses import networks
from services.domain.clock import SystemClock
from services.domain.grab import Grabber
from services.domain.ports import ObjectStore
from services.metadata import channel_changes
from services.metadata.app import create_app
from services.metadata.gateway_client import CallbackApps
from services.metadata.grabber_function import GrabberFunction
from services.metadata.grabber_program import GrabberProgram
from services.metadata.live_gateways import LiveGateways
from services.metadata.newest_picture import NewestPictures
from services.metadata.resizing import Resizer
from services.metadata.settings import MetadataSettings
from services.metadata.signed_links import SignedLinks
from services.metadata.wiring import Wiring
from services.metadata.worker_client import Workers

STORE_ATTEMPTS = 3
"""How often a read of S3 is tried: nobody above tries again for a caller of the API."""
STORE_SECONDS = 5.0
"""How long each try waits: this service stores nothing and reads what is small."""


def _store(settings: MetadataSettings) -> ObjectStore:
    return open_store(
        directory_path=settings.directory_path,
        bucket=settings.bucket,
        min_free_bytes=settings.min_free_bytes,
        attempts=STORE_ATTEMPTS,
        read_seconds=STORE_SECONDS,
    )


def _grabber(settings: MetadataSettings, objects: ObjectStore) -> Grabber:
    if settings.grabber_function is None:
        return GrabberProgram(settings.allowed_networks, settings.grabs_at_once)
    from services.adapters.lambda_function import LambdaFunction  # noqa: PLC0415 - one machine has no use for it

    return GrabberFunction(LambdaFunction(settings.grabber_function), objects)


def _callback_apps(settings: MetadataSettings, state: State) -> CallbackApps:
    gateways = LiveGateways(settings.callback_url, state.gateways, SystemClock())
    return CallbackApps(gateways, settings.private_token)


@contextmanager
def application(settings: MetadataSettings) -> Iterator[FastAPI]:
    """Give the application; what it opened is closed when the block ends."""
    with (
        closing(open_state(sqlite_path=settings.sqlite_path, table=settings.table)) as state,
        closing(_store(settings)) as objects,
        closing(_callback_apps(settings, state)) as callback,
    ):
        origin = objects.origin()
        wiring = Wiring(
            channels=state.channels,
            sessions=state.sessions,
            outbox=state.outbox,
            tells_events=settings.events,
            sink_names=settings.known_sinks,
            leases=state.leases,
            overview=state.overview,
            objects=objects,
            clock=SystemClock(),
            callback=callback,
            workers=Workers(),
            newest=NewestPictures(objects=objects, sessions=state.sessions),
            resizer=Resizer(),
            grabber=_grabber(settings, objects),
            links=SignedLinks(keyring=settings.link_keyring, public_url=settings.public_url),
            publish_keyring=settings.publish_keyring,
            admin_token=settings.admin_token,
            rtmp_url=settings.rtmp_url,
            allowed_networks=networks(settings.allowed_networks),
            media_origins=() if origin is None else (origin,),
        )
        if settings.seed_channel is not None:
            channel_changes.seed(wiring, settings.seed_channel)
        yield create_app(wiring)
