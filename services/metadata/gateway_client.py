"""Private calls to the callback app: they make a change prompt; a lost one is repaired by its re-reading."""

from __future__ import annotations

from http import HTTPStatus

import httpx
import structlog

from services.domain.secrets import Secret

log = structlog.get_logger()

TIMEOUT_SECONDS = 1.0
METRICS_SECONDS = 6.0  # the app asks every worker, for at most 4 s


class CallbackApp:
    """The callback app as this service sees it."""

    def __init__(self, url: str, token: Secret) -> None:
        """Speak to the app at `url`, showing `token`; proxies of the environment are not for private calls."""
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False)
        self._token = token

    def refresh(self, channel_id: str) -> None:
        """Ask the app to read the channel's state now; that it is away is logged and no error."""
        headers = {"Authorization": f"Bearer {self._token.reveal()}"}
        try:
            answer = self._client.post(f"/channels/{channel_id}/refresh", headers=headers)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            log.warning("refresh_not_delivered", channel=channel_id, error=str(error) or type(error).__name__)

    def metrics(self) -> bytes | None:
        """Give the figures that the app has gathered, as Prometheus reads them; None if it does not answer."""
        headers = {"Authorization": f"Bearer {self._token.reveal()}"}
        try:
            answer = self._client.get("/metrics", headers=headers, timeout=METRICS_SECONDS)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            log.warning("metrics_not_gathered", error=str(error) or type(error).__name__)
            return None
        return answer.content

    def readiness_problem(self) -> str | None:
        """Say why no publish would be taken now, or None when one would."""
        try:
            answer = self._client.get("/readyz")
        except httpx.HTTPError:
            return "the callback app does not answer"
        if answer.status_code != HTTPStatus.OK:
            return "the gateway takes no publish"
        return None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
