"""The ports of the stack."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Self

from services.local.errors import CannotStart

LOOPBACK = "127.0.0.1"
MAX_OFFSET = 65_535 - 8_005


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where each part listens."""

    rtmp: int = 1935
    api: int = 8000
    nginx: int = 8001
    callback: int = 8002
    dispatcher: int = 8003
    reconciler: int = 8005

    @classmethod
    def moved(cls, offset: int) -> Self:
        """Give the usual ports, each moved by `offset`."""
        usual = cls()
        return cls(
            rtmp=usual.rtmp + offset,
            api=usual.api + offset,
            nginx=usual.nginx + offset,
            callback=usual.callback + offset,
            dispatcher=usual.dispatcher + offset,
            reconciler=usual.reconciler + offset,
        )

    def require_free(self, rtmp_host: str) -> None:
        """Raise CannotStart naming the first port on which somebody else listens."""
        for part, host, port in (
            ("RTMP", rtmp_host, self.rtmp),
            ("the API", LOOPBACK, self.api),
            ("nginx's own pages", LOOPBACK, self.nginx),
            ("the callback app", LOOPBACK, self.callback),
            ("the dispatcher", LOOPBACK, self.dispatcher),
            ("the reconciler", LOOPBACK, self.reconciler),
        ):
            try:
                socket.create_server((host, port)).close()
            except OSError as error:
                raise CannotStart(
                    f"port {port} for {part} cannot be used ({error.strerror}); stop what listens there, "
                    f"or move all ports of this stack, for example: --port-offset 100"
                ) from error
