"""The callback app on a real socket, in a thread of the test's own process, so that its parts can be looked at."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Self, TypeVar

from services.gateway.app import CallbackApp
from services.gateway.bootstrap import LauncherFactory, callback_app
from services.gateway.settings import GatewaySettings
from services.runtime.serving import listen, serve_until

DEADLINE_SECONDS = 20.0
_Result = TypeVar("_Result")


class ServedApp:
    """One life of the app; leaving the block stops it as SIGTERM would."""

    def __init__(self, settings: GatewaySettings, launcher_factory: LauncherFactory) -> None:
        self._settings = settings
        self._launcher_factory = launcher_factory
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="callback app")
        self._failure: BaseException | None = None
        self.app: CallbackApp

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as failure:  # noqa: BLE001 - told to the test's own thread
            self._failure = failure
        finally:
            self._ready.set()
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _serve(self) -> None:
        with listen(self._settings.host, self._settings.port) as bound:
            async with callback_app(self._settings, launcher_factory=self._launcher_factory) as self.app:
                self._ready.set()
                await serve_until(self.app.routes(), bound, self._stop)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(DEADLINE_SECONDS)
        self._raise_failure()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop it, if it still runs, and wait for the end."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(DEADLINE_SECONDS)
        assert not self._thread.is_alive()
        self._raise_failure()

    def run(self, coroutine: Coroutine[object, object, _Result]) -> _Result:
        """Run something in the app's own loop; give what it comes to."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(DEADLINE_SECONDS)

    def call(self, call: Callable[[], _Result]) -> _Result:
        """Call something in the app's own loop."""

        async def run() -> _Result:
            return call()

        return self.run(run())

    @contextmanager
    def beside(self, coroutine: Coroutine[object, object, None]) -> Iterator[None]:
        """Run something in the app's own loop while the block runs."""
        running = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            yield
        finally:
            running.cancel()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
