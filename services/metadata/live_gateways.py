"""The gateways that are up, as this service knows them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from services.domain.clock import Clock
from services.domain.errors import StateUnavailable
from services.domain.gateways import Gateway, GatewayStore

LOOK_SECONDS = 1.0
"""How long state is waited for: then what it said last holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackApp:
    """One callback app, where it answers; `channels` are those whose publishers are connected to it."""

    name: str
    url: str
    channels: frozenset[str] = frozenset()


class LiveGateways:
    """Reads their rows for each question, once at a time: while state hangs, threads must not pile up before it."""

    def __init__(self, url: str, gateways: GatewayStore, clock: Clock) -> None:
        """Name the app at `url` while no gateway has a row."""
        self._only = CallbackApp(name="", url=url)
        self._gateways = gateways
        self._clock = clock
        self._lock = threading.Lock()
        self._looking: Future[Sequence[Gateway]] | None = None
        self._last: Sequence[Gateway] = ()

    def apps(self) -> Sequence[CallbackApp]:
        """Give the callback apps of all that are alive; there is always one."""
        try:
            self._last = self._look().result(LOOK_SECONDS)
        except (StateUnavailable, TimeoutError):
            rows = self._last  # whether they are alive only state could say
        else:
            now = self._clock.now()
            rows = [row for row in self._last if row.is_alive(now)]
        return [_app(row) for row in rows if row.control_url] or [self._only]

    def _look(self) -> Future[Sequence[Gateway]]:
        with self._lock:
            if self._looking is None or self._looking.done():
                self._looking = Future()
                self._looking.set_running_or_notify_cancel()
                # A daemon: a look that hangs does not keep the service from stopping.
                threading.Thread(target=self._run, args=(self._looking,), daemon=True, name="live gateways").start()
            return self._looking

    def _run(self, looking: Future[Sequence[Gateway]]) -> None:
        try:
            looking.set_result(self._gateways.all())
        except Exception as error:  # noqa: BLE001 - whoever waits raises it
            looking.set_exception(error)


def _app(row: Gateway) -> CallbackApp:
    return CallbackApp(
        name=row.name, url=row.control_url, channels=frozenset(each.channel_id for each in row.connections)
    )
