"""A metadata service that takes pictures of sources."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from services.metadata.bootstrap import application
from services.runtime.serving import listen
from tests.metadata.callback_double import callback_double
from tests.metadata.running import TOKEN, served, settings_for

GRABS_AT_ONCE = 3


@dataclass(frozen=True)
class Service:
    """A metadata service, and a client that shows its token."""

    client: httpx.Client

    def ask(self, source_url: str, **fields: object) -> httpx.Response:
        """Ask for the picture itself."""
        return self._post("image/jpeg", source_url, fields)

    def told(self, source_url: str, **fields: object) -> dict[str, object]:
        """Ask for the picture with what is known of it."""
        answer = self._post("application/json", source_url, fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def _post(self, accept: str, source_url: str, fields: dict[str, object]) -> httpx.Response:
        return self.client.post("/snapshots", json={"source_url": source_url, **fields}, headers={"Accept": accept})


def grab_service(stack: ExitStack, folder: Path, allowed: str, *, grabber_function: str | None = None) -> Service:
    """Run a service until `stack` is closed; sources may lead into the networks that are allowed."""
    bound = stack.enter_context(listen("127.0.0.1", 0))
    callback = stack.enter_context(callback_double())
    settings = settings_for(folder, callback.url, bound.getsockname()[1])
    changes = {"allowed_networks": allowed, "grabs_at_once": GRABS_AT_ONCE, "grabber_function": grabber_function}
    settings = settings.model_copy(update=changes)
    app = stack.enter_context(application(settings))
    stack.enter_context(served(app, bound))
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    return Service(stack.enter_context(httpx.Client(base_url=settings.public_url, headers=bearer, timeout=12)))
