"""How much this gateway has to do: who is connected, and how many bytes they send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.gateway.counts import Counts
from services.gateway.nginx_client import Census
from services.gateway.pulse import Pulse

_Sent = Mapping[tuple[str, str, str], int]


@dataclass(slots=True, kw_only=True)
class Load:
    """Counts by what nginx says of itself: a new gateway is started by these figures where there may be several."""

    pulse: Pulse
    counts: Counts
    _sent: _Sent = field(default_factory=dict)

    async def run(self) -> None:
        """Count until cancelled."""
        while True:
            self._note(await self.pulse.next())

    def _note(self, census: Census) -> None:
        sent = {
            (census.gateway, channel_id, stream.publisher): stream.bytes_in
            for channel_id, stream in census.streams.items()
            if stream.publisher is not None
        }
        # A stream's bytes go on counting when another publisher comes, and a new life of nginx begins at nought.
        received = sum(max(0, now - self._sent.get(connection, 0)) for connection, now in sent.items())
        self._sent = sent
        self.counts.connected(len(sent), received)
