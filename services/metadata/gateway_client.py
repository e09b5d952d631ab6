"""Private calls to callback apps: they make a change prompt; a lost one is repaired by their re-reading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TypeVar

import httpx
import structlog

from services.domain.secrets import Secret
from services.metadata.live_gateways import CallbackApp, LiveGateways
from services.runtime.metric_texts import merged

log = structlog.get_logger()

_Answer = TypeVar("_Answer")
TIMEOUT_SECONDS = 1.0
METRICS_SECONDS = 6.0  # the app asks every worker, for at most 4 s
AT_ONCE = 8


class CallbackApps:
    """The callback apps as this service sees them."""

    def __init__(self, gateways: LiveGateways, token: Secret) -> None:
        """Show `token`; proxies of the environment are not for private calls."""
        headers = {"Authorization": f"Bearer {token.reveal()}"}
        self._http = httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False, headers=headers)
        self._gateways = gateways

    def refresh(self, channel_id: str) -> None:
        """Ask the app of the channel's publisher, or all, to read the channel's state now.

        That one is away is logged and no error.
        """
        apps = self._gateways.apps()
        concerned = [app for app in apps if channel_id in app.channels] or apps
        _of_all(concerned, lambda app: self._refresh(app, channel_id))

    def _refresh(self, app: CallbackApp, channel_id: str) -> None:
        try:
            self._http.post(f"{app.url}/channels/{channel_id}/refresh").raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.warning("refresh_not_delivered", channel=channel_id, url=app.url, error=_told(error))

    def metrics(self) -> bytes | None:
        """Give the figures that the apps have gathered, as Prometheus reads them; None if none answers.

        Those of several gateways carry the gateway's name.
        """
        apps = self._gateways.apps()
        texts = _of_all(apps, self._metrics)
        if len(apps) == 1:
            return texts[0]
        told = [({"gateway": app.name}, text.decode()) for app, text in zip(apps, texts, strict=True) if text]
        return merged(told) if told else None

    def _metrics(self, app: CallbackApp) -> bytes | None:
        try:
            answer = self._http.get(f"{app.url}/metrics", timeout=METRICS_SECONDS)
            answer.raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.warning("metrics_not_gathered", url=app.url, error=_told(error))
            return None
        return answer.content

    def readiness_problem(self) -> str | None:
        """Say why no gateway would take a publish now, or None when one would."""
        statuses = _of_all(self._gateways.apps(), self._readiness)
        if HTTPStatus.OK in statuses:
            return None
        return "the gateway takes no publish" if any(statuses) else "the callback app does not answer"

    def _readiness(self, app: CallbackApp) -> int | None:
        try:
            return self._http.get(f"{app.url}/readyz").status_code
        except (httpx.HTTPError, httpx.InvalidURL):
            return None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__


def _of_all(apps: Sequence[CallbackApp], ask: Callable[[CallbackApp], _Answer]) -> list[_Answer]:
    """Ask each, some at a time."""
    if len(apps) == 1:
        return [ask(apps[0])]
    with ThreadPoolExecutor(min(len(apps), AT_ONCE)) as threads:
        return list(threads.map(ask, apps))
