"""The outlet: one subscriber's sink, opened, with its circuit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from services.dispatcher.circuit import Circuit
from services.dispatcher.counts import Counts
from services.domain.errors import SinkRefused, SinkUnavailable
from services.domain.event import Event
from services.domain.sink import Sink
from services.domain.subscriber import Subscriber

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Outlet:
    """Offers events to one subscriber; `running` is how many lanes do so now, `used_at` when one last did."""

    subscriber: Subscriber
    sink: Sink
    counts: Counts
    on_back: Callable[[], None]
    circuit: Circuit = field(default_factory=Circuit)
    running: int = 0
    used_at: float = 0.0

    @property
    def name(self) -> str:
        """Its subscriber's."""
        return self.subscriber.name

    def offer(self, event: Event, body: bytes) -> None:
        """Send an event that the circuit has let through; raise SinkUnavailable or SinkRefused."""
        try:
            self.sink.send(event, body)
        except SinkUnavailable as error:
            self._is_away(str(error), error.retry_after)
            raise
        except SinkRefused:
            self._is_there()
            raise
        except Exception as error:
            log.exception("sink_failed", sink=self.name)
            self._is_away(type(error).__name__, None)
            raise SinkUnavailable(f"our own mistake: {type(error).__name__}") from error
        self._is_there()

    def _is_away(self, error: str, retry_after: float | None) -> None:
        if self.circuit.failed(error, retry_after):
            self.counts.away(self.subscriber, is_away=True)
            log.warning("sink_away", sink=self.name, error=error)

    def _is_there(self) -> None:
        seconds = self.circuit.answered()
        if seconds is not None:
            self.counts.away(self.subscriber, is_away=False)
            log.info("sink_back", sink=self.name, seconds=round(seconds, 1))
            self.on_back()
