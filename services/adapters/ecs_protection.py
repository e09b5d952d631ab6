"""A task's protection by ECS, asked for at the agent beside it."""

from __future__ import annotations

import os
from typing import Any

import httpx

from services.domain.errors import PlatformUnavailable

VARIABLE = "ECS_AGENT_URI"
"""ECS sets it in each container."""
TIMEOUT_SECONDS = 5.0


class EcsProtection:
    """Asks the agent, which knows whose it is; the task's role needs ecs:UpdateTaskProtection."""

    def __init__(self, url: str) -> None:
        """Ask the agent at `url`."""
        self._url = f"{url}/task-protection/v1/state"

    @classmethod
    def own(cls) -> EcsProtection | None:
        """Give this task's, None where no agent is."""
        url = os.environ.get(VARIABLE)
        return cls(url) if url else None

    def protect(self, minutes: int) -> None:
        """Be protected for so long from now; raise PlatformUnavailable."""
        self._put({"ProtectionEnabled": True, "ExpiresInMinutes": minutes})

    def release(self) -> None:
        """Be protected no more; raise PlatformUnavailable."""
        self._put({"ProtectionEnabled": False})

    def _put(self, wanted: dict[str, Any]) -> None:
        try:
            answer = httpx.put(self._url, json=wanted, timeout=TIMEOUT_SECONDS, trust_env=False)
            told = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise PlatformUnavailable(f"the ECS agent does not answer: {error!r}") from error
        trouble = told.get("failure") or told.get("error") if isinstance(told, dict) else told
        if trouble or answer.is_error:
            raise PlatformUnavailable(f"the ECS agent answers {answer.status_code}: {trouble}")
