"""Gateways that keep backlogs: their real routes over folders that hold what nginx would have recorded."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from starlette.applications import Starlette

from services.adapters.sqlite_state import SqliteState
from services.domain import signing
from services.domain.clock import SystemClock
from services.domain.gateways import Gateway
from services.domain.secrets import Secret
from services.domain.session import Session
from services.gateway.backlog.folder import Folder
from services.gateway.backlog.listing import Listing
from services.gateway.backlog.names import Admission, RecordingName
from services.gateway.backlog.routes import BacklogRoutes
from services.gateway.backlog.timing import Timing
from services.gateway.desk import Desk
from services.runtime.serving import listen, serving
from tests.examples import a_publisher, a_session
from tests.worker.recorded import BEGAN_AT, recorded

KEYRING = signing.Keyring(secrets={"k1": Secret("0" * 32)})


@dataclass(frozen=True, slots=True)
class KeptBacklog:
    """A gateway at `url` that keeps a backlog."""

    url: str
    boot: str
    routes: BacklogRoutes

    def record(self, clip: Path, channel_id: str, client_id: str, *, began_at: float = BEGAN_AT) -> None:
        """Leave the files of a connection, as nginx does."""
        root = self.routes.folder
        root.open()
        for listed, path in recorded(clip, root.root / channel_id):
            began = began_at + listed.began_at - BEGAN_AT
            name = RecordingName(channel_id=channel_id, second=int(began), boot=self.boot)
            target = path.rename(root.recording / str(name))
            ended = began_at + listed.ended_at - BEGAN_AT
            os.utime(target, (ended, ended))
        admission = Admission(
            ns=int((began_at - 0.1) * 1e9), channel_id=channel_id, boot=self.boot, client_id=client_id
        )
        (root.recording / str(admission)).touch()

    def be_busy(self) -> None:
        """Take all the places for readers."""
        while self.routes.readers.enter():
            pass

    def be_free(self) -> None:
        """Give one place back."""
        self.routes.readers.leave()


@asynccontextmanager
async def kept_backlog(state: SqliteState, folder: Path, boot: str) -> AsyncIterator[KeptBacklog]:
    """Serve a gateway's backlog, and write the row that says where."""
    root, clock = Folder(folder / boot), SystemClock()
    root.root.mkdir()
    desk = Desk(channels=state.channels, sessions=state.sessions, keyring=KEYRING, clock=clock)
    listing = Listing(folder=root, timing=Timing())
    routes = BacklogRoutes(desk=desk, folder=root, listing=listing, gateway=lambda life: f"{boot}/{life}")
    bound = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    put(state, boot, url, datetime.now(UTC))
    async with serving(Starlette(routes=routes.routes()), bound):
        yield KeptBacklog(url, boot, routes)


def put(state: SqliteState, boot: str, url: str, seen_at: datetime) -> None:
    """Write the row of a gateway."""
    state.gateways.put(
        Gateway(name=f"{boot}/{boot}", seen_at=seen_at, pull_url="rtmp://127.0.0.1:1/stream", control_url=url)
    )


def opened(state: SqliteState, channel_id: str, gateway: str, client_id: str) -> Session:
    """Open a session that has come to a gateway last."""
    began = datetime.fromtimestamp(BEGAN_AT, UTC) - timedelta(seconds=1)
    publisher = a_publisher(client_id, gateway=f"{gateway}/{gateway}", accepted_at=began)
    session = a_session(f"session-{channel_id}", channel_id=channel_id, started_at=began, publisher=publisher)
    air = replace(state.sessions.air(channel_id), version=1, session_id=session.id)
    state.sessions.save(session=session, air=air)
    return session
