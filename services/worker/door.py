"""The worker's control port: where others call it."""

from __future__ import annotations

import socket
from dataclasses import dataclass

import structlog

from services.worker.place import Place

log = structlog.get_logger()


@dataclass(slots=True)
class Door:
    """A port at a `place`, open beyond loopback only where others are to reach it; port 0 is any that is free."""

    place: Place
    port: int
    _bound: socket.socket | None = None

    def opened(self) -> socket.socket:
        """Give its socket, which listens; a port that is taken gives way to any other.

        Capture does not depend on it: all that is told there is read from state as well.
        """
        if self._bound is None:
            self._bound = self._listening()
        return self._bound

    def url(self) -> str:
        """Give the address of what answers there."""
        return f"http://{self.place.address}:{self.opened().getsockname()[1]}"

    def _listening(self) -> socket.socket:
        from services.runtime.serving import listen  # noqa: PLC0415 - late, so that ffmpeg pulls first

        host = self.place.address if self.place.is_private else "0.0.0.0"  # noqa: S104 - behind the task's security group
        try:
            return listen(host, self.port)
        except OSError as error:
            log.error("control_port_taken", port=self.port, error=error.strerror)  # noqa: TRY400 - said in full
            return listen(host, 0)
