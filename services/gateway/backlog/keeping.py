"""The backlog as the callback app has it: put together here, so that the app itself names one thing."""

from __future__ import annotations

import time
from dataclasses import dataclass

import structlog
from starlette.routing import Route

from services.gateway.backlog.bounds import Bounds
from services.gateway.backlog.folder import Folder
from services.gateway.backlog.listing import Listing
from services.gateway.backlog.names import Admission
from services.gateway.backlog.routes import BacklogRoutes
from services.gateway.backlog.sweeping import Sweeper
from services.gateway.backlog.timing import Timing
from services.gateway.callback import Callback
from services.gateway.desk import Desk
from services.gateway.nginx_client import NginxClient
from services.gateway.settings import GatewaySettings

log = structlog.get_logger()

LEAST_RESERVE_BYTES = 64 * 2**20
"""So much stays free whatever is set: nginx's recorder must never see a full disk (`Bounds`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Keeps what nginx records, and gives it to workers."""

    folder: Folder
    sweeper: Sweeper
    served: BacklogRoutes

    def routes(self) -> list[Route]:
        """Give the routes of the app."""
        return self.served.routes()

    async def run(self) -> None:
        """Keep it in its bounds until cancelled."""
        await self.sweeper.run()

    def admitted(self, callback: Callback) -> None:
        """Hear that a publisher is let in, before nginx begins to record it; the publisher waits for nothing else."""
        boot = callback.gateway.rpartition("/")[2]
        admission = Admission(
            ns=time.time_ns(), channel_id=callback.channel_id, boot=boot, client_id=callback.client_id
        )
        try:
            self.folder.admitted(admission)
        except OSError as error:  # what is on air matters more than what may be read again
            log.warning("admission_not_marked", channel=callback.channel_id, error=str(error))


def backlog_of(settings: GatewaySettings, desk: Desk, nginx: NginxClient) -> Backlog | None:
    """Put it together, and let nginx record from now on; None where no folder is named."""
    if settings.backlog_path is None:
        return None
    folder, timing = Folder(settings.backlog_path.absolute()), Timing()
    reserve_bytes = max(settings.min_free_bytes, LEAST_RESERVE_BYTES)
    bounds = Bounds(seconds=settings.backlog_seconds, bytes=settings.backlog_bytes, reserve_bytes=reserve_bytes)
    listing = Listing(folder=folder, timing=timing)
    sweeper = Sweeper(folder=folder, bounds=bounds, timing=timing, listing=listing, nginx=nginx)
    try:
        sweeper.turn()
    except OSError as error:  # it is tried again at each sweep
        log.warning("backlog_not_kept", error=str(error))
    return Backlog(
        folder=folder,
        sweeper=sweeper,
        served=BacklogRoutes(desk=desk, folder=folder, listing=listing, gateway=nginx.gateway),
    )
