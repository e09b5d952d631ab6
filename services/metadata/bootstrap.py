"""Builds the service from its settings: the one module that names concrete adapters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from fastapi import FastAPI

from services.adapters.directory_store import DirectoryStore
from services.adapters.sqlite_state import SqliteState
from services.domain.clock import SystemClock
from services.metadata import channel_changes
from services.metadata.app import create_app
from services.metadata.gateway_client import CallbackApp
from services.metadata.settings import MetadataSettings
from services.metadata.signed_links import SignedLinks
from services.metadata.wiring import Wiring


@contextmanager
def application(settings: MetadataSettings) -> Iterator[FastAPI]:
    """Give the application; what it opened is closed when the block ends."""
    with (
        closing(SqliteState(settings.state_path)) as state,
        closing(CallbackApp(settings.callback_url, settings.private_token)) as callback,
    ):
        wiring = Wiring(
            channels=state.channels,
            sessions=state.sessions,
            objects=DirectoryStore(settings.objects_path, min_free_bytes=settings.min_free_bytes),
            clock=SystemClock(),
            callback=callback,
            links=SignedLinks(keyring=settings.link_keyring, public_url=settings.public_url),
            publish_keyring=settings.publish_keyring,
            admin_token=settings.admin_token,
            rtmp_url=settings.rtmp_url,
        )
        if settings.seed_channel is not None:
            channel_changes.seed(wiring, settings.seed_channel)
        yield create_app(wiring)
