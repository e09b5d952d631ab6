"""The settings of the callback app and of nginx."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from services.domain.signing import Keyring
from services.runtime.ecs_settings import EcsSettings
from services.runtime.emf_settings import EmfSettings
from services.runtime.setting_types import (
    BACKLOG_BYTES,
    BACKLOG_SECONDS,
    MIN_FREE_BYTES,
    SPOOL_BYTES,
    BacklogBytes,
    BacklogSeconds,
    MinFreeBytes,
    SpelledKeyring,
    SpelledNetworks,
    SpoolBytes,
    Token,
    keyring,
    without_slash,
)
from services.runtime.settings import Settings
from services.runtime.storage_settings import StorageSettings

_CONFIGURABLE = re.compile(r"[A-Za-z0-9_./:@+-]+")


def _address_form(url: str) -> str:
    if not _has_address(urlsplit(url)):
        message = "must hold a host and, if any, a port of 1 to 65535"
        raise ValueError(message)
    return url


def _has_address(url: SplitResult) -> bool:
    try:
        return url.hostname is not None and url.port != 0
    except ValueError:
        return False


def _configurable(path: Path) -> Path:
    if not _CONFIGURABLE.fullmatch(str(path.absolute())):
        message = f"{str(path.absolute())!r} cannot stand in nginx.conf: only letters, digits and _ . / : @ + - can"
        raise ValueError(message)
    return path


HttpUrl = Annotated[
    str, Field(pattern=r"^http://[A-Za-z0-9_./:@+-]+$"), AfterValidator(without_slash), AfterValidator(_address_form)
]
"""nginx's callbacks are plain HTTP, and the address stands in its configuration."""
RtmpUrl = Annotated[
    str, Field(pattern=r"^rtmps?://[^\s/]+/\S+$"), AfterValidator(without_slash), AfterValidator(_address_form)
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds between two sweeps, and the threads that decide."""

    sweep_seconds: float
    decision_threads: int


# SQLite has one writer and its reads are free; DynamoDB answers many at once and every read is paid for.
_PACES = {
    "sqlite": Pace(sweep_seconds=2.0, decision_threads=1),
    "dynamodb": Pace(sweep_seconds=5.0, decision_threads=16),
}


class GatewaySettings(EcsSettings, EmfSettings, StorageSettings):
    """The callback app's settings; `_seconds` and `_bytes` say their unit.

    `nginx_url` is where nginx answers /stat, /control and /boot; `pull_url` is what workers pull from, and where what
    is fetched from sources is published; into `allowed_networks` sources may lead besides public addresses.
    Workers and other services on other machines reach this one at `advertised_host`, which is in the availability zone
    `zone`; on ECS the task itself tells both, and `gateway_name`. A gateway that a newer deployment replaces lets its
    publishers go one by one in `drain_seconds`, one that is stopped in `stop_drain_seconds` (0: they stay with nginx).
    In `backlog_path`, which nginx is told as well, lie the last `backlog_seconds` of each stream, all together in at
    most `backlog_bytes`, and nothing while the disk has less free than `min_free_bytes`.
    """

    launcher: Literal["process", "ecs"] = "process"
    spool_path: Path | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8002, ge=0, le=65_535)
    publish_secrets: SpelledKeyring
    internal_token: Token
    nginx_url: HttpUrl = "http://127.0.0.1:8001"
    pull_url: RtmpUrl = "rtmp://127.0.0.1:1935/stream"
    gateway_name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._-]{1,64}$")
    advertised_host: str = Field(default="", pattern=r"^[A-Za-z0-9.-]*$")
    zone: str = Field(default="", pattern=r"^[A-Za-z0-9-]*$")
    drain_seconds: float = Field(default=600, ge=0, le=7200)
    stop_drain_seconds: float = Field(default=0, ge=0, le=115)
    hold_seconds: float = Field(default=1.5, ge=0, le=5)
    sweep_seconds: float | None = Field(default=None, gt=0, le=60)
    decision_threads: int | None = Field(default=None, ge=1, le=64)
    launch_concurrency: int | None = Field(default=None, ge=1, le=64)
    min_free_bytes: MinFreeBytes = MIN_FREE_BYTES
    spool_bytes: SpoolBytes = SPOOL_BYTES
    lease_seconds: float | None = Field(default=None, ge=3, le=300)
    events: bool = True
    allowed_networks: SpelledNetworks = ""
    backlog_path: Path | None = None
    backlog_seconds: BacklogSeconds = BACKLOG_SECONDS
    backlog_bytes: BacklogBytes = BACKLOG_BYTES

    @field_validator("spool_path")
    @classmethod
    def _require_spool(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        if path is None and info.data.get("launcher") == "process":
            raise ValueError("must name the folder in which workers keep what is not stored yet")
        return path

    @property
    def launches_at_once(self) -> int:
        """How many workers are started at once: here each needs this machine's CPU for a while, ECS is only asked."""
        return self.launch_concurrency or (2 if self.launcher == "process" else 16)

    @property
    def lease(self) -> timedelta:
        """How long the lease of a worker lasts that is started here."""
        return timedelta(seconds=self.lease_seconds or self.usual_lease_seconds)

    @property
    def own_url(self) -> str | None:
        """Where a worker on this machine reaches this app; None while the port is not chosen yet."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 - a comparison
        return f"http://{host}:{self.port}" if self.port else None

    @property
    def pace(self) -> Pace:
        """How often state is compared with nginx, and how many decisions are made at once."""
        usual = _PACES[self.state]
        return Pace(
            sweep_seconds=self.sweep_seconds or usual.sweep_seconds,
            decision_threads=self.decision_threads or usual.decision_threads,
        )

    @property
    def keyring(self) -> Keyring:
        """The secrets that sign stream keys."""
        return keyring(self.publish_secrets)

    @property
    def rtmp_address(self) -> tuple[str, int]:
        """Where nginx takes connections."""
        url = urlsplit(self.pull_url)
        return url.hostname or "", url.port or 1935


class NginxSettings(Settings):
    """What the gateway's nginx is configured with; `run_path` holds its pid, its temporary files and the rendering.

    Into `backlog_path`, the callback app's, it records what is published; without one it records nothing.
    nginx knows no lifeline: who starts it has the kernel end it.
    """

    rtmp_host: str = Field(default="127.0.0.1", pattern=r"^[A-Za-z0-9_.-]+$")
    rtmp_port: int = Field(default=1935, ge=1, le=65_535)
    nginx_port: int = Field(default=8001, ge=1, le=65_535)
    callback_url: HttpUrl = "http://127.0.0.1:8002"
    run_path: Annotated[Path, AfterValidator(_configurable)]
    backlog_path: Annotated[Path, AfterValidator(_configurable)] | None = None
